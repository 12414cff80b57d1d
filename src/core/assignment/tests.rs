//! Every event in every state, as a table; and the drain step by step.
//!
//! The table is what the code says (`GRAPEVINE_BLESS=1 cargo test -p grapevine-core table` writes it); whoever changes it reads
//! the difference line by line.

use super::*;
use crate::engine::Rules;
use crate::record::Record;

const NOW: Duration = Duration::from_secs(100);
const UNTIL: Duration = Duration::from_secs(105);
const TABLE: &str = include_str!("table.txt");

fn terms() -> Terms {
    Terms {
        rules: rules(1_000_000),
        batch: 100,
        checkpoint_interval: Duration::from_secs(60),
        backoff: Backoff { min: Duration::from_secs(1), max: Duration::from_secs(1) },
        garbage: Garbage { percent: 50, records: 2 },
        seed: 7,
    }
}

fn rules(budget: u64) -> Rules {
    Rules { budget, ..crate::engine::tests::rules() }
}

fn bounds() -> Bounds {
    Bounds { first: 0, end: 50, committed: None, partitions: 1 }
}

fn promise() -> Promise {
    Promise { store: StoreId(1), progress: Some(1), tables: Some(1) }
}

fn record(offset: Offset, payload: &[u8]) -> Record<'_> {
    Record { offset, timestamp: Some(1_700_000_000_000), payload: Some(payload), ..Record::default() }
}

fn new() -> Assignment {
    Assignment::new(AssignmentId { partition: Partition(0), number: 1 }, "log/0".into()).0
}

fn after(mut assignment: Assignment, events: impl IntoIterator<Item = Event>) -> Assignment {
    for event in events {
        assignment.on(NOW, event, &terms());
    }
    assignment
}

/// A state of this source that has read three records.
fn state() -> StoredState {
    let mut running = running();
    running.fold(&[record(0, b"a"), record(1, b"b"), record(2, b"c")]);
    let running = running.running_mut().unwrap();
    running.flush(NOW, true);
    let (next, _, state) = running.snapshot();
    StoredState { next, promise: promise(), bytes: state.encode(), published: 0 }
}

fn published(next: Offset, outcome: Result<(), Failure>) -> Event {
    Event::Published(Publication { next, bytes: 10, took: Duration::from_millis(5) }, outcome)
}

fn transient() -> Result<(), Failure> {
    Err(Failure::Transient("not now".to_owned()))
}

fn farewell(publications: u32, commits: u32) -> Event {
    Event::Revoked(Farewell { until: UNTIL, publications, commits })
}

fn first_checkpoint() -> Assignment {
    after(new(), [Event::Answered(Found::Nothing, promise(), bounds())])
}

fn starting() -> Assignment {
    after(first_checkpoint(), [published(0, Ok(()))])
}

fn running() -> Assignment {
    after(starting(), [Event::Started])
}

/// Restored at 3; its log has still to show the record at 2.
fn recognising() -> Assignment {
    after(new(), [Event::Answered(Found::Checkpoint(state()), promise(), bounds()), Event::Started])
}

/// Read up to 2, nothing flushed.
fn with_rows() -> Assignment {
    let mut assignment = running();
    assert!(assignment.fold(&[record(0, b"a"), record(1, b"b")]).is_none());
    assignment
}

fn doubted() -> Assignment {
    after(with_rows(), [Event::Doubted])
}

fn held() -> Assignment {
    after(doubted(), [Event::Held(true)])
}

fn leaving_held() -> Assignment {
    after(held(), [farewell(2, 2)])
}

fn leaving_with_rows() -> Assignment {
    after(with_rows(), [farewell(2, 2)])
}

fn leaving_with_a_state() -> Assignment {
    let mut assignment = leaving_with_rows();
    assignment.running_mut().unwrap().flush(NOW, true);
    after(assignment, [Event::Durable { next: 2, whole: true }])
}

fn leaving_with_an_offset() -> Assignment {
    after(leaving_with_a_state(), [published(2, Ok(()))])
}

fn refused() -> Assignment {
    after(new(), [Event::Answered(Found::Rows(5), promise(), bounds())])
}

fn gone() -> Assignment {
    after(new(), [Event::Lost])
}

/// A state of the table, and how one comes to it.
type Named = (&'static str, fn() -> Assignment);

fn states() -> Vec<Named> {
    vec![
        ("opening", new),
        ("first checkpoint", first_checkpoint),
        ("starting", starting),
        ("running", running),
        ("running, unrecognised", recognising),
        ("running, rows", with_rows),
        ("running, doubted", doubted),
        ("running, held", held),
        ("leaving, rows", leaving_with_rows),
        ("leaving, held", leaving_held),
        ("leaving, state", leaving_with_a_state),
        ("leaving, offset", leaving_with_an_offset),
        ("refused", refused),
        ("gone", gone),
    ]
}

fn events() -> Vec<(&'static str, Event)> {
    let foreign = StoredState { bytes: b"foreign".to_vec(), ..state() };
    let limits = rules(5).limits();
    vec![
        ("answered: nothing", Event::Answered(Found::Nothing, promise(), bounds())),
        (
            "answered: nothing, but committed",
            Event::Answered(Found::Nothing, promise(), Bounds { committed: Some(4), ..bounds() }),
        ),
        ("answered: rows", Event::Answered(Found::Rows(5), promise(), bounds())),
        ("answered: checkpoint", Event::Answered(Found::Checkpoint(state()), promise(), bounds())),
        (
            "answered: checkpoint, log cut",
            Event::Answered(Found::Checkpoint(state()), promise(), Bounds { first: 4, ..bounds() }),
        ),
        (
            "answered: checkpoint, log short",
            Event::Answered(Found::Checkpoint(state()), promise(), Bounds { end: 2, ..bounds() }),
        ),
        ("answered: foreign checkpoint", Event::Answered(Found::Checkpoint(foreign), promise(), bounds())),
        ("answered: cleanly stopped", Event::Answered(Found::CleanlyStopped(state()), promise(), bounds())),
        ("answered: other limits", Event::Answered(Found::OtherLimits(limits, 3, 9), promise(), bounds())),
        ("not answered", Event::NotAnswered),
        ("started", Event::Started),
        ("not started", Event::NotStarted),
        ("doubted", Event::Doubted),
        ("compared", Event::Compared(bounds())),
        ("compared: log short", Event::Compared(Bounds { end: 1, ..bounds() })),
        ("not compared", Event::NotCompared),
        ("durable 2", Event::Durable { next: 2, whole: true }),
        ("durable late 7", Event::DurableLate { next: 7, whole: true }),
        ("held", Event::Held(true)),
        ("not held", Event::Held(false)),
        ("forgotten", Event::Forgotten),
        ("published 2", published(2, Ok(()))),
        ("published 0", published(0, Ok(()))),
        ("not published 2", published(2, transient())),
        ("publication of 2 refused", published(2, Err(Failure::Operator("no right".to_owned())))),
        ("committed 2", Event::Committed(2)),
        ("not committed 2", Event::NotCommitted(2)),
        ("committed late", Event::CommittedLate),
        ("revoked", farewell(1, 1)),
        ("lost", Event::Lost),
        ("tick", Event::Tick),
    ]
}

fn name(assignment: &Assignment) -> String {
    match &assignment.state {
        State::Opening { failures, .. } => format!("opening({failures})"),
        State::FirstCheckpoint { failures, .. } => format!("first checkpoint({failures})"),
        State::Starting(_) => "starting".to_owned(),
        State::Running(running) if running.is_held() => "held".to_owned(),
        State::Running(_) => "running".to_owned(),
        State::Leaving(_, Farewell { until, publications, commits }) => {
            format!("leaving(by {} s, {publications}, {commits})", until.as_secs())
        }
        State::Refused(_) => "refused".to_owned(),
        State::Gone => "gone".to_owned(),
    }
}

fn told(command: &Command) -> String {
    match command {
        Command::Ask(failures) => format!("ask({failures})"),
        Command::PublishFirst(next, ..) => format!("publish first({next})"),
        Command::Start(from) => format!("start({from})"),
        Command::StartAgain(from) => format!("start again({from})"),
        Command::Hold(held) => if *held { "hold" } else { "let go on" }.to_owned(),
        Command::Compare => "compare".to_owned(),
        Command::PutAside(why) => format!("put aside: {}", why.split(':').next().unwrap_or_default()),
        Command::Release { undone, unpublished } => {
            let of = |what: Option<String>| what.unwrap_or_else(|| "nothing".to_owned());
            format!(
                "release(undone: {}, unpublished: {})",
                of(undone.map(|undone| format!("{undone:?}").to_lowercase())),
                of(unpublished.map(|from| format!("from {from}")))
            )
        }
    }
}

fn positions(assignment: &Assignment) -> String {
    let Some(running) = assignment.running() else { return String::new() };
    let Position { partition: _, next, durable, published, committed } = running.position(Partition(0));
    let of = |offset: Option<Offset>| offset.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
    format!(" [{next} {} {published} {}]", of(durable), of(committed))
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    let mut table = String::from(
        "# state | event | next state [folded durable published committed] | commands. What is ignored has no line.\n",
    );
    for (state, make) in states() {
        for (event, happened) in events() {
            let mut assignment = make();
            let before = (name(&assignment), positions(&assignment));
            let commands: Vec<String> = assignment.on(NOW, happened, &terms()).iter().map(told).collect();
            let now = (name(&assignment), positions(&assignment));
            if before != now || !commands.is_empty() {
                table += &format!("{state} | {event} | {}{} | {}\n", now.0, now.1, commands.join(", "));
            }
        }
    }
    if std::env::var_os("GRAPEVINE_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assignment/table.txt");
        std::fs::write(path, &table).unwrap();
    }
    assert!(table == TABLE, "assignment/table.txt says otherwise; it would be:\n{table}");
}

#[test]
fn a_partition_at_rest_shows_now_and_then_that_it_is_read_and_how_far_its_log_reaches() {
    let mut assignment = with_rows();
    let log_end =
        |assignment: &mut Assignment, now| assignment.running_mut().unwrap().flush(now, true).0.rows.progress[0].log_end;
    assert_eq!(log_end(&mut assignment, NOW), 50, "as when it was opened");
    assignment.running_mut().unwrap().lags(Some(3), 100);
    assert_eq!(log_end(&mut assignment, NOW), 5);
    assert!(assignment.end(2).is_none());
    assert_eq!(log_end(&mut assignment, NOW), 2, "its end was reached");
    let hour = Duration::from_secs(3_600);
    assert_eq!(assignment.rows_due(NOW, NOW), Some(NOW + hour));
    log_end(&mut assignment, NOW + hour);
    assert_eq!(assignment.rows_due(NOW, NOW), Some(NOW + hour + hour));
}

fn releases(commands: &[Command]) -> usize {
    commands.iter().filter(|command| matches!(command, Command::Release { .. })).count()
}

#[test]
fn whoever_leaves_writes_then_publishes_then_commits() {
    let mut assignment = leaving_with_rows();
    assert_eq!(assignment.rows_due(UNTIL, UNTIL), Some(Duration::ZERO), "at once, whatever the time of the others");
    assert!(assignment.fold(&[record(2, b"c")]).is_none() && assignment.end(9).is_none());
    assert_eq!(assignment.running().unwrap().engine.next(), 2, "what comes now is the next owner's");
    assert!(assignment.last_state(NOW).is_none(), "no state before its rows are durable");
    assignment.running_mut().unwrap().flush(NOW, true);
    assert_eq!(assignment.rows_due(UNTIL, UNTIL), None, "and no sign of life");
    assert!(assignment.last_state(NOW).is_none());
    let mut assignment = after(assignment, [Event::Durable { next: 2, whole: true }]);
    assert_eq!(assignment.running().unwrap().uncommitted(), Some(0), "what is published");
    assert_eq!(assignment.last_state(NOW).map(|(next, ..)| next), Some(2));
    assert!(assignment.last_state(NOW).is_none(), "one at a time");
    let mut assignment = after(assignment, [published(2, Ok(()))]);
    assert_eq!(assignment.running().unwrap().uncommitted(), Some(2));
    let commands = assignment.on(NOW, Event::Committed(2), &terms());
    assert!(matches!(commands[..], [Command::Release { undone: None, unpublished: None }]), "{commands:?}");
}

#[test]
fn the_last_state_waits_until_the_tables_have_shown_that_they_are_whole() {
    let mut assignment = with_rows();
    assignment.running_mut().unwrap().flush(NOW, false);
    let mut assignment = after(assignment, [Event::Durable { next: 2, whole: false }, farewell(2, 2)]);
    assert_eq!((assignment.rows_due(UNTIL, UNTIL), assignment.last_state_due()), (Some(Duration::ZERO), None));
    assert!(assignment.asks_whether_all_is_there());
    assignment.running_mut().unwrap().flush(NOW, true);
    assert_eq!((assignment.rows_due(UNTIL, UNTIL), assignment.last_state_due()), (None, None), "once");
    let mut assignment = after(assignment, [Event::Durable { next: 2, whole: true }]);
    assert_eq!(assignment.last_state(NOW).map(|(next, ..)| next), Some(2));
}

/// Its answer was on its way when the store was asked what it knows: what it says is promised from then on, whatever the store said.
#[test]
fn what_is_durable_of_an_assignment_before_is_promised_wherever_it_is_heard() {
    let said = |assignment: &Assignment| {
        let Promise { progress, tables, .. } = assignment.running().unwrap().promise();
        (progress, tables)
    };
    let late = |next, whole| Event::DurableLate { next, whole };
    let opens = || [Event::Answered(Found::Nothing, promise(), bounds()), published(0, Ok(())), Event::Started];
    for heard in 0..=opens().len() {
        let mut events = opens().into_iter().collect::<Vec<_>>();
        events.splice(heard..heard, [late(7, false), late(5, true)]);
        let opened = after(new(), events);
        assert_eq!(said(&opened), (Some(7), Some(5)), "heard after {heard} steps");
        assert_eq!(opened.running().unwrap().position(Partition(0)).durable, None, "nothing that it folds");
    }
    let asked_again = after(new(), [late(7, true), Event::NotAnswered].into_iter().chain(opens()));
    assert_eq!(said(&asked_again), (Some(1), Some(1)), "the store is asked after that");
    let leaving = after(leaving_with_rows(), [late(7, true)]);
    assert_eq!(said(&leaving), (Some(7), Some(7)));
}

/// Another member may have moved the marks of the tables and lost the partition before its `progress` was there.
#[test]
fn the_last_state_waits_for_its_own_question_also_where_the_tables_were_ahead_at_its_opening() {
    let ahead = Promise { tables: Some(9), ..promise() };
    let opened = [Event::Answered(Found::Nothing, ahead, bounds()), published(0, Ok(())), Event::Started];
    let mut assignment = after(new(), opened);
    assert!(assignment.fold(&[record(0, b"a")]).is_none());
    assignment.running_mut().unwrap().flush(NOW, true);
    let mut assignment = after(assignment, [Event::Durable { next: 1, whole: true }]);
    assert!(assignment.fold(&[record(1, b"b")]).is_none());
    assignment.running_mut().unwrap().flush(NOW, false);
    let mut assignment = after(assignment, [Event::Durable { next: 2, whole: false }, farewell(2, 2)]);
    assert_eq!(assignment.last_state_due(), None, "a table may have lost since then what it said");
    assert_eq!(assignment.rows_due(NOW, NOW), Some(Duration::ZERO), "so they are asked");
    assignment.running_mut().unwrap().flush(NOW, true);
    let assignment = after(assignment, [Event::Durable { next: 2, whole: true }]);
    assert_eq!(assignment.last_state_due(), Some(Duration::ZERO));
}

#[test]
fn a_publication_of_the_last_state_that_is_under_way_is_not_made_twice() {
    let mut assignment = with_rows();
    assignment.running_mut().unwrap().flush(NOW, true);
    assignment.running_mut().unwrap().snapshot();
    let mut assignment = after(assignment, [farewell(2, 2), Event::Durable { next: 2, whole: true }]);
    assert!(assignment.last_state(UNTIL).is_none());
    let mut older = running();
    older.running_mut().unwrap().snapshot();
    older.fold(&[record(0, b"a"), record(1, b"b")]);
    older.running_mut().unwrap().flush(NOW, true);
    let mut older = after(older, [farewell(2, 2), Event::Durable { next: 2, whole: true }]);
    assert!(older.last_state(NOW).is_some(), "one of an older state holds nobody up");
}

#[test]
fn a_last_state_that_cannot_be_published_is_tried_again_after_a_while() {
    let mut assignment = leaving_with_a_state();
    assert!(assignment.last_state(NOW).is_some());
    let mut assignment = after(assignment, [published(2, transient())]);
    assert!(assignment.last_state(NOW).is_none() && assignment.last_state_due() == Some(NOW + Duration::from_secs(1)));
    assert!(assignment.last_state(NOW + Duration::from_secs(1)).is_some());
    // The second failure is one too many: what is published is still committed.
    let mut assignment = after(assignment, [published(2, transient())]);
    assert_eq!((assignment.last_state_due(), assignment.running().unwrap().uncommitted()), (None, Some(0)));
    let commands = assignment.on(NOW, Event::Committed(0), &terms());
    assert!(
        matches!(commands[..], [Command::Release { undone: Some(Undone::Checkpoint), unpublished: Some(0) }]),
        "{commands:?}"
    );
}

#[test]
fn what_failed_before_the_farewell_does_not_delay_the_last_state() {
    let mut assignment = with_rows();
    assignment.running_mut().unwrap().flush(NOW, true);
    assignment.running_mut().unwrap().snapshot();
    let slow = Publication { next: 2, bytes: 10, took: Duration::from_secs(60) };
    let failed =
        [Event::Durable { next: 2, whole: true }, Event::Published(slow, transient()), Event::Published(slow, transient())];
    let mut assignment = after(assignment, failed.into_iter().chain([farewell(1, 1)]));
    assert_eq!(assignment.last_state(NOW).map(|(next, ..)| next), Some(2));
}

#[test]
fn whoever_leaves_is_gone_in_time_whatever_is_not_done() {
    for (state, undone) in [
        (leaving_with_rows as fn() -> Assignment, Undone::Rows),
        (leaving_with_a_state, Undone::Checkpoint),
        (leaving_with_an_offset, Undone::Commit),
    ] {
        let mut assignment = state();
        assert_eq!(releases(&assignment.on(UNTIL - Duration::from_millis(1), Event::Tick, &terms())), 0);
        let commands = assignment.on(UNTIL, Event::Tick, &terms());
        assert!(matches!(commands[..], [Command::Release { undone: Some(found), .. }] if found == undone), "{commands:?}");
        assert_eq!(releases(&assignment.on(UNTIL, Event::Tick, &terms())), 0, "once");
    }
}

#[test]
fn a_group_that_does_not_answer_holds_nobody_up_for_long() {
    let patient = Event::Revoked(Farewell { until: NOW + Duration::from_secs(3_600), publications: 1, commits: 5 });
    let assignment = after(with_rows(), [Event::Committed(0), patient]);
    assert_eq!(assignment.leaves_by(), Some(NOW + Duration::from_secs(3_600)), "rows may take their time");
    let mut assignment = assignment;
    assignment.running_mut().unwrap().flush(NOW, true);
    let assignment = after(assignment, [Event::Durable { next: 2, whole: true }, published(2, Ok(()))]);
    assert_eq!(assignment.leaves_by(), Some(NOW + leaving::LAST_COMMITS));
}

#[test]
fn garbage_is_put_aside_unless_it_leaves() {
    let rejected = || {
        let mut assignment = with_rows();
        assignment.running_mut().unwrap().flush(NOW, true);
        assignment
    };
    assert!(matches!(rejected().garbage(terms().garbage), Some(Command::PutAside(_))));
    assert!(after(rejected(), [farewell(1, 1)]).garbage(terms().garbage).is_none());
}

#[test]
fn a_log_that_is_not_the_one_it_was_is_put_aside_and_nothing_of_it_committed() {
    assert_eq!(recognising().running().unwrap().uncommitted(), None);
    let mut another = recognising();
    assert!(
        matches!(another.fold(&[record(2, b"another")]), Some(Command::PutAside(why)) if why.contains("at offset 2 differs"))
    );
    let mut nothing = recognising();
    assert!(
        matches!(nothing.fold(&[record(3, b"d")]), Some(Command::PutAside(why)) if why.contains("at offset 2, the last one processed, is gone"))
    );
    let mut same = recognising();
    assert!(same.end(2).is_none(), "a broker that does not know its end yet");
    assert!(same.fold(&[record(2, b"c"), record(3, b"d")]).is_none());
    let running = same.running().unwrap();
    assert_eq!((running.engine.next(), running.uncommitted()), (4, Some(3)));
}

proptest::proptest! {
    #[test]
    fn whatever_happens_it_is_released_once_and_keeps_the_order(picks in proptest::collection::vec(0_usize..200, 1..60)) {
        let (mut assignment, mut released, mut now) = (new(), 0, NOW);
        for pick in picks {
            now += Duration::from_millis(300);
            let mut all = events();
            let commands = match pick.checked_sub(all.len()) {
                None => assignment.on(now, all.swap_remove(pick).1, &terms()),
                Some(0..40) => {
                    let next = assignment.running().map_or(0, |running| running.engine.next());
                    assignment.fold(&[record(next, b"x")]).into_iter().collect()
                }
                Some(40..80) => {
                    if let Some(running) = assignment.running_mut() {
                        let (batch, _) = running.flush(now, true);
                        assignment.on(now, Event::Durable { next: batch.next, whole: true }, &terms())
                    } else {
                        Vec::new()
                    }
                }
                Some(_) => match assignment.last_state(now) {
                    Some((next, ..)) => assignment.on(now, published(next, Ok(())), &terms()),
                    None => Vec::new(),
                },
            };
            // As the loop does in every turn.
            released += releases(&commands) + releases(&assignment.on(now, Event::Tick, &terms()));
            proptest::prop_assert!(released <= 1);
            proptest::prop_assert_eq!(released == 1, matches!(assignment.state, State::Gone));
            if let Some(until) = assignment.leaves_by() {
                proptest::prop_assert!(until > now, "it should be gone");
            }
        }
        released += releases(&assignment.on(now, farewell(0, 0), &terms()));
        released += releases(&assignment.on(now + Duration::from_secs(10), Event::Tick, &terms()));
        proptest::prop_assert_eq!(released, 1);
    }
}
