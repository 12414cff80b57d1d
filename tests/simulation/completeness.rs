//! At every moment: everything below `progress.version` is in the tables. Whoever reads them by then relies on it, however
//! many inserts are under way; tables that are right in the end prove nothing about it.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::log::Log;
use crate::oracle;
use crate::rewriting::Rewriting;
use crate::table::{Span, Tables};
use crate::world::NAME;
use grapevine::engine::{Engine, Rules};
use grapevine::event;
use grapevine::record::{Offset, Partition, source_name};

/// For each partition a reader of its own, as far as `progress` is.
pub(crate) struct Completeness {
    /// `None` after limits or a log were changed: from then on rows depend on when that was.
    rules: Option<Rules>,
    readers: BTreeMap<Partition, Reader>,
    /// How often it had something to look at.
    pub(crate) looks: u64,
}

struct Reader {
    engine: Engine,
    /// How many records it has read.
    read: usize,
}

impl Completeness {
    pub(crate) fn new(rules: Rules) -> Completeness {
        Completeness { rules: Some(rules), readers: BTreeMap::new(), looks: 0 }
    }

    /// The store has forgotten something: everything is looked at again.
    pub(crate) fn begin_again(&mut self) {
        self.readers.clear();
    }

    /// Limits are changed, or a log becomes another one.
    pub(crate) fn end(&mut self) {
        self.rules = None;
    }

    /// Looks at the rows that a partition's log asks for up to what `progress` says, as far as that was not looked at before.
    pub(crate) fn check(&mut self, partition: Partition, log: &Log, tables: &Tables, rewriting: &Rewriting) {
        let source = source_name(NAME, partition);
        let (Some(rules), Some(Span { first, version })) = (&self.rules, tables.progress(&source)) else { return };
        let reader = self.readers.entry(partition).or_insert_with(|| Reader {
            engine: Engine::new(rules.clone(), Arc::clone(&source), first),
            read: log.entries.iter().take_while(|entry| entry.offset < first).count(),
        });
        if version > reader.engine.next() {
            self.looks += 1;
            let asked = reader.read_to(log, version);
            let truth = LazyCell::new(|| oracle::changes(rules, &source, log, version));
            tables.check_complete(&asked, version, |key, says| rewriting.excuses(key, says, &truth));
        }
    }
}

impl Reader {
    /// Which rows have changed, as they are at `end`.
    fn read_to(&mut self, log: &Log, end: Offset) -> Tables {
        for entry in log.entries[self.read..].iter().take_while(|entry| entry.offset < end) {
            let record = entry.record();
            self.engine.observe(&record, event::parse(&record));
            self.read += 1;
        }
        self.engine.advance(end);
        let mut asked = Tables::default();
        asked.insert(&self.engine.flush().rows, usize::MAX);
        asked
    }
}
