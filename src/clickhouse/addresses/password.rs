//! The password that the store is shown: the one of the start, or a renewed one that the watch over files has put into its place.

use ::clickhouse::Client;

use super::super::tls;
use crate::certificates::{Flaw, Lifetime};
use crate::config::{self, Key, Secret};

const FILE: Key = ("clickhouse", "password_file");

/// The client, with the password of now.
pub(in super::super) fn shown_by(client: Client, config: &config::ClickHouse) -> Client {
    let password = config.current_password();
    // An empty password is sent as none: servers that ask for none refuse a header without a value.
    if password.0.is_empty() { client } else { client.with_password(password.0) }
}

/// What the files that are named hold now: the password, if one is named; from when until when certificates count, and what is wrong with the rest.
pub(crate) fn taken(config: &config::ClickHouse) -> (Option<Secret>, Vec<(Key, Lifetime)>, Vec<Flaw>) {
    let (lives, mut flaws) = tls::taken(config);
    let password = config.password_file.as_deref().map(|file| Secret::held(FILE, file)).transpose();
    let password = password.unwrap_or_else(|flaw| {
        flaws.push(flaw);
        None
    });
    (password, lives, flaws)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::http::HeaderMap;
    use tokio::net::TcpListener;

    use super::super::Addresses;
    use super::*;
    use crate::config::Config;

    #[test]
    fn an_empty_file_and_one_that_is_gone_are_named_and_hold_no_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut config = Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        assert_eq!((taken(&config).0, taken(&config).2), (None, Vec::new()), "none is named");
        config.password_file = Some(file.path().to_owned());
        for (held, password) in [("", None), ("first\n", Some("first")), ("second", Some("second"))] {
            std::fs::write(file.path(), held).unwrap();
            let (read, _, flaws) = taken(&config);
            assert_eq!((read, flaws.is_empty()), (password.map(|text| Secret(text.to_owned())), password.is_some()), "{held:?}");
        }
        file.close().unwrap();
        let (read, _, flaws) = taken(&config);
        assert!(read.is_none() && flaws.len() == 1 && flaws[0].to_string().contains("clickhouse.password_file"), "{flaws:?}");
    }

    #[tokio::test]
    async fn whatever_is_asked_shows_the_newest() {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&shown);
        let listen = move |headers: HeaderMap| {
            heard.lock().unwrap().push(headers["x-clickhouse-key"].to_str().unwrap().to_owned());
            std::future::ready("")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        config.urls = vec![format!("http://{}", listener.local_addr().unwrap())];
        config.password = Secret("one".to_owned());
        tokio::spawn(axum::serve(listener, Router::new().fallback(listen)).into_future());
        let addresses = Addresses::of(&config);
        addresses.client().query_raw("SELECT 1").execute().await.unwrap();
        config.renewed_password.renew(Secret("two".to_owned()));
        addresses.client().query_raw("SELECT 1").execute().await.unwrap();
        assert_eq!(*shown.lock().unwrap(), ["one", "two"]);
    }
}
