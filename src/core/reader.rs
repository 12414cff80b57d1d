//! The reader of the log: what the client says becomes deliveries, in order; what is wanted of it becomes commands.
//!
//! Pure: no client, clock or chance. The driver beside the client asks [`Reader::step`] again and again and does what it
//! says, without a decision of its own:
//!
//! | step | the driver |
//! |---|---|
//! | `Tell` | hands the delivery to the loop (`Records`: those indices of the partition's batch) |
//! | `Fail` | hands the problem to the loop |
//! | `Note` | writes a log line |
//! | `Idle` | waits some milliseconds, and tells the loop that there was nothing |
//! | `Do` | carries the command out, see [`Command`] |
//!
//! It tells the reader whatever the client's callbacks note, at the latest while it carries out [`Command::Poll`].
//! Where to begin is never left to the group's committed offset or to a reset policy: the loop says it.
//!
//! Positions are the reader's own. The client's is one too far after an end or an error, and a rebalance makes it go
//! there; so each fetcher is moved to the reader's position when a rebalance is told, before the client is answered and
//! while it still keeps its fetchers still. Beyond that every gap is asked for again before it is believed.
//!
//! A partition that is put aside stays in the client's assignment, unread: whatever is unassigned while a rebalance is on
//! its way counts as the answer to it. Its queue is bounded by `queued.max.messages.kbytes` and takes nothing from others.
//!
//! Keeps: no record is handed out twice after one `start`, none is skipped, none after a revocation; a rebalance is answered
//! once, and a revocation only when all of it was released.

mod coverage;
mod fencing;
mod identity;
mod messages;
mod partition;
mod places;
mod rebalance;
mod trace;
mod turn;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::record::{Offset, Partition};

pub use coverage::Seen;
pub use identity::TopicId;
pub use messages::{Answer, Batches, ClientError, Command, Delivery, Extent, Gaps, Item, Lag, PartitionError, Step};
pub use trace::{Run, Traced};
pub use words::{Note, Problem, Weight};

use coverage::Coverage;
use fencing::Fencing;
use identity::Identity;
use partition::{Reading, State};
use rebalance::{Event, Rebalance};

/// The same complaint is made again only after this long.
const REPEAT_AFTER: Duration = Duration::from_secs(30);

/// A member that leaves to come back with another client waits so long for what it has to be given back: twice the deadline of that.
const RENEWING_FOR: Duration = Duration::from_secs(10);

/// The move under way.
#[derive(Debug)]
struct Moving {
    number: u64,
    since: Duration,
    partitions: Vec<Partition>,
}

/// A member of the consumer group.
#[derive(Debug)]
pub struct Reader {
    readings: BTreeMap<Partition, Reading>,
    owned: BTreeSet<Partition>,
    extents: BTreeMap<Partition, Extent>,
    rebalance: Rebalance,
    coverage: Coverage,
    fencing: Fencing,
    identity: Identity,
    complaints: Vec<(i32, Duration)>,
    gaps: Gaps,
    /// What is said before anything else.
    out: VecDeque<Step>,
    /// The command that waits for its answer.
    asked: Option<Command>,
    moving: Option<Moving>,
    /// Since when this member is on its way out, to come back with another client.
    renewing: Option<Duration>,
    moves: u64,
    move_at: Duration,
    paused: bool,
    closed: bool,
    turn: turn::Turn,
}

impl Reader {
    /// A reader whose client is about to subscribe. `named`: the member is a static one. `broker_assigns`: the group has the
    /// consumer protocol, where the broker sees to it that every partition has an owner. The seed spreads the waits of a fleet.
    #[must_use]
    pub fn new(named: bool, broker_assigns: bool, seed: u64) -> Reader {
        Reader {
            readings: BTreeMap::new(),
            owned: BTreeSet::new(),
            extents: BTreeMap::new(),
            rebalance: Rebalance::default(),
            coverage: Coverage::new(named && !broker_assigns),
            fencing: Fencing::new(seed),
            identity: Identity::default(),
            complaints: Vec::new(),
            gaps: Gaps::default(),
            out: VecDeque::new(),
            asked: None,
            moving: None,
            renewing: None,
            moves: 0,
            move_at: Duration::ZERO,
            paused: false,
            closed: false,
            turn: turn::Turn::default(),
        }
    }

    /// The partitions that belong to this member.
    #[must_use]
    pub fn owned(&self) -> &BTreeSet<Partition> {
        &self.owned
    }

    /// How far behind each partition is that is read.
    pub fn lag(&self) -> impl Iterator<Item = Lag> + '_ {
        let read = self.readings.iter().filter(|(_, reading)| reading.state != State::Released);
        read.map(|(&partition, reading)| {
            let Extent { first, end, written } = self.extents.get(&partition).copied().unwrap_or_default();
            let unread = end.map(|end| end.saturating_sub(reading.position));
            // Before all that can be read is read, it is no open transaction that holds the reader up.
            let hidden = written.filter(|_| unread == Some(0)).map_or(0, |written| written.saturating_sub(reading.position));
            Lag { partition, unread, hidden, first }
        })
    }

    /// How many partitions the group has given to nobody, if somebody has looked.
    #[must_use]
    pub fn unassigned(&self) -> Option<usize> {
        self.coverage.unassigned()
    }

    /// How many gaps there were since this was asked last.
    pub fn take_gaps(&mut self) -> Gaps {
        std::mem::take(&mut self.gaps)
    }

    /// Why there is no client.
    #[must_use]
    pub fn absence(&self) -> Problem {
        if self.fencing.away_until().is_some() { Problem::Away } else { Problem::Closed }
    }

    /// From the loop: read an assigned partition from an offset on, whether it was read before or not.
    ///
    /// # Errors
    /// When the partition is not this member's.
    pub fn start(&mut self, now: Duration, partition: Partition, next: Offset) -> Result<(), Problem> {
        if self.closed {
            return Err(Problem::Closed);
        }
        if self.fencing.away_until().is_some() {
            return Err(Problem::Away);
        }
        if !self.owned.contains(&partition) {
            return Err(Problem::TakenAway(partition));
        }
        self.readings.entry(partition).or_insert_with(|| Reading::new(now, next)).begin_again(next);
        Ok(())
    }

    /// From the loop: read partitions no more. Revoked and lost ones go back to the group, once all of them are released;
    /// others stay this member's, unread.
    pub fn release(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.owned.remove(partition);
            self.rebalance.release(*partition);
            let Some(reading) = self.readings.get_mut(partition) else { continue };
            if reading.fetched {
                reading.stop();
                reading.state = State::Released;
            } else {
                self.readings.remove(partition);
            }
        }
    }

    /// From the loop: stop and resume the flow of records, of one partition or of all; assignments go on. The client's own pause is not
    /// used: it throws away what was fetched. It stops fetching by itself when a partition's queue is full.
    pub fn pause(&mut self, now: Duration, only: Option<Partition>, paused: bool) {
        let Some(partition) = only else { return self.pause_all(now, paused) };
        self.readings.get_mut(&partition).into_iter().for_each(|reading| reading.hold(now, paused));
    }

    /// From the loop: it is over. The client is to be given up as in [`Command::Leave`], if there is one.
    pub fn close(&mut self) -> Option<Vec<Partition>> {
        if self.closed || self.fencing.away_until().is_some() {
            self.closed = true;
            return None;
        }
        self.closed = true;
        let (fetched, _) = self.forget();
        Some(fetched)
    }

    /// From the driver: the next client is another one, with other certificates or another password. The loop gives everything back as
    /// at any revocation, with a last flush and commit; then this member leaves the group and comes back with the other client.
    pub fn renew(&mut self, now: Duration) {
        // Whoever is away comes back with the new one anyhow.
        if !self.closed && self.fencing.away_until().is_none() {
            self.renewing.get_or_insert(now);
        }
    }

    /// From the client: the group gives partitions to this member.
    pub fn assigned(&mut self, partitions: Vec<Partition>) {
        self.note(Event::Assigned(partitions));
    }

    /// From the client: the group wants partitions back, or has lost this member.
    pub fn revoked(&mut self, partitions: Vec<Partition>, lost: bool) {
        self.note(Event::Revoked { partitions, lost });
    }

    /// From the client: where a partition begins and ends, as far as it has heard.
    pub fn log_extent(&mut self, partition: Partition, extent: Extent) {
        self.extents.entry(partition).or_default().hear(extent);
    }

    /// From the client: an error of all of it.
    pub fn client_error(&mut self, now: Duration, class: ClientError, code: i32, text: String) {
        match class {
            ClientError::Fenced => self.fenced(now, text),
            ClientError::Fatal => self.out.push_back(Step::Fail(Problem::GaveUp(text))),
            ClientError::NeedsOperator => self.out.push_back(Step::Fail(Problem::NeedsOperator(text))),
            ClientError::Astray => self.out.push_back(Step::Fail(Problem::Astray)),
            ClientError::Recovers => self.complain(now, code, Problem::Waiting(text)),
        }
    }

    /// From the driver: so many items were drained from a partition's queue.
    pub fn drained(&mut self, now: Duration, partition: Partition, length: usize) {
        if let Some(reading) = self.readings.get_mut(&partition) {
            reading.drained(now, length);
        }
        if length > 0 {
            self.turn.draw(partition);
        }
    }

    /// From the driver: the move of this number is over; these of it were refused. A late answer counts for nothing.
    pub fn moved(&mut self, now: Duration, number: u64, refused: &[Partition]) {
        let Some(moving) = self.moving.take_if(|moving| moving.number == number) else { return };
        for partition in moving.partitions {
            if let Some(reading) = self.readings.get_mut(&partition) {
                reading.moved(now, number, refused.contains(&partition));
            }
        }
    }

    /// From the driver: what the client said to the command that it was given last.
    pub fn answered(&mut self, now: Duration, answer: Answer) {
        let Some(asked) = self.asked.take() else { return };
        if let Answer::Refused(text) = answer {
            if asked == Command::NewClient {
                // Everything was lost or given back before: there is time for whatever is in the way to be mended. But the loop must
                // know that it has no assignment, and what was given back in order did not say so.
                self.out.push_back(Step::Note(Note::NoClient { wait: self.fencing.stay_away(now), text }));
                self.out.push_back(Step::Tell(Delivery::Lost(Vec::new())));
            } else {
                self.out.push_back(Step::Fail(Problem::Refused { what: asked.what(), text }));
            }
            return;
        }
        match asked {
            Command::Accept => {
                let partitions = self.rebalance.accepted();
                self.owned.extend(&partitions);
                // An assignment of nothing is news too: this member is in the group, and spare.
                self.out.push_back(Step::Tell(Delivery::Assigned(partitions)));
            }
            Command::Unassign(partitions) => {
                self.readings.retain(|partition, _| !partitions.contains(partition));
                self.rebalance.answered();
                self.join_again();
            }
            Command::Refetch(partition, position) => {
                if let Some(reading) = self.readings.get_mut(&partition) {
                    reading.state = State::Reading;
                    reading.hear(now);
                    self.out.push_back(Step::Note(Note::Refetched(partition, position)));
                }
            }
            Command::Poll | Command::Fetch(..) | Command::Drain(_) | Command::Drop(_) | Command::Move { .. } => {}
            Command::Subscribe | Command::Unsubscribe | Command::NewClient | Command::Leave(_) | Command::AskGroup => {}
        }
    }

    /// From the process: what the brokers call the topic; nothing if they do not answer, know no ids, or know no such
    /// topic. Once a second and process is enough.
    pub fn topic_id(&mut self, told: Option<TopicId>) {
        if self.identity.is_another(told) {
            self.out.push_back(Step::Fail(Problem::AnotherTopic));
        }
    }

    /// From the driver: what the group gives to whom; nothing if it is not at rest, or if it did not answer.
    pub fn group_seen(&mut self, now: Duration, seen: Option<Seen>) {
        let since = self.coverage.see(now, seen.as_ref(), &self.owned);
        if let (Some(since), Some(seen)) = (since, seen) {
            self.out.push_back(Step::Note(Note::Uncovered { seen, since }));
            self.out.push_back(Step::Do(Command::Unsubscribe));
            if self.owned.is_empty() {
                self.join_again();
            }
        }
    }

    /// Whether it can be worked on yet or not: by now the client has stopped its fetchers, and may have resumed them.
    fn note(&mut self, event: Event) {
        self.readings.values_mut().for_each(Reading::distrust);
        self.rebalance.note(event);
    }

    /// The second half of a rebalance that this member asked for, once it has given everything back.
    fn join_again(&mut self) {
        if self.coverage.is_leaving() {
            self.coverage.joined_again();
            self.out.push_back(Step::Do(Command::Subscribe));
        }
    }

    /// Whether this member went on with another client just now; on the way there the loop is told to give everything back.
    fn renews(&mut self, now: Duration) -> bool {
        let Some(since) = self.renewing else { return false };
        let late = now.saturating_sub(since) > RENEWING_FOR;
        if self.rebalance.is_accepting() && !late {
            return false;
        }
        if !self.owned.is_empty() && !late {
            let note = self.on_revoked(self.owned.iter().copied().collect(), false);
            self.out.push_back(note);
            return true;
        }
        if self.rebalance.is_under_way() && !self.rebalance.is_released() && !late {
            return false;
        }
        self.change_client();
        true
    }

    /// What was not given back by now is lost, as if this member had been turned away.
    fn change_client(&mut self) {
        let (fetched, lost) = self.forget();
        self.out.extend([Step::Do(Command::Leave(fetched)), Step::Note(Note::Renewing)]);
        if !lost.is_empty() {
            self.out.push_back(Step::Tell(Delivery::Fenced(lost.into_iter().collect())));
        }
        self.out.push_back(Step::Do(Command::NewClient));
    }

    fn complain(&mut self, now: Duration, code: i32, problem: Problem) {
        self.complaints.retain(|(_, said)| now.saturating_sub(*said) < REPEAT_AFTER);
        if self.complaints.iter().any(|(known, _)| *known == code) {
            self.out.push_back(Step::Note(Note::Again(problem)));
            return;
        }
        self.complaints.push((code, now));
        self.out.push_back(Step::Fail(problem));
    }

    fn fenced(&mut self, now: Duration, text: String) {
        let (fetched, lost) = self.forget();
        let wait = self.fencing.stay_away(now);
        self.out.extend([
            Step::Do(Command::Leave(fetched)),
            Step::Note(Note::Fenced { wait, text }),
            Step::Tell(Delivery::Fenced(lost.into_iter().collect())),
        ]);
    }

    /// Forgets everything that goes with the client. Says what the client has, and what was this member's.
    fn forget(&mut self) -> (Vec<Partition>, BTreeSet<Partition>) {
        let mut lost = std::mem::take(&mut self.owned);
        lost.extend(self.rebalance.forget());
        let all = std::mem::take(&mut self.readings).into_iter();
        let fetched = all.filter(|(_, reading)| reading.fetched).map(|(partition, _)| partition).collect();
        (self.asked, self.moving, self.renewing, self.turn) = (None, None, None, turn::Turn::default());
        self.coverage.joined_again();
        self.out.clear();
        (fetched, lost)
    }
}
