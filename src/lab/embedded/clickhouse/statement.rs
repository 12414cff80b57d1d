//! Cuts a request's text into a statement and the data behind it.
//!
//! Not a parser: it knows where strings, quoted names, comments and brackets end, and the few words that decide whether
//! data follows. Whatever it cannot place for certain is refused or left to the engine's parser as a statement without
//! data, so that bytes of rows are never read as SQL.

use super::failure::Failure;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement<'text> {
    /// A statement that carries no data, with the format that it names for its answer.
    Query { text: &'text [u8], format: Option<&'text str> },
    /// `INSERT … FORMAT format` or `INSERT … VALUES`, and what follows.
    Insert { text: &'text [u8], format: &'text str, data: &'text [u8] },
    /// Nothing but white space and comments.
    Empty,
}

/// Cuts `text`.
///
/// # Errors
///
/// A syntax error for several statements in one text, and for an INSERT that does not say where its rows come from.
pub(super) fn split(text: &[u8]) -> Result<Statement<'_>, Failure> {
    let mut tokens = Tokens { text, at: 0 };
    let Some(first) = tokens.next() else { return Ok(Statement::Empty) };
    if first.is("INSERT") {
        return split_insert(text, tokens);
    }
    query(text, Tokens { text, at: 0 })
}

fn split_insert<'text>(text: &'text [u8], mut tokens: Tokens<'text>) -> Result<Statement<'text>, Failure> {
    let mut depth = 0usize;
    let mut before: Option<Token<'text>> = None;
    while let Some(token) = tokens.next() {
        let qualified = before.is_some_and(|before| before.text == b".");
        let opened = before.is_some_and(|before| before.text == b"(");
        match token.text {
            b"(" => depth += 1,
            b")" => depth = depth.saturating_sub(1),
            // `(select)` is a list of one column, `(select 1)` a query.
            _ if opened && (token.is("SELECT") || token.is("WITH")) && !tokens.clone().ends_name() => return selected(text),
            _ if depth > 0 || qualified => {}
            _ if token.is("FORMAT") => return formatted(text, token.start, tokens),
            _ if token.is("VALUES") => {
                return values(&text[..token.start], "Values", &text[tokens.at..]);
            }
            _ if ["SELECT", "WITH", "FROM", "WATCH", "EXPLAIN"].iter().any(|word| token.is(word)) => return selected(text),
            _ => {}
        }
        before = Some(token);
    }
    Err(Failure::syntax("Syntax error: an INSERT needs FORMAT, VALUES or SELECT in its text"))
}

/// `INSERT … SELECT`: a statement like any other, unless it wants data as well.
fn selected(text: &[u8]) -> Result<Statement<'_>, Failure> {
    let mut tokens = Tokens { text, at: 0 };
    while let Some(token) = tokens.next() {
        if token.is("INPUT") && tokens.clone().next().is_some_and(|next| next.text == b"(") {
            return Err(Failure::unsupported("INSERT SELECT from the table function input() is not served"));
        }
    }
    query(text, Tokens { text, at: 0 })
}

fn formatted<'text>(text: &'text [u8], start: usize, mut tokens: Tokens<'text>) -> Result<Statement<'text>, Failure> {
    let Some(format) = tokens.next().and_then(Token::word) else {
        return Err(Failure::syntax("Syntax error: FORMAT without the name of a format"));
    };
    let mut data = &text[tokens.at..];
    data = data.strip_prefix(b";").unwrap_or(data);
    // One line end parts statement and data; any byte behind it is data.
    while let Some(rest) = data.strip_prefix(b" ").or_else(|| data.strip_prefix(b"\t")).or_else(|| data.strip_prefix(b"\x0c")) {
        data = rest;
    }
    data = data.strip_prefix(b"\r").unwrap_or(data);
    data = data.strip_prefix(b"\n").unwrap_or(data);
    if format.eq_ignore_ascii_case("Values") {
        return values(&text[..start], format, data);
    }
    Ok(Statement::Insert { text: &text[..start], format, data })
}

/// Rows written as SQL: the engine would read to the first `;` and drop what follows without a word.
fn values<'text>(text: &'text [u8], format: &'text str, data: &'text [u8]) -> Result<Statement<'text>, Failure> {
    match query(data, Tokens { text: data, at: 0 })? {
        Statement::Query { text: data, .. } => Ok(Statement::Insert { text, format, data }),
        Statement::Insert { .. } | Statement::Empty => Ok(Statement::Insert { text, format, data }),
    }
}

fn query<'text>(text: &'text [u8], mut tokens: Tokens<'text>) -> Result<Statement<'text>, Failure> {
    let mut format = None;
    let mut depth = 0usize;
    let mut qualified = false;
    let mut ended = None;
    while let Some(token) = tokens.next() {
        if token.text == b";" {
            ended = ended.or(Some(token.start));
            continue;
        }
        if let Some(end) = ended {
            return Err(Failure::syntax(format_args!(
                "Syntax error (Multi-statements are not allowed): failed at position {} (end of query)",
                end + 1
            )));
        }
        match token.text {
            b"(" => depth += 1,
            b")" => depth = depth.saturating_sub(1),
            _ if depth == 0 && !qualified && token.is("FORMAT") => {
                format = tokens.clone().next().and_then(Token::word).or(format);
            }
            _ => {}
        }
        qualified = token.text == b".";
    }
    Ok(Statement::Query { text: &text[..ended.unwrap_or(text.len())], format })
}

/// A word, a quoted thing, or one byte of punctuation.
#[derive(Clone, Copy, Debug)]
struct Token<'text> {
    start: usize,
    text: &'text [u8],
}

impl<'text> Token<'text> {
    fn is(self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word.as_bytes())
    }

    fn word(self) -> Option<&'text str> {
        let word = self.text.iter().all(|byte| is_word(*byte)).then_some(self.text)?;
        std::str::from_utf8(word).ok()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[derive(Clone)]
struct Tokens<'text> {
    text: &'text [u8],
    at: usize,
}

impl<'text> Tokens<'text> {
    fn next(&mut self) -> Option<Token<'text>> {
        self.skip_blanks();
        let start = self.at;
        let rest = &self.text[start..];
        let length = match *rest.first()? {
            quote @ (b'\'' | b'"' | b'`') => quoted(rest, quote),
            b'$' => heredoc(rest).unwrap_or(1),
            byte if is_word(byte) => rest.iter().take_while(|byte| is_word(**byte)).count(),
            _ => 1,
        };
        self.at = start + length;
        Some(Token { start, text: &rest[..length] })
    }

    /// Whether the name just read is an element of a list of names.
    fn ends_name(mut self) -> bool {
        self.next().is_none_or(|token| matches!(token.text, b"," | b")"))
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let skipped = match rest {
                [byte, ..] if byte.is_ascii_whitespace() || *byte == b'\x0b' => 1,
                [b'-', b'-', ..] | [b'#', b' ' | b'!', ..] => rest.iter().take_while(|byte| **byte != b'\n').count(),
                [b'/', b'*', ..] => find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4),
                _ => return,
            };
            self.at += skipped;
        }
    }
}

/// The length of a quoted thing: a backslash escapes, the quote twice is the quote. Without an end: all the rest.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == quote && rest.get(at + 1) == Some(&quote) => at += 2,
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `$tag$ … $tag$`.
fn heredoc(rest: &[u8]) -> Option<usize> {
    let tag = rest[1..].iter().take_while(|byte| is_word(**byte)).count() + 2;
    let (opening, body) = rest.split_at_checked(tag)?;
    if opening.last() != Some(&b'$') {
        return None;
    }
    Some(tag + find(body, opening)? + tag)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(text in "(INSERT INTO t |SELECT |)(FORMAT |VALUES|[(){}$'\"`;,./*#\\\\ \n-]|[a-z]|\\PC){0,40}") {
            if let Ok(Statement::Insert { text: head, data, .. }) = split(text.as_bytes()) {
                prop_assert!(head.len() + data.len() <= text.len());
            }
        }
    }

    fn insert<'text>(text: &'text str, format: &'text str, data: &'text str) -> Statement<'text> {
        Statement::Insert { text: text.as_bytes(), format, data: data.as_bytes() }
    }

    #[test]
    fn data_starts_behind_the_line_end_of_the_format() {
        let cases = [
            ("INSERT INTO t FORMAT RowBinary\n\n;x", insert("INSERT INTO t ", "RowBinary", "\n;x")),
            ("insert into t(a, b) format TSV 1\t2\n", insert("insert into t(a, b) ", "TSV", "1\t2\n")),
            ("INSERT INTO t FORMAT Native", insert("INSERT INTO t ", "Native", "")),
            ("INSERT INTO t FORMAT CSV;\r\n1", insert("INSERT INTO t ", "CSV", "1")),
            ("/* a; */ INSERT INTO t -- x\nVALUES (1, ';')", insert("/* a; */ INSERT INTO t -- x\n", "Values", " (1, ';')")),
            ("INSERT INTO db.format FORMAT CSV\n1", insert("INSERT INTO db.format ", "CSV", "1")),
            ("INSERT INTO t (format, values) FORMAT CSV\n1", insert("INSERT INTO t (format, values) ", "CSV", "1")),
            ("INSERT INTO t (select) FORMAT CSV\n1", insert("INSERT INTO t (select) ", "CSV", "1")),
            ("INSERT INTO t SETTINGS a = 'FORMAT' FORMAT CSV\n1", insert("INSERT INTO t SETTINGS a = 'FORMAT' ", "CSV", "1")),
            ("INSERT INTO `FORMAT x` FORMAT CSV\n1", insert("INSERT INTO `FORMAT x` ", "CSV", "1")),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text.as_bytes()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_select_behind_an_insert_carries_no_data() {
        for text in ["INSERT INTO t SELECT 1", "INSERT INTO t (SELECT 1)", "INSERT INTO t (a) WITH 1 AS x SELECT x"] {
            assert_eq!(split(text.as_bytes()).unwrap(), Statement::Query { text: text.as_bytes(), format: None }, "{text}");
        }
    }

    #[test]
    fn an_insert_that_does_not_say_where_rows_come_from_is_refused() {
        assert_eq!(split(b"INSERT INTO t\n\x01\x02;\x03").unwrap_err().code, 62);
        assert_eq!(split(b"INSERT INTO t SELECT * FROM input('a Int8') FORMAT CSV\n1").unwrap_err().code, 48);
    }

    #[test]
    fn several_statements_are_refused_and_a_last_semicolon_is_not() {
        assert_eq!(split(b"SELECT 1; SELECT 2").unwrap_err().code, 62);
        assert_eq!(split(b"INSERT INTO t VALUES (1), (2); SELECT 1").unwrap_err().code, 62);
        assert_eq!(split(b"INSERT INTO t FORMAT Values (1); (2)").unwrap_err().code, 62);
        let query = |text: &'static str| Statement::Query { text: text.as_bytes(), format: None };
        assert_eq!(split(b"SELECT ';' /* ; */ ; -- done\n;").unwrap(), query("SELECT ';' /* ; */ "));
        assert_eq!(split(b"SELECT $x$ ; SELECT $x$").unwrap(), query("SELECT $x$ ; SELECT $x$"));
        assert_eq!(split(b"SELECT 'it''s; \\'; '").unwrap(), query("SELECT 'it''s; \\'; '"));
        assert_eq!(split(b" -- nothing\n").unwrap(), Statement::Empty);
    }

    #[test]
    fn the_format_of_an_answer_is_the_one_outside_brackets() {
        let format = |text: &'static str| match split(text.as_bytes()).unwrap() {
            Statement::Query { format, .. } => format,
            Statement::Insert { .. } | Statement::Empty => None,
        };
        assert_eq!(format("SELECT 1 FORMAT JSON"), Some("JSON"));
        assert_eq!(format("SELECT format('FORMAT x') FORMAT CSV SETTINGS a = 1"), Some("CSV"));
        assert_eq!(format("SELECT 'FORMAT JSON'"), None);
    }
}
