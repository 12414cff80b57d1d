//! A text of SQL, statement by statement.

/// Splits a text into statements at the semicolons that stand outside of comments and quotes. Comments before
/// a statement are left out; a statement of nothing but comments is none.
#[must_use]
pub fn statements(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < bytes.len() {
        let after = end_of_token(bytes, at);
        if bytes[at] == b';' {
            if let Some(start) = start.take() {
                found.push(text[start..at].trim_end());
            }
        } else if start.is_none() && !is_comment(bytes, at) && !bytes[at].is_ascii_whitespace() {
            start = Some(at);
        }
        at = after;
    }
    found.extend(start.map(|start| text[start..].trim_end()));
    found
}

fn is_comment(bytes: &[u8], at: usize) -> bool {
    bytes[at..].starts_with(b"--") || bytes[at..].starts_with(b"/*")
}

/// One past the comment, the quoted text or the single byte that begins at `at`.
fn end_of_token(bytes: &[u8], at: usize) -> usize {
    if bytes[at..].starts_with(b"--") {
        return bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length + 1);
    }
    if bytes[at..].starts_with(b"/*") {
        return bytes[at + 2..].windows(2).position(|pair| pair == b"*/").map_or(bytes.len(), |length| at + length + 4);
    }
    let quote = bytes[at];
    if !matches!(quote, b'\'' | b'"' | b'`') {
        return at + 1;
    }
    let mut next = at + 1;
    while next < bytes.len() && bytes[next] != quote {
        next += if bytes[next] == b'\\' { 2 } else { 1 };
    }
    // A doubled quote is read as two quoted texts beside each other, which comes to the same.
    (next + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_comments_and_quotes_split_nothing() {
        let text = "-- a; b\n/* c; */ SELECT ';', \"a;b\", `c;d`, 'it''s; \\'; so' -- e;\n, 1 ;\n\n; -- f\nSELECT 2";
        let got = statements(text);
        assert_eq!(got, ["SELECT ';', \"a;b\", `c;d`, 'it''s; \\'; so' -- e;\n, 1", "SELECT 2"]);
        assert!(statements("  -- nothing\n ; ").is_empty());
        assert_eq!(statements("SELECT 'open;"), ["SELECT 'open;"]);
        assert_eq!(statements("/* open; "), Vec::<&str>::new());
        assert_eq!(statements("SELECT 'ü;', 5 / 2 - 1;"), ["SELECT 'ü;', 5 / 2 - 1"]);
    }
}
