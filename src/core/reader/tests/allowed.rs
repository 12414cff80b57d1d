//! What the client can say, by the rules of its model (`client.rs`, `toppar.rs`): a judge of traces.
//!
//! The model makes up histories; this says of any trace whether the client can have made it. It allows every history of the model
//! (`tests.rs`), and the same rules are held against the real client, on whatever broker. What the client's other threads did
//! when cannot be seen from outside, so where a fetcher may have been moved, paused or resumed it may be, or not.

use std::collections::{BTreeMap, BTreeSet};

use crate::reader::{Answer, Command, Item, Run, Traced};
use crate::record::{Offset, Partition};

/// Of which kind a rebalance is, and a call that is taken for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Assign,
    Unassign,
}

/// What one partition's fetcher may be doing.
#[derive(Debug)]
struct Stream {
    /// What comes next if nothing happens to the fetcher.
    next: Offset,
    /// It has told the end there: it does so once (rdkafka_fetcher.c:690).
    ended: bool,
    /// Where the client believes the application to be, at most: ends and errors count as records (rdkafka_queue.c:829).
    believed: Offset,
    /// Where it was started.
    from: Offset,
    /// Where each move leads that may still be carried out, also if it was refused (rdkafka.c:3175).
    moves: BTreeMap<u64, Offset>,
    /// It may have been paused and resumed, and begin again where the application is believed to be (rdkafka_partition.c:1963).
    resumed: bool,
}

impl Stream {
    fn started(from: Offset, moves: BTreeMap<u64, Offset>) -> Stream {
        Stream { next: from, ended: false, believed: from, from, moves, resumed: false }
    }

    /// Whether the client can hand out this now; follows it.
    fn takes(&mut self, item: Item, records: &BTreeSet<Offset>) -> bool {
        let (offset, after) = match item {
            Item::Record(offset) => (offset, offset + 1),
            Item::End(offset) => (offset, offset),
            Item::Error { at, .. } => {
                self.believed = self.believed.max(at.map_or(0, |at| at + 1));
                return true;
            }
        };
        let reaches = |from: Offset| offset >= from && records.range(from..offset).next().is_none();
        let again = self.ended && item == Item::End(self.next);
        if !reaches(self.next) || again {
            let moved = self.moves.iter().find(|(_, to)| reaches(**to)).map(|(number, _)| *number);
            if let Some(number) = moved {
                self.moves.remove(&number);
                self.believed = 0;
            } else if self.resumed && [self.next, self.believed, self.from].into_iter().any(reaches) {
                self.resumed = false;
            } else {
                return false;
            }
        }
        (self.next, self.ended) = (after, matches!(item, Item::End(_)));
        self.believed = self.believed.max(offset + 1);
        true
    }
}

#[derive(Debug, Default)]
struct Client {
    assigned: BTreeMap<Partition, Stream>,
    given: BTreeSet<Partition>,
    told: Option<Kind>,
    /// Calls that may have been taken for the answer to a rebalance, told or not.
    calls: Vec<Kind>,
    moves: BTreeMap<u64, Vec<(Partition, Offset)>>,
    asked: Option<Command>,
}

/// Nothing, or the first step that the client cannot have made, and why. Of a log that was `cut`, whatever comes may have come.
pub(crate) fn judge(trace: &[Traced], cut: impl Fn(Partition) -> bool) -> Result<(), String> {
    let mut records: BTreeMap<Partition, BTreeSet<Offset>> = BTreeMap::new();
    for step in trace {
        let Traced::Drained(partition, runs) = step else { continue };
        for run in runs {
            let Run::Records(first, last) = run else { continue };
            records.entry(*partition).or_default().extend(*first..=*last);
        }
    }
    let mut client = Client::default();
    for (at, step) in trace.iter().enumerate() {
        let taken = match step {
            Traced::Drained(partition, _) if cut(*partition) => Ok(()),
            Traced::Drained(partition, runs) => client.drained(*partition, runs, records.get(partition)),
            Traced::Told(_)
            | Traced::Answered(_)
            | Traced::Assigned(_)
            | Traced::Revoked { .. }
            | Traced::Failed(..)
            | Traced::Moved(..) => client.takes(step),
        };
        if let Err(why) = taken {
            let before = &trace[at.saturating_sub(60)..at];
            let before: Vec<String> = before.iter().map(|step| format!("  {step:?}\n")).collect();
            return Err(format!("step {at}, {step:?}: {why}\nbefore it:\n{}the client then: {client:?}", before.concat()));
        }
    }
    Ok(())
}

impl Client {
    fn takes(&mut self, step: &Traced) -> Result<(), &'static str> {
        match step {
            Traced::Told(command) => self.told(command),
            Traced::Answered(answer) => match self.asked.take() {
                None => Err("nothing was asked"),
                Some(command) if *answer == Answer::Done => self.done(&command),
                Some(_) => Ok(()),
            },
            Traced::Assigned(partitions) => {
                self.rebalance(Kind::Assign)?;
                let new = partitions.iter().all(|partition| self.given.insert(*partition));
                if new { Ok(()) } else { Err("it was given already") }
            }
            Traced::Revoked { partitions, .. } => {
                self.rebalance(Kind::Unassign)?;
                let known = partitions.iter().all(|partition| self.given.remove(partition));
                if known { Ok(()) } else { Err("it was not given") }
            }
            Traced::Failed(..) => Ok(()),
            Traced::Moved(number, refused) => self.moved(*number, refused),
            Traced::Drained(..) => Ok(()),
        }
    }

    /// One after the other: the next comes when the one before was answered (rdkafka_cgrp.c:4357, :4397, :4442).
    fn rebalance(&mut self, kind: Kind) -> Result<(), &'static str> {
        if let Some(before) = self.told.replace(kind) {
            let answer = self.calls.iter().position(|call| *call == before);
            let answer = answer.ok_or("the rebalance before it was not answered")?;
            self.calls.drain(..=answer);
        }
        Ok(())
    }

    fn told(&mut self, command: &Command) -> Result<(), &'static str> {
        self.asked = Some(command.clone());
        match command {
            Command::Fetch(partition, _) if self.assigned.contains_key(partition) => {
                Err("it is assigned (rdkafka_assignment.c:751)")
            }
            Command::Refetch(partition, _) if !self.assigned.contains_key(partition) => {
                Err("it is not assigned (rdkafka_assignment.c:846)")
            }
            Command::Unassign(partitions) if !partitions.iter().all(|partition| self.assigned.contains_key(partition)) => {
                Err("it is not assigned (rdkafka_assignment.c:846)")
            }
            Command::Move { number, places } => {
                self.moves.insert(*number, places.clone());
                for (partition, to) in places {
                    if let Some(stream) = self.assigned.get_mut(partition) {
                        stream.moves.insert(*number, *to);
                    }
                }
                Ok(())
            }
            Command::Leave(_) => {
                *self = Client { moves: std::mem::take(&mut self.moves), ..Client::default() };
                Ok(())
            }
            Command::Fetch(..) | Command::Refetch(..) | Command::Unassign(_) | Command::Accept | Command::NewClient => Ok(()),
            Command::Poll | Command::Drain(_) | Command::Drop(_) => Ok(()),
            Command::Subscribe | Command::Unsubscribe | Command::AskGroup => Ok(()),
        }
    }

    /// The client has done what it was told.
    fn done(&mut self, command: &Command) -> Result<(), &'static str> {
        match command {
            Command::Accept => self.called(&[Kind::Assign]),
            Command::Fetch(partition, from) => {
                self.called(&[Kind::Assign]);
                self.assigned.insert(*partition, Stream::started(*from, BTreeMap::new()));
            }
            Command::Refetch(partition, at) => {
                self.called(&[Kind::Unassign, Kind::Assign]);
                let moves = self.assigned.remove(partition).map(|stream| stream.moves).unwrap_or_default();
                self.assigned.insert(*partition, Stream::started(*at, moves));
            }
            Command::Unassign(partitions) => {
                self.assigned.retain(|partition, _| !partitions.contains(partition));
                self.called(&[Kind::Unassign]);
            }
            Command::NewClient | Command::Subscribe => {}
            Command::Poll | Command::Drain(_) | Command::Drop(_) | Command::Move { .. } => return Err("that is not answered"),
            Command::Unsubscribe | Command::Leave(_) | Command::AskGroup => return Err("that is not answered"),
        }
        Ok(())
    }

    /// Any assign and any unassign may be taken for the answer to a rebalance, which resumes every fetcher.
    fn called(&mut self, kinds: &[Kind]) {
        self.calls.extend(kinds);
        self.assigned.values_mut().for_each(|stream| stream.resumed = true);
    }

    fn moved(&mut self, number: u64, refused: &[Partition]) -> Result<(), &'static str> {
        let places = self.moves.remove(&number).ok_or("no move of this number is under way")?;
        if !refused.iter().all(|refused| places.iter().any(|(partition, _)| partition == refused)) {
            return Err("it was not to be moved");
        }
        for (partition, to) in places.iter().filter(|(partition, _)| !refused.contains(partition)) {
            let Some(stream) = self.assigned.get_mut(partition) else { continue };
            // Moves are carried out one after the other, so those before this one are over.
            let unused = stream.moves.contains_key(&number);
            stream.moves.retain(|other, _| *other >= number);
            if unused && *to < stream.next {
                (stream.next, stream.ended, stream.believed) = (*to, false, *to);
            }
            stream.from = *to;
        }
        Ok(())
    }

    fn drained(&mut self, partition: Partition, runs: &[Run], records: Option<&BTreeSet<Offset>>) -> Result<(), &'static str> {
        let none = BTreeSet::new();
        let Some(stream) = self.assigned.get_mut(&partition) else { return Err("it is not assigned") };
        for run in runs {
            let (first, last) = match run {
                Run::Records(first, last) => (Item::Record(*first), *last),
                Run::Other(item) => (*item, 0),
            };
            if !stream.takes(first, records.unwrap_or(&none)) {
                return Err("it leaves out a record, or comes twice, and nothing happened to its fetcher");
            }
            if let Run::Records(..) = run {
                (stream.next, stream.believed) = (last + 1, stream.believed.max(last + 1));
            }
        }
        Ok(())
    }
}
