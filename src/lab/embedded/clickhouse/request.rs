//! Reads an HTTP request as ClickHouse's HTTP interface does: URL parameters, headers, and a body that may be compressed or a form.

use axum::http::{HeaderMap, Method, header};
use url::form_urlencoded;

use super::compression;
use super::failure::Failure;

/// One request, ready to run.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// Statement and data in one.
    pub(super) text: Vec<u8>,
    /// The database of unqualified names.
    pub(super) database: Option<String>,
    /// The format of the answer where the statement names none.
    pub(super) format: Option<String>,
    /// Settings by name, in the order given.
    pub(super) settings: Vec<(String, String)>,
    /// Values of `{name:Type}`, by name.
    pub(super) parameters: Vec<(String, String)>,
    /// The answer goes out in checked blocks.
    pub(super) compress: bool,
    /// The body came in checked blocks.
    decompress: bool,
    /// The id that the client gave.
    pub(super) query_id: Option<String>,
}

impl Request {
    /// Reads a request whose body was received whole.
    ///
    /// # Errors
    ///
    /// For a body that is damaged, too large, or in a form that is not known.
    pub(super) fn read(method: &Method, query: &str, headers: &HeaderMap, body: Vec<u8>, limit: usize) -> Result<Self, Failure> {
        let mut request = Self {
            database: text(headers, "x-clickhouse-database"),
            format: text(headers, "x-clickhouse-format"),
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            request.set(&name, value.into_owned());
        }
        if *method == Method::GET || *method == Method::HEAD {
            // Last, so that it wins: as in a server, GET only reads.
            request.settings.push(("readonly".to_owned(), "2".to_owned()));
        }
        let body = decode(headers, body, request.decompress, limit)?;
        match boundary(headers) {
            Some(boundary) => request.read_form(&body, &boundary)?,
            None => request.append(body),
        }
        Ok(request)
    }

    fn set(&mut self, name: &str, value: String) {
        let on = value == "1" || value.eq_ignore_ascii_case("true");
        match name {
            "query" => self.append(value.into_bytes()),
            "database" => self.database = Some(value),
            "default_format" => self.format = Some(value),
            "compress" => self.compress = on,
            "decompress" => self.decompress = on,
            "query_id" => self.query_id = Some(value),
            // Sessions, roles and users are accepted and mean nothing here. Answers are always held until they are whole.
            "session_id"
            | "session_timeout"
            | "session_check"
            | "close_session"
            | "role"
            | "user"
            | "password"
            | "quota_key"
            | "wait_end_of_query"
            | "buffer_size"
            | "stacktrace"
            | "client_protocol_version"
            | "http_make_head_request" => {}
            _ => match name.strip_prefix("param_") {
                Some(parameter) => self.parameters.push((parameter.to_owned(), value)),
                None => self.settings.push((name.to_owned(), value)),
            },
        }
    }

    /// The text of the URL stands before the body, a line end between them.
    fn append(&mut self, piece: Vec<u8>) {
        if self.text.is_empty() {
            self.text = piece;
        } else if !piece.is_empty() {
            self.text.push(b'\n');
            self.text.extend_from_slice(&piece);
        }
    }

    fn read_form(&mut self, body: &[u8], boundary: &str) -> Result<(), Failure> {
        let broken = || Failure::truncated("Cannot read all data: the multipart body is cut off or malformed");
        let opening = format!("--{boundary}");
        let delimiter = format!("\r\n--{boundary}");
        let mut rest = body.strip_prefix(opening.as_bytes()).ok_or_else(broken)?;
        while !rest.starts_with(b"--") {
            let part = rest.strip_prefix(b"\r\n").ok_or_else(broken)?;
            let head_end = find(part, b"\r\n\r\n").ok_or_else(broken)?;
            let (head, content) = (&part[..head_end], &part[head_end + 4..]);
            let end = find(content, delimiter.as_bytes()).ok_or_else(broken)?;
            let (name, is_file) = disposition(&String::from_utf8_lossy(head)).ok_or_else(broken)?;
            if is_file {
                return Err(Failure::unsupported("External tables in a multipart body are not served"));
            }
            self.set_field(&name, &content[..end])?;
            rest = &content[end + delimiter.len()..];
        }
        Ok(())
    }

    fn set_field(&mut self, name: &str, content: &[u8]) -> Result<(), Failure> {
        if name == "query" {
            self.append(content.to_vec());
            return Ok(());
        }
        let value = std::str::from_utf8(content).map_err(|_| {
            Failure::new(36, "BAD_ARGUMENTS", format_args!("The field {name} of the multipart body is not UTF-8"))
        })?;
        self.set(name, value.to_owned());
        Ok(())
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn decode(headers: &HeaderMap, body: Vec<u8>, blocks: bool, limit: usize) -> Result<Vec<u8>, Failure> {
    let encoding = text(headers, header::CONTENT_ENCODING.as_str()).unwrap_or_default().to_ascii_lowercase();
    let body = match encoding.as_str() {
        "" | "identity" => body,
        _ if body.is_empty() => body,
        known => compression::decode(known, &body, limit).unwrap_or_else(|| {
            Err(Failure::new(89, "UNKNOWN_COMPRESSION_METHOD", format_args!("Unknown content encoding {encoding:?}")))
        })?,
    };
    if blocks { compression::decode_blocks(&body, limit) } else { Ok(body) }
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = text(headers, header::CONTENT_TYPE.as_str())?;
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = rest.split(';').find_map(|pair| pair.trim().strip_prefix("boundary="))?;
    Some(value.trim_matches('"').to_owned())
}

/// The name of a form's part, and whether the part is a file.
fn disposition(head: &str) -> Option<(String, bool)> {
    let line = head.split("\r\n").find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let mut name = None;
    let mut is_file = false;
    for pair in line.split(';') {
        match pair.trim().split_once('=') {
            Some(("name", value)) => name = Some(value.trim_matches('"').to_owned()),
            Some(("filename", _)) => is_file = true,
            Some(_) | None => {}
        }
    }
    Some((name?, is_file))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Result<Request, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=\"x\"".parse().unwrap());
        Request::read(&Method::POST, "database=d", &headers, body.as_bytes().to_vec(), 1000)
    }

    #[test]
    fn a_form_carries_query_and_parameters() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {a:Int8}\r\n--x\r\nContent-Disposition: form-data; name=\"param_a\"\r\n\r\n1\r\n2\r\n--x--\r\n";
        let request = form(body).unwrap();
        assert_eq!(request.text, b"SELECT {a:Int8}");
        assert_eq!(request.parameters, [("a".to_owned(), "1\r\n2".to_owned())]);
        assert_eq!(request.database.as_deref(), Some("d"));
        for length in 0..body.len() - 4 {
            assert!(form(&body[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn the_urls_text_stands_before_the_body() {
        let read =
            |method| Request::read(&method, "query=INSERT+INTO+t+FORMAT+CSV&max_threads=1", &HeaderMap::new(), b"1".to_vec(), 10);
        let request = read(Method::POST).unwrap();
        assert_eq!(request.text, b"INSERT INTO t FORMAT CSV\n1");
        assert_eq!(request.settings, [("max_threads".to_owned(), "1".to_owned())]);
        assert_eq!(read(Method::GET).unwrap().settings.last().map(|(name, _)| name.as_str()), Some("readonly"));
    }
}
