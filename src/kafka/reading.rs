//! How far a partition is read, and what its reader believes of its client right after an end of the log.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::PartitionQueue;
use crate::record::{Offset, Partition};

/// A gap is believed the second time, an error the fourth: a client that is moving its fetchers may be wrong meanwhile.
const GAP_DOUBTS: u8 = 1;
const ERROR_DOUBTS: u8 = 3;

/// How often it is said that a log is doubted.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// One partition that is being read.
pub(super) struct Reading {
    pub(super) partition: Partition,
    pub(super) queue: PartitionQueue,
    /// First offset that has not been handed out.
    pub(super) position: Offset,
    /// The client may have moved its fetcher: nothing is read until it stands at `position` again.
    pub(super) misplaced: bool,
    /// Since when the client refuses to move its fetcher.
    pub(super) refused_since: Option<Instant>,
    /// The last thing handed out was an end. After one the client's own position is one too far (it counts the end as
    /// a record), so a gap may be a record that the client skipped.
    pub(super) ended: bool,
    /// How often a gap after that end was doubted, by asking again from `position`.
    pub(super) doubts: u8,
    /// The log may not be the one it was: nothing is read until somebody begins again, who is told so from this instant on.
    pub(super) log_doubted: Option<Instant>,
    /// That was doubted before, and nothing has been handed out since.
    pub(super) compared: bool,
    /// Revoked, or stopped by an error: nothing is read any more.
    pub(super) stopped: bool,
}

impl Reading {
    /// Whether something at an offset beyond `position` right after an end should be asked for again. Real gaps (control
    /// records, compaction) look the same the second time.
    pub(super) fn doubts_gap(&mut self, offset: Offset) -> bool {
        self.ended && offset > self.position && self.doubt(GAP_DOUBTS)
    }

    /// Whether an error after an end is only that of the client's own wrong position: it asked for another offset than
    /// the one that is wanted. If it asked for that one, asking again may find the records of another log there.
    pub(super) fn doubts_error(&mut self, at: Option<Offset>) -> bool {
        self.ended && at.is_some_and(|at| at != self.position) && self.doubt(ERROR_DOUBTS)
    }

    fn doubt(&mut self, most: u8) -> bool {
        let doubtful = self.doubts < most;
        if doubtful {
            self.doubts += 1;
            self.misplaced = true;
        }
        doubtful
    }

    /// Whether the log should be doubted before it is given up. Right after an end the client believes a wrong leader
    /// epoch, and takes a log that has a new leader for one that was cut; the last record that was read can tell.
    pub(super) fn doubt_the_log(&mut self) -> bool {
        if self.compared {
            return false;
        }
        self.compared = true;
        self.misplaced = true;
        self.log_doubted = Some(Instant::now());
        true
    }

    /// The partition, if its log is doubted and it is time to say so, again and again until somebody begins again.
    pub(super) fn tell_doubt(&mut self) -> Option<Partition> {
        let now = Instant::now();
        self.log_doubted.filter(|at| *at <= now && !self.stopped)?;
        self.log_doubted = Some(now + TELL_EVERY);
        Some(self.partition)
    }

    /// Whether its fetcher is to be moved to `position`.
    pub(super) fn wants_moving(&self) -> bool {
        self.misplaced && !self.stopped && self.log_doubted.is_none()
    }

    /// Reads on from an offset, wherever it was read before.
    pub(super) fn begin_again(&mut self, next: Offset) {
        (self.position, self.misplaced, self.log_doubted) = (next, true, None);
    }

    pub(super) fn hand_out(&mut self, next: Offset, ended: bool) {
        (self.position, self.ended, self.doubts, self.compared) = (next, ended, 0, false);
    }
}

#[cfg(feature = "lab")]
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::TopicPartitionList;
    use rdkafka::consumer::Consumer as _;

    use crate::config::Config;
    use crate::embedded::broker::{Message, MockBroker, Publisher};
    use crate::kafka::KafkaSource;
    use crate::record::{Offset, Partition};
    use crate::worker::{Delivery, Source as _};

    const TOPIC: &str = "t";

    struct World {
        source: KafkaSource,
        publisher: Publisher,
        _broker: MockBroker,
    }

    impl World {
        /// A source that has read ten records, and their end.
        async fn at_the_end() -> World {
            let broker = MockBroker::start().unwrap();
            broker.create_topic(TOPIC, 1).unwrap();
            let mut settings = Config::load_without_key(None, std::iter::empty()).unwrap().kafka;
            broker.bootstrap_servers().clone_into(&mut settings.brokers);
            TOPIC.clone_into(&mut settings.topic);
            settings.session_timeout = Duration::from_millis(1500);
            settings.heartbeat_interval = Duration::from_millis(200);
            let publisher = Publisher::new(broker.bootstrap_servers(), &[], TOPIC, None).unwrap();
            let mut world = World { source: KafkaSource::connect(&settings, TOPIC, 0, 0).unwrap(), publisher, _broker: broker };
            world.publish(10);
            assert_eq!(world.read_to(10).await, (0..10).collect::<Vec<_>>());
            world
        }

        fn publish(&mut self, count: usize) {
            for _ in 0..count {
                self.publisher.publish(Message { payload: Some(b"{}"), ..Message::default() }).unwrap();
            }
            self.publisher.flush().unwrap();
        }

        /// Reads until the end is at an offset; says which records came.
        async fn read_to(&mut self, end: Offset) -> Vec<Offset> {
            let mut seen = Vec::new();
            let reading = async {
                loop {
                    let mut assigned = Vec::new();
                    match self.source.next().await.unwrap() {
                        Delivery::Assigned(partitions) => assigned = partitions,
                        Delivery::Records(_, records) => seen.extend(records.iter().map(|record| record.offset)),
                        Delivery::End(_, at) if at == end => return,
                        Delivery::End(..) | Delivery::Doubted(_) | Delivery::Idle => {}
                        Delivery::Revoked(_) | Delivery::Lost(_) | Delivery::Fenced(_) => panic!("nobody else is in the group"),
                    }
                    for partition in assigned {
                        self.source.start(partition, 0).await.unwrap();
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(30), reading).await.expect("the source stands still");
            seen
        }

        /// What a rebalance does to every fetcher: it is stopped, and resumed where the client believes it was.
        fn interrupt(&mut self, meanwhile: impl FnOnce(&mut World)) {
            let mut all = TopicPartitionList::new();
            all.add_partition(TOPIC, Partition(0).0);
            self.source.client().unwrap().pause(&all).unwrap();
            meanwhile(self);
            self.source.client().unwrap().resume(&all).unwrap();
        }
    }

    #[tokio::test]
    async fn a_record_that_the_client_skips_after_an_end_is_read() {
        let mut world = World::at_the_end().await;
        world.interrupt(|world| world.publish(3));
        assert_eq!(world.read_to(13).await, vec![10, 11, 12]);
    }

    #[tokio::test]
    async fn a_fetcher_that_asked_beyond_the_end_goes_on() {
        let mut world = World::at_the_end().await;
        world.interrupt(|_| ());
        // Long enough for the client to ask, and to be told that there is nothing; it cannot be seen from outside.
        let asked = tokio::time::timeout(Duration::from_secs(2), world.read_to(Offset::MAX)).await;
        assert!(asked.is_err(), "there is nothing to read");
        world.publish(3);
        assert_eq!(world.read_to(13).await, vec![10, 11, 12]);
    }
}
