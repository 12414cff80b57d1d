//! The addresses of a store: one is used, by everything that a loop asks, until nobody answers there; then the next.

use std::sync::atomic::{AtomicUsize, Ordering};

use ::clickhouse::Client;
use tokio::sync::OnceCell;
use tracing::warn;

use super::Setting;
use super::connection::without_password;
use crate::config;

pub(super) mod password;

/// One address.
pub(super) struct Address {
    pub(super) url: String,
    client: Client,
    /// The settings of inserts that the server there knows.
    pub(super) settings: OnceCell<Vec<Setting>>,
}

/// All of them, and which one is used.
pub(super) struct Addresses {
    each: Vec<Address>,
    moves: AtomicUsize,
    config: config::ClickHouse,
}

impl Addresses {
    pub(super) fn of(config: &config::ClickHouse) -> Addresses {
        let at = |url: &String| Address { url: url.clone(), client: without_password(config, url), settings: OnceCell::new() };
        Addresses { each: config.urls.iter().map(at).collect(), moves: AtomicUsize::new(0), config: config.clone() }
    }

    /// The one that is used.
    pub(super) fn current(&self) -> &Address {
        &self.each[self.moves() % self.each.len()]
    }

    /// The client for it, with the password as it is now.
    pub(super) fn client(&self) -> Client {
        password::shown_by(self.current().client.clone(), &self.config)
    }

    /// How many times another one was taken; never where there is only one.
    pub(super) fn moves(&self) -> usize {
        self.moves.load(Ordering::Relaxed)
    }

    /// Nobody has answered an attempt that began after so many moves: takes the next address, unless another attempt has already.
    pub(super) fn leave(&self, moves: usize) {
        if self.each.len() < 2 {
            return;
        }
        let moved = self.moves.compare_exchange(moves, moves.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        if moved.is_ok() {
            let from = &self.each[moves % self.each.len()].url;
            warn!(from, to = self.current().url, "ClickHouse does not answer at one address: going on at the next");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn addresses(urls: &[&str]) -> Addresses {
        let mut config = Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        config.urls = urls.iter().map(|url| (*url).to_owned()).collect();
        Addresses::of(&config)
    }

    #[test]
    fn the_next_is_taken_once_for_all_who_failed_at_one_and_after_the_last_comes_the_first() {
        let addresses = addresses(&["http://a:1", "http://b:2"]);
        assert_eq!(addresses.current().url, "http://a:1");
        addresses.leave(0);
        addresses.leave(0);
        assert_eq!((addresses.current().url.as_str(), addresses.moves()), ("http://b:2", 1));
        addresses.leave(1);
        assert_eq!((addresses.current().url.as_str(), addresses.moves()), ("http://a:1", 2));
    }

    #[test]
    fn where_there_is_only_one_it_stays() {
        let addresses = addresses(&["http://a:1"]);
        addresses.leave(0);
        assert_eq!((addresses.current().url.as_str(), addresses.moves()), ("http://a:1", 0));
    }
}
