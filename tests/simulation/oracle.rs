//! What the tables must say: one straight pass over each partition, one flush at its end.

use std::sync::Arc;

use crate::log::Log;
use crate::table::Tables;
use grapevine::engine::{Engine, Rules};
use grapevine::event;
use grapevine::record::{Partition, source_name};

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
