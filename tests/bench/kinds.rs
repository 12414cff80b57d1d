//! Kinds of data, published into a topic each.

use grapevine::embedded::broker::{Message, Publisher};
use grapevine::engine::{Engine, Rules};
use grapevine::event::parse;
use grapevine::generator::Generator;
use grapevine::record::{Offset, Record};

use crate::input::{FILES, lines, renamed};
use crate::shares::share;

/// Events of a log: a worker reads them for ten seconds or so.
const EVENTS: usize = 3_000_000;

/// A week of the generator in each of so many months.
const MONTHS: usize = 42;
const MONTH_MS: i64 = 30 * 86_400_000;

/// When shares that are made up begin, and how long they take.
const BEGIN_MS: i64 = 1_700_006_400_000;
const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
const WINDOW_MS: u64 = 900_000;

/// People who share a viral post, one each; beside other roots, one of so many shares is theirs.
const SHARERS: usize = 100_000;
const THIRD: u64 = 3;

/// Shares of a root that is not hot.
const CALM: u64 = 25;

/// What is published.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Weibo cascades and Reddit threads, again and again under other ids: few large roots.
    Real,
    /// The generator's: roots of some 24 events, and each flush of a backlog covers months.
    Months,
    /// One root has nine of ten events of a day, so its partition has them, too.
    Hot,
    /// Each event is the only one of its root, in the course of a day.
    Lone,
    /// One root, shared by a hundred thousand people within an hour.
    Viral,
    /// The same, and roots of a thousand shares beside it, each of them in a window of its own: rows enough to fill flushes.
    ViralBeside,
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
    /// Those that the readers are compared on.
    pub(crate) const COMPARED: [Kind; 4] = [Kind::Real, Kind::Months, Kind::Hot, Kind::Lone];

    /// Those that memory is measured on.
    pub(crate) const HELD: [Kind; 2] = [Kind::Viral, Kind::ViralBeside];

    pub(crate) fn topic(self) -> &'static str {
        match self {
            Kind::Real => "real",
            Kind::Months => "months",
            Kind::Hot => "hot",
            Kind::Lone => "lone",
            Kind::Viral => "viral",
            Kind::ViralBeside => "viral_beside",
        }
    }

    /// How many events are published.
    pub(crate) fn count(self) -> usize {
        match self {
            Kind::Viral => SHARERS,
            Kind::ViralBeside => SHARERS * 3,
            Kind::Real | Kind::Months | Kind::Hot | Kind::Lone => EVENTS,
        }
    }

    /// So many keys and lines, in the order of the log.
    pub(crate) fn events(self, count: usize) -> Box<dyn Iterator<Item = (String, Vec<u8>)>> {
        let numbers = 0..count as u64;
        let part = move |number, of: u64| time(number * of / count as u64);
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
            Kind::Hot => Box::new(numbers.map(move |number| match (number / 10, number % 10) {
                (calm, 0) => share(&format!("calm-{}", calm / CALM), calm % CALM, part(number, DAY_MS)),
                (tens, rest) => share("hot", tens * 9 + rest - 1, part(number, DAY_MS)),
            })),
            Kind::Lone => Box::new(numbers.map(move |number| share(&format!("lone-{number}"), 0, part(number, DAY_MS)))),
            Kind::Viral => Box::new(numbers.map(move |number| share("viral", number, part(number, HOUR_MS)))),
            Kind::ViralBeside => Box::new(numbers.map(move |number| match (number / THIRD, number % THIRD) {
                (viral, 0) => share("viral", viral, part(number, HOUR_MS)),
                (thirds, rest) => {
                    let other = thirds * (THIRD - 1) + rest - 1;
                    share(&format!("other-{}", other / 1_000), other % 1_000, time(other % 1_000 * WINDOW_MS))
                }
            })),
        }
    }

    /// Publishes everything, and counts what it amounts to.
    pub(crate) fn publish(self, brokers: &str, rules: Rules) -> Log {
        let mut publisher = Publisher::new(brokers, &[], self.topic(), None).expect("a producer");
        let mut engine = Engine::new(rules, "bench/0".into(), 0);
        let mut events: u32 = 0;
        for (key, line) in self.events(self.count()) {
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

/// So many milliseconds after the first share that is made up.
fn time(later: u64) -> i64 {
    BEGIN_MS + i64::try_from(later).expect("some months")
}
