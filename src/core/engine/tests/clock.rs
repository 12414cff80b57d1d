//! The log's clock: what moves it, what does not, and what ends by it.

use proptest::prelude::*;

use super::*;

const HOUR: Millis = 60 * MINUTE;
const YEAR: Millis = 365 * DAY;

/// As many records of one stamp; each touches a root of its own.
fn stamped(engine: &mut Engine, many: usize, stamp: Millis) {
    for _ in 0..many {
        let root = format!("at{}", engine.next());
        observe_at(engine, &post(&root, "b", NOON), stamp);
    }
}

/// An engine whose clock shows `NOON`, with a root that it holds and nobody touches again.
fn begun() -> Engine {
    let mut engine = engine();
    observe_at(&mut engine, &post("quiet", "a", NOON), NOON);
    stamped(&mut engine, 2 * CLOCK_WITNESSES, NOON);
    assert_eq!((engine.clock.now(), engine.flush().tally.ahead), (Some(NOON), 0));
    engine
}

fn evicted(engine: &mut Engine) -> u64 {
    engine.flush().tally.evicted_by_age
}

#[test]
fn records_of_next_year_end_no_tree_until_they_are_as_many_as_move_the_clock() {
    let mut engine = begun();
    stamped(&mut engine, 40, NOON + YEAR);
    assert_eq!(engine.flush().tally.ahead, 40);
    stamped(&mut engine, 960, NOON + YEAR);
    stamped(&mut engine, 1, NOON + 10 * MINUTE);
    stamped(&mut engine, CLOCK_WITNESSES - 1001, NOON + YEAR);
    assert_eq!((engine.clock.now(), evicted(&mut engine)), (Some(NOON), 0));
    stamped(&mut engine, 1, NOON + YEAR);
    assert_eq!(engine.clock.now(), Some(NOON + YEAR));
    assert_eq!((evicted(&mut engine), engine.holdings().roots), (2 * CLOCK_WITNESSES as u64 + 2, CLOCK_WITNESSES as u64));
}

#[test]
fn an_honest_log_goes_on_while_others_are_a_year_ahead() {
    let mut engine = begun();
    stamped(&mut engine, CLOCK_WITNESSES - 1, NOON + YEAR);
    for hour in 1..=48 {
        stamped(&mut engine, 1, NOON + hour * HOUR + 59 * MINUTE);
        assert_eq!(engine.clock.now(), Some(NOON + hour * HOUR));
    }
}

#[test]
fn an_honest_log_ends_what_is_old_within_as_many_records_as_move_the_clock() {
    let mut engine = begun();
    let old = engine.holdings().roots;
    stamped(&mut engine, CLOCK_WITNESSES - 1, NOON + 31 * DAY);
    assert_eq!(evicted(&mut engine), 0);
    stamped(&mut engine, 1, NOON + 31 * DAY);
    assert_eq!((evicted(&mut engine), engine.holdings().roots), (old, CLOCK_WITNESSES as u64), "and nothing that is new");
}

#[test]
fn what_is_touched_lives_on_and_the_age_is_greater_than_the_retention() {
    let mut engine = begun();
    stamped(&mut engine, CLOCK_WITNESSES, NOON + HOUR);
    observe_at(&mut engine, &share("quiet", "s", "quiet", "b", NOON), NOON);
    stamped(&mut engine, CLOCK_WITNESSES, NOON + 30 * DAY);
    assert_eq!(evicted(&mut engine), 0, "exactly the retention is not more");
    stamped(&mut engine, CLOCK_WITNESSES, NOON + 30 * DAY + HOUR);
    assert_eq!(evicted(&mut engine), 2 * CLOCK_WITNESSES as u64, "all of noon but the one that was touched an hour later");
    stamped(&mut engine, CLOCK_WITNESSES, NOON + 30 * DAY + 2 * HOUR);
    assert_eq!(evicted(&mut engine), CLOCK_WITNESSES as u64 + 1, "those of an hour later, and it");
}

#[test]
fn a_burst_after_months_of_little_ends_nothing_that_was_touched_lately() {
    let mut engine = begun();
    for day in 1..=100 {
        stamped(&mut engine, 5, NOON + day * DAY);
    }
    let hot = engine.next();
    observe_at(&mut engine, &post("hot", "a", NOON), NOON + 100 * DAY);
    let lately = engine.holdings().roots - evicted(&mut engine);
    stamped(&mut engine, 2 * CLOCK_WITNESSES, NOON + 100 * DAY);
    observe_at(&mut engine, &share("hot", "s", "hot", "b", NOON), NOON + 100 * DAY);
    let mut tables = Tables::default();
    let batch = engine.flush();
    assert_eq!(batch.tally.evicted_by_age, lately - 5 * 31 - 1, "those of the last thirty days and one hour stay");
    tables.insert(batch);
    assert_eq!(tables.cascade("hot").opened, hot, "its share came to the life of its post");
}

#[test]
fn wrong_stamps_of_the_first_records_do_no_harm() {
    for (wrong, many) in [(NOON + YEAR, 1), (0, 1), (0, CLOCK_WITNESSES - 1), (Millis::MIN, 40), (Millis::MAX, 40)] {
        let mut engine = engine();
        stamped(&mut engine, many, wrong);
        stamped(&mut engine, 2 * CLOCK_WITNESSES - 2 - many, NOON);
        assert_eq!(engine.clock.now(), None, "not before twice as many");
        stamped(&mut engine, 1, NOON);
        assert_eq!(engine.clock.now(), Some(NOON), "their median");
        stamped(&mut engine, CLOCK_WITNESSES, NOON + DAY);
        stamped(&mut engine, CLOCK_WITNESSES, NOON + 30 * DAY);
        assert_eq!((engine.clock.now(), evicted(&mut engine)), (Some(NOON + 30 * DAY), 0), "{wrong}");
        stamped(&mut engine, CLOCK_WITNESSES, NOON + 30 * DAY + HOUR);
        assert!(evicted(&mut engine) >= CLOCK_WITNESSES as u64, "they were touched at noon: {wrong}");
    }
}

#[test]
fn a_log_without_stamps_has_no_clock_and_ends_nothing_by_age() {
    let mut engine = engine();
    for _ in 0..3 * CLOCK_WITNESSES {
        let (offset, root) = (engine.next(), format!("at{}", engine.next()));
        engine.observe(&Record { offset, ..Record::default() }, Ok(post(&root, "b", NOON)));
    }
    assert_eq!((engine.clock.now(), evicted(&mut engine)), (None, 0));
}

#[test]
fn a_record_without_a_stamp_is_of_the_clocks_hour_at_the_latest() {
    let mut engine = begun();
    let mut unstamped = |time| {
        let record = Record { offset: engine.next(), ..Record::default() };
        engine.observe(&record, Ok(post(&format!("at{}", engine.next()), "b", time)));
        engine.flush().tally.future
    };
    assert_eq!((unstamped(NOON + 64 * MINUTE), unstamped(NOON + 66 * MINUTE)), (0, 1));
}

/// What the clock shows after each record, by its definition: the hour of the stamp that is the `witnesses`th greatest,
/// from twice as many on; the greatest so far.
fn by_definition(stamps: &[Millis], witnesses: usize) -> Vec<Option<Millis>> {
    let mut shown: Vec<Option<Millis>> = Vec::new();
    for read in 1..=stamps.len() {
        let mut stamps = stamps[..read].to_vec();
        stamps.sort_unstable();
        let hour = (read >= 2 * witnesses - 1).then(|| stamps[read - witnesses].div_euclid(HOUR) * HOUR);
        shown.push(hour.max(shown.last().copied().flatten()));
    }
    shown
}

/// How many roots have ended when each record touched another one.
fn ended_by_definition(shown: &[Option<Millis>], witnesses: usize, retention: Millis) -> usize {
    let age = |touched: usize| {
        let caught_up = shown.iter().skip(touched - 1 + witnesses - 1).flatten().next();
        Some(shown.last().copied().flatten()? - caught_up?)
    };
    (1..=shown.len()).filter(|&touched| age(touched).is_some_and(|age| age > retention)).count()
}

/// Hours within two days and single outliers, in no order.
fn stamps() -> impl Strategy<Value = Vec<Millis>> {
    let one = prop_oneof![8 => 0..2 * DAY, 1 => 100 * DAY..102 * DAY, 1 => -2 * DAY..0];
    proptest::collection::vec(one, 0..80)
}

proptest! {
    #[test]
    fn the_clock_is_its_definition_and_bounded(stamps in stamps(), witnesses in 1..7usize) {
        let mut engine = Engine::new(Rules { clock_witnesses: witnesses, root_retention: DAY, ..rules() }, "t/0".into(), 0);
        let held = |engine: &Engine, what: &str| serde_json::to_value(&engine.clock).unwrap()[what].as_array().unwrap().len();
        let shown = by_definition(&stamps, witnesses);
        for (read, stamp) in (1..).zip(&stamps) {
            stamped(&mut engine, 1, *stamp);
            prop_assert_eq!(engine.clock.now(), shown[read - 1]);
            prop_assert_eq!(engine.holdings().roots, (read - ended_by_definition(&shown[..read], witnesses, DAY)) as u64);
            prop_assert!(held(&engine, "shown") <= 25 && held(&engine, "ahead") < 2 * witnesses - 1);
            prop_assert!(held(&engine, "ahead") < witnesses || engine.clock.now().is_none());
        }
    }

    #[test]
    fn a_snapshot_anywhere_changes_neither_clock_nor_evictions(stamps in stamps(), witnesses in 1..7usize, every in 1..9usize) {
        let rules = Rules { clock_witnesses: witnesses, root_retention: DAY, ..rules() };
        let run = |every: usize| {
            let (mut engine, mut tables) = (Engine::new(rules.clone(), "t/0".into(), 0), Tables::default());
            for (number, stamp) in stamps.iter().enumerate() {
                observe_at(&mut engine, &share(&format!("r{}", number % 5), &format!("s{number}"), "x", "a", NOON), *stamp);
                if number % every == 0 {
                    tables.insert(engine.flush());
                    let bytes = engine.snapshot().encode();
                    engine = Engine::restore(rules.clone(), "t/0".into(), &bytes).unwrap();
                    assert_eq!(engine.snapshot().encode(), bytes);
                }
            }
            tables.insert(engine.flush());
            (tables, engine.clock.now())
        };
        prop_assert_eq!(run(every), run(1000));
    }
}
