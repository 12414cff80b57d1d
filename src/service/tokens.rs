//! What is watched beside the loops: whether there is something that they can show to the brokers, and for how long. One for the process.

use std::sync::Arc;
use std::time::Duration;

use super::SAID_WITHIN;
use crate::kafka::{TOKEN_DEADLINE, Tokens};
use crate::metrics::{Health, Metrics, Obstacle};

/// How often it is looked at; nothing is asked for.
const EVERY: Duration = Duration::from_secs(1);
const _: () = assert!(TOKEN_DEADLINE.as_secs() + EVERY.as_secs() <= SAID_WITHIN.as_secs());

/// Watches until it is dropped. The log has heard of every trouble already.
pub(super) async fn watch(tokens: Tokens, loops: usize, metrics: Arc<Metrics>, health: Arc<Health>) {
    loop {
        let trouble = tokens.trouble();
        for number in 0..loops {
            match &trouble {
                Some(trouble) => health.block(number, Obstacle::Token, &**trouble),
                None => health.clear(number, Obstacle::Token),
            }
        }
        if let Some(life) = tokens.life() {
            metrics.record_token(life);
        }
        tokio::time::sleep(EVERY).await;
    }
}
