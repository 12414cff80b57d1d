//! What is done for the source on other threads, and what comes of it: moves of fetchers, looks at the group.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use tracing::debug;

use super::client::{self, Client};
use super::group;
use crate::reader::Seen;
use crate::record::{Offset, Partition};

/// How long the client may take to move fetchers; it is a message to another thread of this process.
const SEEK_DEADLINE: Duration = Duration::from_secs(1);

/// What another thread has found out.
pub(super) enum Heard {
    /// The move of this number is over; these of it were refused.
    Moved(u64, Vec<Partition>),
    /// What the group gives to whom, if it said so.
    Group(Option<Seen>),
}

/// Those under way, and their answers.
pub(super) struct Errands {
    tell: Sender<Heard>,
    told: Receiver<Heard>,
}

/// The answer to a move, which the reader gets whatever becomes of the thread that makes it.
struct Moving {
    tell: Sender<Heard>,
    number: u64,
    /// Who was not moved, as far as is known.
    refused: Vec<Partition>,
}

impl Drop for Moving {
    fn drop(&mut self) {
        // No source hears it any more when that is gone.
        drop(self.tell.send(Heard::Moved(self.number, std::mem::take(&mut self.refused))));
    }
}

impl Errands {
    pub(super) fn new() -> Errands {
        let (tell, told) = channel();
        Errands { tell, told }
    }

    /// What was found out first and not taken yet.
    pub(super) fn take(&self) -> Option<Heard> {
        self.told.try_recv().ok()
    }

    /// Moves fetchers.
    pub(super) fn move_to(&self, client: &Arc<Client>, number: u64, topic: &str, places: &[(Partition, Offset)]) {
        let all = places.iter().map(|(partition, _)| *partition).collect();
        let moving = Moving { tell: self.tell.clone(), number, refused: all };
        let (client, list) = (Arc::clone(client), client::places(topic, places));
        // Where there is no thread, it is dropped at once.
        drop(client::on_thread("kafka-seek", move || {
            let mut moving = moving;
            match list.and_then(|list| client.seek_partitions(list, SEEK_DEADLINE)) {
                Ok(answers) => moving.refused = client::refused(&answers),
                Err(error) => debug!("could not move fetchers: {error}"),
            }
        }));
    }

    /// Looks at the group.
    pub(super) fn look(&self, client: &Arc<Client>, group: &str, topic: &str) {
        let (client, group, topic, tell) = (Arc::clone(client), group.to_owned(), topic.to_owned(), self.tell.clone());
        drop(client::on_thread("kafka-look", move || {
            let seen = group::look(&client, &group, &topic);
            drop(tell.send(Heard::Group(seen)));
        }));
    }
}
