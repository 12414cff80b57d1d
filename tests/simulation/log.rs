//! A toy log: posts, shares and replies of a few roots, in any order, with duplicates, facts, rejects and gaps; some
//! of it damaged, reordered, back-filled, misdirected or stamped by a wrong clock before it was written.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::dice::Dice;
use crate::world::Fault;
use grapevine::event::{self, Body};
use grapevine::loss::OF_RECORDS;
use grapevine::record::{Millis, Offset, Record};

/// One partition.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    /// One past the last offset; control records may stand before it.
    pub(crate) end: Offset,
    /// The first offset.
    pub(crate) first: Offset,
    /// What was done to it.
    pub(crate) injected: Vec<Fault>,
}

/// One record.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) offset: Offset,
    pub(crate) timestamp: Millis,
    pub(crate) key: Vec<u8>,
    pub(crate) payload: Option<Vec<u8>>,
}

impl Entry {
    pub(crate) fn record(&self) -> Record<'_> {
        Record {
            offset: self.offset,
            timestamp: Some(self.timestamp),
            key: Some(&self.key),
            payload: self.payload.as_deref(),
            ..Record::default()
        }
    }
}

impl Log {
    /// The log of one of `partitions` partitions.
    pub(crate) fn generate(dice: &mut Dice, partition: i32, partitions: i32) -> Log {
        let first = dice.below(3) * dice.below(50);
        let mut log = Log { entries: Vec::new(), end: first, first, injected: Vec::new() };
        let mut time = 1_700_000_000_000_i64;
        let length = if dice.chance(80) { 0 } else { dice.below(120) };
        let roots = 1 + dice.below(8);
        for number in 0..length {
            time += i64::try_from(dice.below(600_000)).expect("small");
            if dice.chance(20) {
                // Far ahead for good; below, back or far ahead for one record.
                log.injected.push(Fault::ClockJumped);
                time += i64::try_from(dice.below(40)).expect("small") * 86_400_000;
            }
            let stamped = match (dice.chance(20), number.is_multiple_of(2)) {
                (true, true) => time + 31_536_000_000,
                (true, false) => time - 432_000_000,
                (false, _) => time,
            };
            log.gap(dice);
            let offset = log.end;
            let entry = if !log.entries.is_empty() && dice.chance(80) {
                log.injected.push(Fault::InputDuplicated);
                Entry { offset, timestamp: stamped, ..log.entries[dice.index(log.entries.len())].clone() }
            } else {
                let moved = partitions > 1 && dice.chance(40);
                let home = if moved { (partition + 1) % partitions } else { partition };
                if moved {
                    log.injected.push(Fault::KeyMoved);
                }
                let root = dice.below(roots);
                let about = About { partition, number, root: format!("p{home}r{root}"), now: time };
                let payload = log.damaged(payload(dice, &about), dice);
                Entry { offset, timestamp: stamped, key: about.root.into_bytes(), payload }
            };
            log.entries.push(entry);
            log.end += 1;
        }
        log.end += dice.below(3);
        log.reorder(dice);
        log.note_late_roots();
        log
    }

    /// A gap is a control record, or what an aborted transaction left.
    fn gap(&mut self, dice: &mut Dice) {
        let gap = if dice.chance(100) { dice.below(4) } else { 0 };
        if gap > 0 {
            self.injected.push(Fault::OffsetsSkipped);
        }
        self.end += gap;
    }

    /// Some bytes of some payloads are flipped or cut off.
    fn damaged(&mut self, payload: Option<Vec<u8>>, dice: &mut Dice) -> Option<Vec<u8>> {
        let mut payload = payload?;
        if !payload.is_empty() && dice.chance(40) {
            self.injected.push(Fault::InputCorrupted);
            let at = dice.index(payload.len());
            if dice.chance(500) { payload.truncate(at) } else { payload[at] ^= 1 << dice.below(8) }
        }
        Some(payload)
    }

    /// Neighbours change places before they get their offsets.
    fn reorder(&mut self, dice: &mut Dice) {
        for at in 1..self.entries.len() {
            if dice.chance(100) {
                self.injected.push(Fault::InputReordered);
                let before = dice.index(at);
                let (earlier, later) = self.entries.split_at_mut(at);
                std::mem::swap(&mut earlier[before].payload, &mut later[0].payload);
                std::mem::swap(&mut earlier[before].key, &mut later[0].key);
            }
        }
    }

    /// Roots whose post comes after something else of theirs, or not at all; and events from long ago.
    fn note_late_roots(&mut self) {
        let (mut begun, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut injected = Vec::new();
        for entry in &self.entries {
            let record = entry.record();
            let Ok(event) = event::parse(&record) else { continue };
            if event.time < entry.timestamp - 10_000_000_000 {
                injected.push(Fault::HistoryBackfilled);
            }
            let Some(root) = event.root() else { continue };
            if matches!(event.body, Body::Post(_)) {
                if begun.contains(root) && !seen.contains(root) {
                    injected.push(Fault::RootLate);
                }
                seen.insert(root.to_owned());
            }
            begun.insert(root.to_owned());
        }
        injected.extend(begun.difference(&seen).map(|_| Fault::RootNever));
        self.injected.append(&mut injected);
    }

    /// Whether a part of it has a record whose row is in a table of facts or rejects.
    pub(crate) fn has_any_of(&self, table: &str, part: Range<Offset>) -> bool {
        let kind = OF_RECORDS.iter().find(|(name, _)| *name == table).and_then(|(_, kind)| *kind);
        let is_of = |entry: &&Entry| event::parse(&entry.record()).ok().map(|event| event.event_type()) == kind;
        self.entries.iter().filter(|entry| part.contains(&entry.offset)).any(|entry| is_of(&entry))
    }

    /// One past the last offset when only so many records were written yet.
    pub(crate) fn end_of(&self, visible: usize) -> Offset {
        self.entries.get(visible).map_or(self.end, |entry| entry.offset)
    }
}

/// Where a record stands and what it is about.
struct About {
    partition: i32,
    number: u64,
    root: String,
    now: Millis,
}

fn payload(dice: &mut Dice, about: &About) -> Option<Vec<u8>> {
    let About { partition, number, root: root_id, now } = about;
    // Mostly the recent past, sometimes far off in either direction.
    let time = match dice.below(20) {
        0 => now + 3_600_000,
        1 => now - 86_400_000,
        2 => now - 86_400_000 * i64::try_from(120 + dice.below(300)).expect("small"),
        _ => now - i64::try_from(dice.below(1_800_000)).expect("small"),
    };
    let actor = if dice.chance(50) { "null".to_owned() } else { format!("\"a{}\"", dice.below(12)) };
    let parent = match dice.below(4) {
        0 => root_id.clone(),
        1 => format!("p{partition}n{}", *number + dice.below(10)),
        _ => format!("p{partition}n{}", dice.below(*number + 1)),
    };
    let id = format!("p{partition}n{number}");
    let head = format!(r#""id":"{id}","time":{time}"#);
    let text = match dice.below(26) {
        0 => return None,
        1 => "{\"broken".to_owned(),
        2..=4 => {
            format!(
                r#"{{"type":"post","id":"{root_id}","time":{time},"actor":{actor},"brand":"b{}","is_brand":{},"mentions_brand":{},"url":"https://b.example/{number}{}"}}"#,
                dice.below(2),
                number.is_multiple_of(2),
                number.is_multiple_of(3),
                "/long".repeat(usize::try_from(number % 50).expect("small"))
            )
        }
        5..=10 => format!(
            r#"{{"type":"share",{head},"actor":{actor},"root":"{root_id}","parent":"{parent}","followers":{},"kind":"{}"}}"#,
            dice.below(1_000),
            if number.is_multiple_of(2) { "quote" } else { "repost" }
        ),
        11..=15 => format!(
            r#"{{"type":"reply",{head},"actor":{actor},"root":"{root_id}","parent":"{parent}","is_brand":{},"mentions_brand":{}}}"#,
            number.is_multiple_of(3),
            number.is_multiple_of(4)
        ),
        16 => format!(r#"{{"type":"reaction",{head},"actor":{actor},"root":"{root_id}","target":"{parent}"}}"#),
        17 => format!(r#"{{"type":"delete",{head},"root":"{root_id}","target":"{parent}"}}"#),
        18 => format!(r#"{{"type":"sample",{head},"root":"{root_id}","metric":"impressions","value":{}}}"#, dice.below(9_999)),
        19..=21 => {
            format!(r#"{{"type":"click",{head},"root":"{root_id}","target":"{parent}","visitor":"v{}"}}"#, dice.below(9))
        }
        _ => fact(dice, time),
    };
    Some(text.into_bytes())
}

/// A fact without a root. Its id may stand in any partition, and anywhere twice, saying something else.
fn fact(dice: &mut Dice, time: Millis) -> String {
    let head = format!(r#""id":"f{}","time":{time}"#, dice.below(12));
    let number = dice.below(1_000);
    match dice.below(5) {
        0 => format!(r#"{{"type":"visit",{head},"visitor":"v{}","click":"p0n{number}","utm_medium":"Social"}}"#, dice.below(9)),
        1 => format!(r#"{{"type":"conversion",{head},"amount":"-{number}.05","currency":"eur"}}"#),
        2 => format!(r#"{{"type":"cost",{head},"amount":{number},"seconds":{number}}}"#),
        3 => format!(r#"{{"type":"assign",{head},"experiment":"e","arm":"a{number}","unit":"u","unit_type":"community"}}"#),
        _ => format!(r#"{{"type":"report",{head},"origin":"o","metric":"m","value":{number}}}"#),
    }
}
