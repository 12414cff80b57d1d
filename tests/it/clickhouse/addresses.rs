//! What else may stand at an address of `clickhouse.urls`: each mistake has a text of its own, with the key and the cure in it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use grapevine::clickhouse::ClickHouseSink;
use grapevine::config::ClickHouse;
use grapevine::failure::Failure;

use crate::store::Database;

/// Says the same to everybody who has sent something, and hangs up; where it is.
fn somebody(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 65_536];
            // Whoever hears nothing any more has heard enough.
            drop(stream.read(&mut request).and_then(|_| stream.write_all(says)));
        }
    });
    address
}

#[tokio::test]
async fn whatever_else_stands_at_an_address_is_named_with_the_key_and_the_cure() {
    let database = Database::absent("addresses");
    let store = database.config.urls[0].trim_start_matches("http://").to_owned();
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>";
    let lost = b"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>";
    // What a server says on its native port to who speaks HTTP.
    let native =
        b"HTTP/1.0 400 Bad Request\r\n\r\nPort 9000 is for clickhouse-client program\r\nYou must use port 8123 for HTTP.\r\n";
    // What TLS says to who speaks none: an alert.
    let tls = b"\x15\x03\x01\x00\x02\x02\x46";
    let cases = [
        ("nobody", "http://127.0.0.1:1".to_owned(), "nobody takes connections there: correct clickhouse.urls"),
        ("an unknown host", "http://no.such.host.invalid:8123".to_owned(), "the host is not known: correct clickhouse.urls"),
        (
            "a web server",
            format!("http://{}", somebody(page)),
            "Could not read columns header: this is no answer of a ClickHouse: correct clickhouse.urls",
        ),
        (
            "a server of 404s",
            format!("http://{}", somebody(lost)),
            "<html></html>: this is no answer of a ClickHouse: correct clickhouse.urls",
        ),
        (
            "the native port",
            format!("http://{}", somebody(native)),
            "You must use port 8123 for HTTP.: this is no answer of a ClickHouse",
        ),
        ("a broker", format!("http://{}", somebody(b"")), "speaks no HTTP: write that port in clickhouse.urls"),
        ("https without s", format!("http://{}", somebody(tls)), "where it is TLS, write https:// in clickhouse.urls"),
        ("http with s", format!("https://{store}"), "write http:// in clickhouse.urls"),
    ];
    let mut texts: BTreeMap<String, &str> = BTreeMap::new();
    for (what, url, words) in cases {
        let config = ClickHouse { urls: vec![url.clone()], send_timeout: Duration::from_secs(30), ..database.config.clone() };
        let sink = ClickHouseSink::new(&config, 1 << 20, 0, || 0);
        let said = match sink.ready().await {
            Err(Failure::Transient(text)) => text,
            other => panic!("{what}: {other:?}"),
        };
        assert!(said.contains(words), "{what}: {said}");
        assert_eq!(texts.insert(said, what), None, "{what} says the same");
    }
}
