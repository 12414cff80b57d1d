//! Two kinds of data, published into a topic each: real events, and many months of many small roots.

use grapevine::embedded::broker::{Message, Publisher};
use grapevine::engine::{Engine, Rules};
use grapevine::event::parse;
use grapevine::generator::Generator;
use grapevine::record::{Offset, Record};

use crate::input::{FILES, lines, renamed};

/// Events of a log: a worker reads them for ten seconds or so.
const EVENTS: usize = 1_000_000;

/// A week of the generator in each of so many months.
const MONTHS: usize = 42;
const MONTH_MS: i64 = 30 * 86_400_000;

/// What is published.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Weibo cascades and Reddit threads, again and again under other ids: few large roots.
    Real,
    /// The generator's: roots of some 24 events, and each flush of a backlog covers months.
    Months,
}

/// A topic, and what it holds.
pub(crate) struct Log {
    pub(crate) topic: &'static str,
    pub(crate) events: f64,
    pub(crate) ends: Vec<Offset>,
    /// Rows that a single flush at the end would write.
    pub(crate) rows_at_least: f64,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Real, Kind::Months];

    pub(crate) fn topic(self) -> &'static str {
        match self {
            Kind::Real => "real",
            Kind::Months => "months",
        }
    }

    /// So many keys and lines, in the order of the log.
    pub(crate) fn events(self, count: usize) -> Box<dyn Iterator<Item = (String, Vec<u8>)>> {
        match self {
            Kind::Real => {
                let files = FILES.map(lines);
                let copy = move |copy| files.clone().into_iter().flatten().map(move |line| renamed(&line, copy, 0));
                Box::new((0..).flat_map(copy).take(count))
            }
            Kind::Months => {
                let week = move |month| {
                    let later = MONTH_MS * i64::try_from(month).expect("few months");
                    Generator::new(month as u64, count / MONTHS).map(move |line| renamed(&line.json, month, later))
                };
                Box::new((0..MONTHS).flat_map(week))
            }
        }
    }

    /// Publishes everything, and counts what it amounts to.
    pub(crate) fn publish(self, brokers: &str, rules: Rules) -> Log {
        let mut publisher = Publisher::new(brokers, &[], self.topic(), None).expect("a producer");
        let mut engine = Engine::new(rules, "bench/0".into(), 0);
        let mut events: u32 = 0;
        for (key, line) in self.events(EVENTS) {
            let record = Record { offset: events.into(), payload: Some(&line), ..Record::default() };
            engine.observe(&record, parse(&record));
            let message = Message { key: Some(key.as_bytes()), payload: Some(&line), ..Message::default() };
            publisher.publish(message).expect("the broker takes it");
            events += 1;
        }
        publisher.flush().expect("the broker takes everything");
        let ends = publisher.ends().expect("ends");
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
        let rows_at_least = engine.flush().rows.len() as f64 - 1.0;
        Log { topic: self.topic(), events: events.into(), ends, rows_at_least }
    }
}
