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

/// How long the brokers may give nothing, not even the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A part of a partition that is being read.
pub struct Stretch {
    // Its queue holds the client, too, and goes first.
    hand: Hand,
    client: Arc<Client>,
    partition: Partition,
    next: Offset,
    end: Offset,
    /// What is next of what was drained, and how much that was.
    at: usize,
    drained: usize,
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
        config.set("statistics.interval.ms", "0");
        let client: Arc<Client> = Arc::new(config.create_with_context(Context::new(&settings.topic, tokens))?);
        tokens.give(client.client());
        let mut hand = Hand::default();
        hand.open(&client, &settings.topic, partition)?;
        client.assign(&client::places(&settings.topic, &[(partition, next)])?)?;
        Ok(Stretch { hand, client, partition, next, end, at: 0, drained: 0 })
    }

    /// Where the next record will be, at least.
    #[must_use]
    pub fn next(&self) -> Offset {
        self.next
    }

    /// The next records; none once there are no more.
    ///
    /// # Errors
    /// When the brokers do not give them, with what they say.
    pub async fn records(&mut self) -> Result<Vec<Record<'_>>, String> {
        let until = Instant::now() + PATIENCE;
        while self.next < self.end {
            // Whatever the client says of itself is heard while it is polled.
            drop(self.client.poll(Duration::ZERO));
            if self.at == self.drained {
                (self.at, self.drained) = (0, self.hand.drain(self.partition));
            }
            let run = self.run()?;
            if !run.is_empty() {
                return Ok(self.hand.records(self.partition, run));
            }
            if Instant::now() > until {
                let said = self.client.context().take_reason().unwrap_or_else(|| "nothing".to_owned());
                return Err(format!("no record at offset {} within {PATIENCE:?}; the client says: {said}", self.next));
            }
            if self.drained == 0 {
                sleep(IDLE).await;
            }
        }
        Ok(Vec::new())
    }

    /// The next records of this part in what was drained, or nothing but what stands before them.
    fn run(&mut self) -> Result<Range<usize>, String> {
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
                Item::Error { .. } => return Err(self.hand.text(self.partition, self.at)),
            }
            self.at += 1;
            return Ok(0..0);
        }
        Ok(first..self.at)
    }
}
