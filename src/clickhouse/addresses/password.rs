//! The password that the store is shown: as its file says it now, so that a renewed one is taken over.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ::clickhouse::Client;

use super::super::tls;
use crate::certificates::{Flaw, Lifetime};
use crate::config::{self, Key, Secret};

const FILE: Key = ("clickhouse", "password_file");

/// A password, and where a newer one may come from.
pub(in super::super) struct Password {
    file: Option<PathBuf>,
    last: Mutex<Secret>,
}

impl Password {
    pub(in super::super) fn of(config: &config::ClickHouse) -> Password {
        Password { file: config.password_file.clone(), last: Mutex::new(config.password.clone()) }
    }

    /// What the file says now; what cannot be read counts for nothing, and what was read before goes on.
    fn current(&self) -> Secret {
        // One assignment: a panic in between leaves nothing half done.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Ok(read)) = self.file.as_deref().map(|file| Secret::renewed(FILE, file)) {
            *last = read;
        }
        last.clone()
    }

    /// The client, with the password of now.
    pub(in super::super) fn shown_by(&self, client: Client) -> Client {
        let password = self.current();
        // An empty password is sent as none: servers that ask for none refuse a header without a value.
        if password.0.is_empty() { client } else { client.with_password(password.0) }
    }
}

/// What is taken of the files that are named, certificates and the password: from when until when they count, and what is wrong with the rest.
pub(crate) fn taken(config: &config::ClickHouse) -> (Vec<(Key, Lifetime)>, Vec<Flaw>) {
    let (lives, mut flaws) = tls::taken(config);
    flaws.extend(config.password_file.as_deref().and_then(|file| Secret::renewed(FILE, file).err()));
    (lives, flaws)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::http::HeaderMap;
    use tokio::net::TcpListener;

    use super::super::Addresses;
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_newest_password_that_can_be_read_is_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut config = Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        config.password = Secret("of the start".to_owned());
        let of_a_variable = Password::of(&config);
        config.password_file = Some(file.path().to_owned());
        let password = Password::of(&config);
        for (held, shown, is_well) in
            [("", "of the start", false), ("first\n", "first", true), ("", "first", false), ("second", "second", true)]
        {
            std::fs::write(file.path(), held).unwrap();
            assert_eq!((password.current().0.as_str(), taken(&config).1.is_empty()), (shown, is_well), "{held:?}");
        }
        file.close().unwrap();
        assert_eq!(password.current().0, "second", "its file is gone");
        let flaws = taken(&config).1;
        assert!(flaws.len() == 1 && flaws[0].to_string().contains("clickhouse.password_file"), "{flaws:?}");
        assert_eq!(of_a_variable.current().0, "of the start");
    }

    #[tokio::test]
    async fn whatever_is_asked_shows_the_newest() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&shown);
        let listen = move |headers: HeaderMap| {
            heard.lock().unwrap().push(headers["x-clickhouse-key"].to_str().unwrap().to_owned());
            std::future::ready("")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        config.urls = vec![format!("http://{}", listener.local_addr().unwrap())];
        config.password_file = Some(file.path().to_owned());
        tokio::spawn(axum::serve(listener, Router::new().fallback(listen)).into_future());
        let addresses = Addresses::of(&config);
        for password in ["one", "two"] {
            std::fs::write(file.path(), password).unwrap();
            addresses.client().query_raw("SELECT 1").execute().await.unwrap();
        }
        assert_eq!(*shown.lock().unwrap(), ["one", "two"]);
    }
}
