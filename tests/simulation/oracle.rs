//! What the tables must say: one straight pass over each partition, one flush at its end; and of the columns that it
//! knows, what the batch computation says, which shares nothing with the engine. Then the identities of conservation.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::batch::{self, Expected};
use crate::figures::{Figures, LifeKey, TreeFigures};
use crate::log::Log;
use crate::table::Tables;
use grapevine::engine::{Engine, Rules};
use grapevine::event;
use grapevine::record::{Offset, Partition, source_name};

pub(crate) fn straight_pass(rules: &Rules, name: &str, logs: &[Log]) -> Tables {
    let mut tables = Tables::default();
    for (number, log) in logs.iter().enumerate() {
        let partition = Partition(i32::try_from(number).expect("few partitions"));
        let source: Arc<str> = source_name(name, partition);
        let mut engine = Engine::new(rules.clone(), source, log.first);
        for entry in &log.entries {
            let record = entry.record();
            engine.observe(&record, event::parse(&record));
        }
        engine.advance(log.end);
        tables.insert(&engine.flush().rows, usize::MAX);
    }
    tables
}

/// The rows of one partition below an offset, each at the version at which it changed last.
pub(crate) fn changes(rules: &Rules, source: &Arc<str>, log: &Log, below: Offset) -> Tables {
    let mut tables = Tables::default();
    let mut engine = Engine::new(rules.clone(), Arc::clone(source), log.first);
    for entry in log.entries.iter().take_while(|entry| entry.offset < below) {
        let record = entry.record();
        engine.observe(&record, event::parse(&record));
        tables.insert(&engine.flush().rows, usize::MAX);
    }
    tables
}

pub(crate) fn batch_computation(rules: &Rules, name: &str, logs: &[Log]) -> Expected {
    let mut expected = Expected::default();
    for (number, log) in (0..).zip(logs) {
        batch::add(&mut expected, rules, &source_name(name, Partition(number)), log);
    }
    expected
}

/// Per source: read = accepted + duplicates + rejected. Per life, unless it may lack rows: the windows add up to the totals.
pub(crate) fn check_conservation(figures: &BTreeMap<&str, &Figures>, may_lack: impl Fn(&LifeKey) -> bool) {
    let mut shares: BTreeMap<&LifeKey, u64> = BTreeMap::new();
    let mut replies: BTreeMap<&LifeKey, u64> = BTreeMap::new();
    for figures in figures.values() {
        match figures {
            Figures::Window(window) => {
                *shares.entry(&window.life).or_default() += u64::from(window.shares);
                *replies.entry(&window.life).or_default() += u64::from(window.replies);
            }
            Figures::Progress(progress) => {
                assert_eq!(progress.read, progress.accepted + progress.duplicates + progress.rejected, "I3: {progress:?}");
            }
            Figures::Root(_) | Figures::Tree(_) | Figures::Click(_) | Figures::Fact(_) | Figures::Reject(_) => {}
        }
    }
    for (key, figures) in figures {
        if let Figures::Tree(TreeFigures { life, size, levels, s1, .. }) = figures {
            let windows = if key.starts_with("cascade") { &shares } else { &replies };
            let adds_up = windows.get(life) == Some(&(size - 1)) || may_lack(life);
            assert!(adds_up, "I4: the windows of {key} add up to {:?}, its total is {size}", windows.get(life));
            assert_eq!(levels.iter().sum::<u64>(), *size, "{key}");
            assert_eq!((0..).zip(levels).map(|(depth, count): (u64, &u64)| depth * count).sum::<u64>(), *s1, "{key}");
        }
    }
}
