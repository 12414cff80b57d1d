//! The driver of a history: it carries commands out, without a decision of its own, and moves fetchers on other threads.

use std::collections::BTreeMap;
use std::time::Duration;

use super::client::{Client, Wish};
use super::fault::Fault;
use super::history::History;
use crate::reader::{Answer, Batches, ClientError, Command, Item, Traced};
use crate::record::{Offset, Partition};

#[derive(Default)]
pub(super) struct Hand(pub(super) BTreeMap<Partition, Vec<Item>>);

impl Batches for Hand {
    fn item(&self, partition: Partition, index: usize) -> Item {
        self.0[&partition][index]
    }

    fn text(&self, _partition: Partition, _index: usize) -> String {
        String::new()
    }
}

/// A move on its own thread.
pub(super) struct Mover {
    number: u64,
    places: Vec<(Partition, Offset)>,
    at: Duration,
    issued: bool,
    by: Duration,
    done: BTreeMap<Partition, bool>,
}

impl Mover {
    fn give_up(&mut self) {
        (self.issued, self.by) = (true, self.at.max(self.by));
        self.done = self.places.iter().map(|(partition, _)| (*partition, true)).collect();
    }
}

impl History {
    pub(super) fn move_fetchers(&mut self) {
        for mover in &mut self.movers {
            if !mover.issued && mover.at <= self.now {
                mover.issued = true;
                mover.by = self.now + Duration::from_secs(1);
                self.client.seek(mover.number, &mover.places);
            }
        }
        while let Some((number, partition, done)) = self.client.seeks.pop_front() {
            if let Some(mover) = self.movers.iter_mut().find(|mover| mover.number == number) {
                mover.done.insert(partition, done);
            }
        }
        let now = self.now;
        let over = |mover: &Mover| mover.issued && (mover.done.len() == mover.places.len() || now >= mover.by);
        let (over, under_way): (Vec<_>, Vec<_>) = std::mem::take(&mut self.movers).into_iter().partition(over);
        self.movers = under_way;
        for mover in over {
            // One that timed out names nobody: all of it counts as refused (rdkafka.c:3175).
            let timed_out = mover.done.len() < mover.places.len();
            if timed_out {
                self.faults.note(Fault::SeekTimedOut);
            }
            let refused = |partition: &Partition| timed_out || !mover.done[partition];
            let refused: Vec<_> = mover.places.iter().map(|place| place.0).filter(refused).collect();
            self.disturbances += refused.len() as u64;
            self.keep(Traced::Moved(mover.number, refused.clone()));
            self.reader.moved(self.now, mover.number, &refused);
        }
    }

    /// The driver: one command.
    pub(super) fn carry_out(&mut self, command: Command) {
        let now = self.now;
        self.keep(Traced::Told(command.clone()));
        self.trust(&command);
        // A fenced client takes nothing on any more, and says why when it is polled next.
        let is_taken = matches!(command, Command::Accept | Command::Fetch(..) | Command::Unassign(_) | Command::Refetch(..));
        if self.client.fenced && is_taken {
            self.faults.note(Fault::AnsweredFenced);
            return self.answer(Answer::Fenced);
        }
        // A client that refuses is given up, and its worker with it; one that cannot be made is waited for.
        let (refused, share) =
            if command == Command::NewClient { (Fault::ClientRefused, 200) } else { (Fault::CommandRefused, 3) };
        let is_answered = command.is_answered();
        if is_answered && self.trouble && self.dice.chance(share) {
            self.faults.note(refused);
            return self.answer(Answer::Refused("out of memory".to_owned()));
        }
        match command {
            Command::Poll => self.poll(),
            Command::Accept => self.client.assign(Vec::new()),
            Command::Fetch(partition, from) => self.client.assign(vec![(partition, from)]),
            Command::Unassign(partitions) => {
                self.oracle.assert_all_released("the group was answered");
                assert!(!self.client.would_be_answered_early(), "the group was answered before it was heard");
                partitions.iter().for_each(|partition| drop(self.batches.0.remove(partition)));
                self.client.unassign(partitions);
            }
            Command::Refetch(partition, at) => {
                self.oracle.assert_all_released("a fetcher was started anew");
                self.disturbances += 1;
                self.client.unassign(vec![partition]);
                self.client.drain(partition, usize::MAX, &self.logs[&partition]);
                self.batches.0.remove(&partition);
                self.client.assign(vec![(partition, at)]);
            }
            Command::Drain(partition) => {
                let most = 1 + usize::try_from(self.dice.below(40)).unwrap();
                let items = self.client.drain(partition, most, &self.logs[&partition]);
                if items.iter().any(|item| matches!(item, Item::Error { .. })) {
                    self.suspect.insert(partition);
                }
                if self.traced {
                    println!("   {partition}: {items:?}, {:?}, {} leaps", self.reader.gaps, self.client.leaps);
                }
                self.disturbances += items.iter().filter(|item| !matches!(item, Item::Record(_))).count() as u64;
                self.keep(Traced::drained(partition, items.len(), |index| items[index]));
                self.reader.drained(now, partition, items.len());
                self.batches.0.insert(partition, items);
                return;
            }
            Command::Drop(partition) => return drop(self.batches.0.remove(&partition)),
            Command::Move { number, places } => return self.start_mover(number, places),
            Command::Subscribe => self.group.joins(),
            Command::Unsubscribe => return self.group.leaves(&mut self.client),
            Command::NewClient => {
                self.take_client_away();
                self.group.joins();
                self.group.settle(&mut self.client);
            }
            Command::Leave(_) => {
                self.batches.0.clear();
                // What moves now moves the old client; its answer comes all the same.
                self.movers.iter_mut().for_each(|mover| mover.give_up());
                self.group.left();
                // Whatever it had still to tell, nobody hears: the next one may have to be waited for.
                self.take_client_away();
                return;
            }
            Command::AskGroup => return self.look_at = Some(now + Duration::from_millis(self.dice.below(500))),
        }
        if is_answered {
            self.answer(Answer::Done);
        }
    }

    fn answer(&mut self, answer: Answer) {
        self.keep(Traced::Answered(answer.clone()));
        self.reader.answered(self.now, answer);
    }

    /// After an error and after a rebalance a fetcher stands where the client believes; it must not be read on before it
    /// was asked to stand where it should.
    fn trust(&mut self, command: &Command) {
        match command {
            Command::Drain(partition) => {
                assert!(!self.suspect.contains(partition), "{partition} is read on, and its fetcher may stand anywhere");
            }
            Command::Move { places, .. } => {
                self.suspect.retain(|suspect| !places.iter().any(|(partition, _)| partition == suspect))
            }
            Command::Fetch(partition, _) | Command::Refetch(partition, _) => self.suspect.retain(|suspect| suspect != partition),
            Command::Leave(_) => self.suspect.clear(),
            Command::Poll | Command::Accept | Command::Unassign(_) | Command::Drop(_) | Command::Subscribe => {}
            Command::Unsubscribe | Command::NewClient | Command::AskGroup => {}
        }
    }

    fn take_client_away(&mut self) {
        self.faults.add(&self.client.faults);
        self.leaps += self.client.leaps;
        self.client = Client::new(self.one_too_far);
    }

    pub(super) fn poll(&mut self) {
        if self.client.fenced && self.dice.chance(500) {
            self.keep(Traced::Failed(ClientError::Fenced, -144));
            self.reader.client_error(self.now, ClientError::Fenced, -144, "fenced".to_owned());
            return;
        }
        if self.dice.chance(if self.trouble { 500 } else { 1000 }) {
            if !self.client.events.is_empty() {
                self.suspect.extend(self.client.assignment());
            }
            match self.client.events.pop_front() {
                Some(Wish::Assign(partitions)) => {
                    self.keep(Traced::Assigned(partitions.clone()));
                    self.reader.assigned(partitions);
                }
                Some(Wish::Revoke { partitions, lost }) => {
                    self.keep(Traced::Revoked { partitions: partitions.clone(), lost });
                    self.reader.revoked(partitions, lost);
                }
                None => {}
            }
        }
    }

    pub(super) fn start_mover(&mut self, number: u64, places: Vec<(Partition, Offset)>) {
        self.moves += places.len() as u64;
        let mut at = self.now;
        if self.trouble && self.dice.chance(30) {
            at += Duration::from_millis(self.dice.below(8_000));
            let late = at - self.now > Duration::from_secs(5);
            self.faults.note(if late { Fault::MoveAnsweredLate } else { Fault::SeekIssuedLate });
        }
        self.movers.push(Mover { number, places, at, issued: false, by: at, done: BTreeMap::new() });
        self.move_fetchers();
    }
}
