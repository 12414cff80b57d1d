//! The reader with the real client: what the client does to a fetcher, and that nothing is lost by it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use tokio::sync::watch;

use crate::config::{self, Config};
use crate::embedded::broker::{Message, MockBroker, Publisher};
use crate::kafka::{KafkaSource, Tokens};
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
        let tokens = Tokens::start(&settings).unwrap();
        let source = KafkaSource::connect(&settings, &tokens, TOPIC, 0, 0).unwrap();
        let mut world = World { source, publisher, _broker: broker };
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
                    self.source.start(partition, 0).unwrap();
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

/// Mended in librdkafka 2.13.2 (its issue 4844). Once this fails the client is one that needs no question after every end:
/// the doubt stands in `Reading::believes`.
#[tokio::test]
async fn after_an_end_the_client_takes_its_position_for_one_too_far() {
    let world = World::at_the_end().await;
    let positions = world.source.client().unwrap().position().unwrap();
    let offsets: Vec<_> = positions.elements().iter().map(|element| element.offset()).collect();
    assert_eq!(offsets, [rdkafka::Offset::Offset(11)], "ten records were read, so it is at 10");
}

/// What was judged well may be refused all the same: a list of revoked certificates is read by the client itself, and may be half written by then.
#[tokio::test]
async fn where_no_client_can_be_made_with_what_was_renewed_the_old_goes_on() {
    let mut world = World::at_the_end().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "half a certificate").unwrap();
    let (renewing, renewals) = watch::channel(Arc::clone(&world.source.settings));
    world.source.renewals = Some(renewals);
    let old = config::Kafka::clone(&world.source.settings);
    renewing.send_replace(Arc::new(
        config::Kafka { security_protocol: "ssl".to_owned(), ssl_ca_file: Some(file), ..old }.with_files(),
    ));
    world.publish(3);
    let (mut seen, mut left) = (Vec::new(), 0);
    let reading = async {
        loop {
            let (mut assigned, mut revoked) = (Vec::new(), Vec::new());
            match world.source.next().await.unwrap() {
                Delivery::Assigned(partitions) => assigned = partitions,
                Delivery::Revoked(partitions) => revoked = partitions,
                Delivery::Records(_, records) if left > 0 => seen.extend(records.iter().map(|record| record.offset)),
                Delivery::End(_, 13) if left > 0 => return,
                Delivery::Records(..) | Delivery::End(..) | Delivery::Doubted(_) | Delivery::Idle => {}
                Delivery::Lost(_) | Delivery::Fenced(_) => panic!("nobody else is in the group"),
            }
            left += revoked.len();
            world.source.release(&revoked).unwrap();
            for partition in assigned {
                world.source.start(partition, 10).unwrap();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("the source stands still");
    assert_eq!((seen, left), (vec![10, 11, 12], 1));
}
