//! Records of a part of one partition, in order, for a command that looks at what the log holds: by nobody's member, and once.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::client::{self, Client, Context};
use super::queue::Hand;
use super::{IDLE, Tokens};
use crate::config;
use crate::reader::{Batches as _, Item, PartitionError};
use crate::record::{Offset, Partition, Record};

/// How long the client may get nowhere.
const PATIENCE: Duration = Duration::from_secs(60);

/// A part of a partition that is being read.
pub struct Stretch {
    // Its queue holds the client, too, and goes first.
    hand: Hand,
    client: Arc<Client>,
    tokens: Tokens,
    partition: Partition,
    next: Offset,
    end: Offset,
    /// What is next of what was drained, and how much that was.
    at: usize,
    drained: usize,
}

/// What comes next of a part.
#[derive(Debug)]
pub enum Part<'a> {
    /// Records.
    Records(Vec<Record<'a>>),
    /// The log does not hold the place where it is read: what the client says. Whoever still wants the rest reads it anew from where the log
    /// begins.
    NotHeld(String),
    /// There are no more.
    Over,
}

impl Drop for Stretch {
    fn drop(&mut self) {
        // A client that still has something asks somebody about it when it is closed.
        if let Err(error) = self.client.unassign() {
            debug!("when a part of partition {} was read: {error}", self.partition);
        }
    }
}

impl Stretch {
    /// The records from `next` to before `end`. Brokers are contacted in the background.
    ///
    /// # Errors
    /// When the client refuses its settings.
    pub fn open(
        settings: &config::Kafka,
        tokens: &Tokens,
        epoch: u16,
        partition: Partition,
        (next, end): (Offset, Offset),
    ) -> KafkaResult<Stretch> {
        let mut config = client::client_config(settings, epoch, 0);
        // They say how far it has got where it hands nothing out.
        config.set("statistics.interval.ms", "1000");
        let client: Arc<Client> = Arc::new(config.create_with_context(Context::new(&settings.topic, tokens))?);
        // A client is given each token once, by what counts for it alone.
        let tokens = tokens.clone();
        tokens.give(client.client());
        let mut hand = Hand::default();
        hand.open(&client, &settings.topic, partition)?;
        client.assign(&client::places(&settings.topic, &[(partition, next)])?)?;
        Ok(Stretch { hand, client, tokens, partition, next, end, at: 0, drained: 0 })
    }

    /// What comes next.
    ///
    /// # Errors
    /// When the brokers do not give it, with what they say.
    pub async fn records(&mut self) -> Result<Part<'_>, String> {
        let mut patience = Patience { reached: 0, until: Instant::now() + PATIENCE };
        while self.next < self.end {
            // One that ends meanwhile is followed by another.
            self.tokens.give(self.client.client());
            // Whatever the client says of itself is heard while it is polled.
            drop(self.client.poll(Duration::ZERO));
            while self.client.context().take().is_some() {}
            if self.at == self.drained {
                (self.at, self.drained) = (0, self.hand.drain(self.partition));
            }
            match self.run() {
                Ok(run) if run.is_empty() => {}
                Ok(run) => return Ok(Part::Records(self.hand.records(self.partition, run))),
                Err((PartitionError::CutOff, said)) => return Ok(Part::NotHeld(said)),
                Err((_, said)) => return Err(said),
            }
            if patience.is_over(Instant::now(), self.next.max(self.client.context().fetched())) {
                let said = self.client.context().take_reason().unwrap_or_else(|| "nothing".to_owned());
                return Err(format!("no record at offset {} within {PATIENCE:?}; the client says: {said}", self.next));
            }
            if self.drained == 0 {
                sleep(IDLE).await;
            }
        }
        Ok(Part::Over)
    }

    /// The next records of this part in what was drained, or nothing but what stands before them.
    fn run(&mut self) -> Result<Range<usize>, (PartitionError, String)> {
        let first = self.at;
        while self.at < self.drained
            && let Item::Record(offset) = self.hand.item(self.partition, self.at)
            && offset < self.end
        {
            (self.at, self.next) = (self.at + 1, offset + 1);
        }
        if self.at == first && self.at < self.drained {
            match self.hand.item(self.partition, self.at) {
                Item::Record(_) => self.next = self.end,
                Item::End(end) => self.next = self.next.max(end),
                Item::Error { class: PartitionError::Recovers, .. } => {}
                Item::Error { class, .. } => return Err((class, self.hand.text(self.partition, self.at))),
            }
            self.at += 1;
            return Ok(0..0);
        }
        Ok(first..self.at)
    }
}

/// Until when is waited for somebody who gets nowhere: records of aborted transactions are passed over without a word.
struct Patience {
    reached: Offset,
    until: Instant,
}

impl Patience {
    /// Whether it is over, when an offset has been reached by now.
    fn is_over(&mut self, now: Instant, reached: Offset) -> bool {
        if reached > self.reached {
            (self.reached, self.until) = (reached, now + PATIENCE);
        }
        now > self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_gets_on_is_waited_for_however_long_that_takes() {
        let began = Instant::now();
        let mut patience = Patience { reached: 0, until: began + PATIENCE };
        let long_after = (1..=10).map(|step| (began + PATIENCE * step, Offset::from(step)));
        assert!(long_after.into_iter().all(|(now, reached)| !patience.is_over(now, reached)));
        let last = began + PATIENCE * 10;
        assert!(!patience.is_over(last + PATIENCE, 10) && patience.is_over(last + PATIENCE + Duration::from_millis(1), 10));
    }
}
