//! A toy log: posts, shares and replies of a few roots, in any order, with duplicates, facts, rejects and gaps.

use crate::dice::Dice;
use grapevine::record::{Millis, Offset, Record};

/// One partition.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    /// One past the last offset; control records may stand before it.
    pub(crate) end: Offset,
    /// The first offset.
    pub(crate) first: Offset,
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
            headers: Vec::new(),
        }
    }
}

impl Log {
    pub(crate) fn generate(dice: &mut Dice, partition: i32) -> Log {
        let first = dice.below(3) * dice.below(50);
        let (mut offset, mut time) = (first, 1_700_000_000_000_i64);
        let length = if dice.chance(80) { 0 } else { dice.below(120) };
        let roots = 1 + dice.below(8);
        let mut entries: Vec<Entry> = Vec::new();
        for number in 0..length {
            time += i64::try_from(dice.below(600_000)).expect("small");
            // A gap is a control record, or what compaction took.
            offset += if dice.chance(100) { dice.below(4) } else { 0 };
            let entry = if !entries.is_empty() && dice.chance(80) {
                Entry { offset, timestamp: time, ..entries[dice.index(entries.len())].clone() }
            } else {
                let root = dice.below(roots);
                let payload = payload(dice, partition, number, root, time);
                Entry { offset, timestamp: time, key: format!("p{partition}r{root}").into_bytes(), payload }
            };
            entries.push(entry);
            offset += 1;
        }
        Log { entries, end: offset + dice.below(3), first }
    }

    /// One past the last offset when only so many records were written yet.
    pub(crate) fn end_of(&self, visible: usize) -> Offset {
        self.entries.get(visible).map_or(self.end, |entry| entry.offset)
    }
}

fn payload(dice: &mut Dice, partition: i32, number: u64, root: u64, now: Millis) -> Option<Vec<u8>> {
    let root_id = format!("p{partition}r{root}");
    // Mostly the recent past, sometimes far off in either direction.
    let time = match dice.below(20) {
        0 => now + 3_600_000,
        1 => now - 86_400_000,
        _ => now - i64::try_from(dice.below(1_800_000)).expect("small"),
    };
    let actor = if dice.chance(50) { "null".to_owned() } else { format!("\"a{}\"", dice.below(12)) };
    let parent = match dice.below(4) {
        0 => root_id.clone(),
        1 => format!("p{partition}n{}", number + dice.below(10)),
        _ => format!("p{partition}n{}", dice.below(number + 1)),
    };
    let id = format!("p{partition}n{number}");
    let head = format!(r#""id":"{id}","time":{time}"#);
    let text = match dice.below(20) {
        0 => return None,
        1 => "{\"broken".to_owned(),
        2..=4 => {
            format!(
                r#"{{"type":"post","id":"{root_id}","time":{time},"actor":{actor},"brand":"b{}","is_brand":true}}"#,
                dice.below(2)
            )
        }
        5..=10 => format!(
            r#"{{"type":"share",{head},"actor":{actor},"root":"{root_id}","parent":"{parent}","followers":{}}}"#,
            dice.below(1_000)
        ),
        11..=15 => format!(r#"{{"type":"reply",{head},"actor":{actor},"root":"{root_id}","parent":"{parent}"}}"#),
        16 => format!(r#"{{"type":"reaction",{head},"actor":{actor},"root":"{root_id}","target":"{parent}"}}"#),
        17 => format!(r#"{{"type":"delete",{head},"root":"{root_id}","target":"{parent}"}}"#),
        18 => format!(r#"{{"type":"sample",{head},"root":"{root_id}","metric":"impressions","value":{}}}"#, dice.below(9_999)),
        _ => format!(r#"{{"type":"click",{head},"root":"{root_id}","visitor":"v{}"}}"#, dice.below(9)),
    };
    Some(text.into_bytes())
}
