//! `grapevine run` as a process: stopped, killed, joined by others, cut off from its store, and asked how it is.
//!
//! The broker lives in the test's process, so that it survives every worker.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};

use grapevine::admin;

use crate::commands::{command, say};
use crate::demo::{grapevine, succeeded};
use crate::events::{Data, PROGRESS, distinct, sums};
use crate::store::{Database, start};
use crate::world::{PATIENCE, Relay, Worker, World, ended, has_checkpoint, signal, sum_of, until};

fn parts(lines: &[Vec<u8>], count: usize) -> impl Iterator<Item = &[Vec<u8>]> {
    lines.chunks(lines.len().div_ceil(count))
}

#[test]
fn a_worker_stopped_and_killed_in_the_middle_loses_and_doubles_nothing() {
    let data = Data::edge_cases();
    let mut world = World::migrated(3, "restarts");
    for (number, part) in parts(&data.lines, 7).enumerate() {
        let worker = world.start(&[]);
        // It stands in the middle of this part when it has to go.
        world.publish(part);
        if number == 3 { worker.kill() } else { worker.stop() }
    }
    let last = world.start(&[]);
    world.wait_for(data.lines.len());
    last.stop();
    data.compare(|question| world.ask(question));
    assert_eq!(world.counts(), data.counts());
}

#[test]
fn workers_that_join_under_load_share_the_work_and_change_nothing() {
    let data = Data::week();
    let mut world = World::migrated(12, "joining");
    let mut workers = Vec::new();
    for (number, part) in parts(&data.lines, 4).enumerate() {
        let threads = if number == 3 { "4" } else { "1" };
        workers.push(world.start(&[("GRAPEVINE_WORKER_THREADS", threads)]));
        world.publish(part);
        workers.last().unwrap().wait_until_ready();
    }
    world.wait_for(data.lines.len());
    for worker in workers {
        assert!(worker.metric("grapevine_rebalances_total", "assigned") > 0.0, "{}", worker.log());
        worker.stop();
    }
    data.compare(|question| world.ask(question));
    assert_eq!(world.counts(), data.counts());
}

#[test]
fn a_worker_says_what_it_waits_for_and_goes_on_by_itself() {
    let world = World::new(2, "probes");
    let worker = world.start(&[]);
    until("the missing schema is named", || match worker.get("/readyz") {
        (503, reasons) if reasons.contains("grapevine migrate") && reasons.contains("kafka") => Ok(()),
        other => Err(other),
    });
    assert_eq!(worker.get("/healthz").0, 200);
    let url = format!("http://{}", worker.admin);
    let status = say(&world, &["status", "--worker", &url], &[]);
    // The folder of checkpoints is not there before the first worker has begun.
    assert!(status.printed.contains("problem: database \"probes_rows\" lacks"), "{status:?}");
    let probe = say(&world, &["check", "--probe"], &[]).code;
    assert_eq!((status.code, probe), (1, 1), "{status:?}");
    let said = |output: Output| String::from_utf8(succeeded(output).stdout).unwrap();
    let plan = said(world.command("migrate").arg("--plan").output().unwrap());
    assert!(plan.contains("CREATE TABLE"), "{plan}");
    assert_eq!(worker.get("/readyz").0, 503, "a plan changes nothing");
    let applied = said(world.command("migrate").output().unwrap());
    assert!(applied.starts_with("applied 001"), "{applied}");
    assert!(said(world.command("migrate").output().unwrap()).contains("already"));
    assert_eq!(said(world.command("migrate").arg("--plan").output().unwrap()), "");
    worker.wait_until_ready();
    worker.stop();
}

#[test]
fn the_page_of_metrics_is_sound_and_says_the_same_as_sql() {
    let lines: Vec<Vec<u8>> = Data::edge_cases().lines.into_iter().take(20_000).collect();
    let mut world = World::migrated(3, "page");
    let worker = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    worker.wait_until_ready();
    // Three partitions are at their end, and the client knows.
    let page = until("no lag", || {
        let (_, page) = worker.get("/metrics");
        let known = page.lines().filter(|line| line.starts_with("grapevine_kafka_consumer_lag{")).count();
        if known == 3 && sum_of(&page, "grapevine_kafka_consumer_lag", "") == 0.0 { Ok(page) } else { Err(page) }
    });
    let outcomes = ["", "outcome=\"accepted\"", "outcome=\"duplicate\"", "outcome=\"rejected\""];
    let [all, accepted, duplicates, rejected] = outcomes.map(|label| sum_of(&page, "grapevine_events_total", label));
    let read = sum_of(&page, "grapevine_records_read_total", "");
    assert_eq!(all.to_bits(), read.to_bits(), "{page}");
    assert_eq!(
        [read, accepted, duplicates, rejected].map(|count| format!("{count}")),
        world.counts().map(|count| format!("{count}"))
    );
    let fresh = sum_of(&page, "grapevine_freshness_seconds_count", "time=\"create\"");
    assert_eq!(fresh.to_bits(), read.to_bits(), "each record is counted once, at its acknowledgement");
    promtool(&page);
    what_status_says(&world, worker);
}

/// Of a worker at rest, and of one that is gone.
fn what_status_says(world: &World, worker: Worker) {
    let url = format!("http://{}", worker.admin);
    let status = |arguments: &[&str]| say(world, &[["status", "--worker", &url].as_slice(), arguments].concat(), &[]);
    let printed = until("nothing is left to do", || {
        let said = status(&[]);
        if said.code == 0 { Ok(said.printed) } else { Err(format!("{said:?}")) }
    });
    let lines: Vec<Vec<&str>> = printed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["group", "events-epoch-0"]);
    let partitions: Vec<_> = lines.iter().filter(|line| line.len() > 6 && line[1] == worker.admin.to_string()).collect();
    assert_eq!(partitions.len(), 3, "{printed}");
    // The end of the log, and up to where rows can be read.
    assert!(partitions.iter().all(|line| line[2] == line[3] && line[2] != "0"), "{printed}");
    assert!(printed.contains("answers: none yet\nall is well\n"), "{printed}");
    let read: serde_json::Value = serde_json::from_str(&status(&["--json"]).done()).unwrap();
    assert_eq!(read["workers"][0]["ready"], true, "{read}");
    assert_eq!(read["partitions"].as_array().unwrap().len(), 3, "{read}");
    worker.stop();
    let said = status(&[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.printed.contains(&format!("not asked: {url}/metrics does not answer")), "{said:?}");
    let is_last = |line: &str| line.split_whitespace().take(2).eq(["2", "-"]);
    assert!(said.printed.lines().any(is_last), "the rest is shown: {said:?}");
}

#[test]
fn answers_that_are_expected_and_were_never_made_are_missed_until_they_are() {
    let world = World::migrated(1, "answers_missed");
    let expected = [("GRAPEVINE_CLICKHOUSE_ANSWERS", "expected")];
    let status = |worker: &Worker| say(&world, &["status", "--worker", &format!("http://{}", worker.admin)], &expected);
    let missing = |worker: &Worker| {
        worker.get("/metrics").1.lines().find_map(|line| {
            let series = line.strip_prefix("grapevine_answers_missing{database=\"answers_missed\"} ")?;
            series.parse::<f64>().ok()
        })
    };
    let is = |worker: &Worker, value: f64| match missing(worker) {
        Some(said) if said == value => Ok(()),
        other => Err(other),
    };
    let worker = world.start(&expected);
    until("the worker misses them", || is(&worker, 1.0));
    let said = status(&worker);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.printed.contains("problem: no answers were ever made, and they are expected"), "{said:?}");
    say(&world, &["rollup"], &[]).done();
    let said = status(&worker);
    assert!(said.printed.contains("answers: run ") && !said.printed.contains("no answers were ever made"), "{said:?}");
    worker.stop();
    let worker = world.start(&expected);
    until("the worker misses them no longer", || is(&worker, 0.0));
    worker.stop();
    let worker = world.start(&[]);
    worker.wait_until_ready();
    assert_eq!(missing(&worker), None, "where nobody expects any");
    worker.stop();
}

#[test]
fn status_is_said_again_until_somebody_interrupts_it() {
    let world = World::migrated(1, "watched");
    let worker = world.start(&[]);
    worker.wait_until_ready();
    let mut watching = command(&world, &["status", "--worker", &format!("http://{}", worker.admin), "--watch", "1"], &[]);
    let mut watching = watching.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said =
        |what: &str| lines.by_ref().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("ended before: {what}"));
    said("group events-epoch-0");
    said("all is well");
    worker.stop();
    said("not asked: ");
    said("group events-epoch-0");
    said("not asked: ");
    signal(&watching, "INT");
    // As its last look found the fleet.
    assert_eq!(watching.wait().unwrap().code(), Some(2));
}

#[test]
fn systemd_hears_that_a_worker_is_ready_alive_and_stopping() {
    let world = World::migrated(1, "systemd");
    let folder = tempfile::tempdir().unwrap();
    // Whoever it waits for: the second one has no ClickHouse.
    for (away, readiness) in [(None, 200), (Some(("GRAPEVINE_CLICKHOUSE_URLS", "http://127.0.0.1:1")), 503)] {
        // Of its own: what the one before has said last may come after its end.
        let path = folder.path().join(format!("notify-{readiness}"));
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let hear = || {
            let mut message = [0; 64];
            let length = socket.recv(&mut message).expect("a message");
            String::from_utf8_lossy(&message[..length]).into_owned()
        };
        let supervised = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
        let worker = world.start(&supervised.into_iter().chain(away).collect::<Vec<_>>());
        let heard: Vec<String> = (0..4).map(|_| hear()).collect();
        assert_eq!(heard, ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
        assert_eq!(worker.get("/healthz").0, 200, "ready is who can be asked");
        until("it says how it is", || match worker.get("/readyz") {
            (status, _) if status == readiness => Ok(()),
            other => Err(other),
        });
        worker.stop();
        let rest: Vec<String> = std::iter::from_fn(|| Some(hear()).filter(|message| message != "STOPPING=1")).collect();
        assert!(rest.iter().all(|message| message == "WATCHDOG=1"), "{rest:?}");
    }
}

fn promtool(page: &str) {
    let checking = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut checking = checking.expect("promtool is missing: install the package prometheus");
    checking.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = checking.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn a_worker_without_the_state_or_with_other_rules_refuses_and_overwrites_nothing() {
    let lines = distinct(2000);
    let mut world = World::migrated(2, "refusals");
    let worker = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    worker.stop();
    let before = world.content();

    let other_key = world.refused(&[("GRAPEVINE_RULES_PSEUDONYM_KEY", "another key for tests")]);
    assert!(other_key.contains("pseudonym key") && other_key.contains("raise `epoch`"), "{other_key}");
    let other_window = world.refused(&[("GRAPEVINE_RULES_WINDOW_MINUTES", "30")]);
    assert!(other_window.contains("window") && other_window.contains("raise `epoch`"), "{other_window}");

    std::fs::remove_dir_all(world.checkpoints()).unwrap();
    let lost = world.refused(&[]);
    assert!(lost.contains("there is no sound checkpoint"), "{lost}");
    assert!(lost.contains("two ways on: raise `epoch`") && lost.contains("resume with empty trees"), "{lost}");
    assert_eq!(world.content(), before);
    assert!(!has_checkpoint(&world.checkpoints()), "a refusal leaves no state behind");

    // The first way on.
    let worker = world.start(&[("GRAPEVINE_WORKER_EPOCH", "2")]);
    until("the new epoch is complete", || {
        let read = sums(&world.ask(&PROGRESS.replace("FINAL", "FINAL WHERE epoch = 2")));
        if read == [2000, 2000, 0, 0] { Ok(()) } else { Err(read) }
    });
    worker.stop();
}

#[test]
fn a_store_that_dies_and_comes_back_costs_nothing() {
    let data = Data::edge_cases();
    let relay = Relay::start();
    let store_folder = tempfile::tempdir().unwrap();
    let mut store = start(store_folder.path());
    relay.point_to(Some(store.url()));
    let mut world = World::with(3, Database::at(&relay.url(), "outage"));
    succeeded(world.command("migrate").output().unwrap());
    let worker = world.start(&[]);
    let mut parts = parts(&data.lines, 3);
    let first = parts.next().unwrap();
    world.publish(first);
    worker.wait_until_ready();
    world.wait_for(first.len());
    for part in parts {
        let retries_before = worker.metric("grapevine_insert_retries_total", "");
        store.kill().unwrap();
        relay.point_to(None);
        world.publish(&part[..part.len() / 2]);
        until("the failing store is noticed", || {
            let retries = worker.metric("grapevine_insert_retries_total", "");
            if retries > retries_before { Ok(()) } else { Err(worker.log()) }
        });
        assert_eq!(worker.get("/healthz").0, 200, "a worker whose store is down is alive");
        store = start(store_folder.path());
        relay.point_to(Some(store.url()));
        world.publish(&part[part.len() / 2..]);
    }
    world.wait_for(data.lines.len());
    worker.wait_until_ready();
    worker.stop();
    data.compare(|question| world.ask(question));
    assert_eq!(world.counts(), data.counts());
}

#[test]
fn a_worker_goes_on_at_the_next_address_where_one_dies() {
    let data = Data::edge_cases();
    let mut database = Database::absent("failover");
    let store = std::mem::take(&mut database.config.urls);
    let relays = [Relay::start(), Relay::start()];
    relays.iter().for_each(|relay| relay.point_to(store.first().map(String::as_str)));
    database.config.urls = relays.iter().map(Relay::url).collect();
    let mut world = World::with(3, database);
    succeeded(world.command("migrate").output().unwrap());
    let worker = world.start(&[]);
    for (number, part) in parts(&data.lines, 5).enumerate() {
        let (before, after) = part.split_at(part.len() / 2);
        world.publish(before);
        // In the middle of it the one that is used dies, with all that is on its way; the other has come back.
        let (gone, back) = (&relays[number % 2], &relays[1 - number % 2]);
        back.point_to(store.first().map(String::as_str));
        gone.point_to(None);
        gone.cut();
        world.publish(after);
        until("the other address is used", || {
            let moves = worker.log().matches("going on at the next").count();
            if moves > number { Ok(()) } else { Err(worker.log()) }
        });
    }
    world.wait_for(data.lines.len());
    worker.wait_until_ready();
    worker.stop();
    data.compare(|question| world.ask(question));
    assert_eq!(world.counts(), data.counts());
    // Commands look for one that answers, too: the first is dead.
    let status = succeeded(world.command("epoch").arg("status").output().unwrap());
    assert!(String::from_utf8_lossy(&status.stdout).contains("events/0"), "{status:?}");
}

#[test]
fn a_state_that_does_not_fit_into_memory_waits_and_harms_nothing() {
    let lines = distinct(2000);
    let mut world = World::migrated(1, "memory");
    let worker = world.start(&[]);
    world.publish(&lines[..1000]);
    world.wait_for(1000);
    worker.stop();
    world.publish(&lines[1000..]);
    // Less than the empty worker takes.
    let worker = world.start(&[("GRAPEVINE_MEMORY_LIMIT_MIB", "1")]);
    worker.wait_until_unready("the state of events/0 takes");
    assert!(worker.metric("grapevine_states_too_large_total", "") > 0.0);
    assert_eq!((worker.get("/healthz").0, world.counts()[0]), (200, 1000), "nothing of it is read");
    // Another one takes the partition when this one goes.
    let other = world.start(&[]);
    worker.stop();
    world.wait_for(2000);
    other.wait_until_ready();
    other.stop();
}

#[test]
fn a_bad_configuration_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.toml");
    std::fs::write(&path, "[worker]\nthreads = 0\n[kafka]\nbrokers = \"\"\n").unwrap();
    for name in ["check", "run", "migrate"] {
        let output = grapevine().arg(name).arg("--config").arg(&path).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{name}: {errors}");
        assert!(errors.contains("worker.threads") && errors.contains("kafka.brokers"), "{name}: {errors}");
    }
    std::fs::write(&path, "").unwrap();
    let mut check = grapevine();
    check.arg("check").arg("--config").arg(&path).env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for tests only");
    let said = String::from_utf8(succeeded(check.output().unwrap()).stdout).unwrap();
    // The other tests here ask the broker for a group of this form.
    assert!(said.starts_with("ok\n") && said.contains("group: grapevine-epoch-0;"), "{said}");
}

#[test]
fn a_migration_of_a_store_that_does_not_answer_ends_with_a_message() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = grapevine();
    command.arg("migrate").env("GRAPEVINE_CLICKHOUSE_URLS", format!("http://{}", silent.local_addr().unwrap()));
    command.env("GRAPEVINE_CLICKHOUSE_SEND_TIMEOUT_SECONDS", "1").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = ended(&mut child, "a migration");
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("no answer within 1s"), "{errors}");
}

#[test]
fn a_worker_that_cannot_use_its_checkpoints_blames_nobody_else() {
    let world = World::new(1, "no_checkpoints");
    // A folder whose own name fits, and no name below it: as if it took nothing.
    let root = tempfile::tempdir().unwrap();
    let mut folder = root.path().to_owned();
    while folder.as_os_str().len() < 4080 {
        let left = 4085 - folder.as_os_str().len();
        folder.push("f".repeat(left.min(100)));
    }
    std::fs::create_dir_all(&folder).unwrap();
    let worker = world.start(&[("GRAPEVINE_CHECKPOINT_URL", folder.to_str().unwrap())]);
    let reasons = until("the checkpoints are named", || match worker.get("/readyz") {
        (503, reasons) if reasons.contains("checkpoints: could not") => Ok(reasons),
        other => Err(other),
    });
    assert!(reasons.starts_with("loop 0: checkpoints: could not read what the epoch began with at /"), "{reasons}");
    for nobody in ["kafka: not asked yet", "clickhouse: not asked yet"] {
        assert!(reasons.contains(nobody), "{reasons}");
    }
    assert!(worker.metric("grapevine_checkpoints_total", "failed") > 0.0, "it is counted");
    assert_eq!(worker.get("/healthz").0, 200);
    worker.stop();
}

/// More than is held of connections that nobody uses, and fewer descriptors than those and the worker's own would be.
#[test]
fn idle_connections_to_the_admin_port_take_nothing_from_brokers_and_checkpoints() {
    let (mut world, data) = (World::migrated(1, "idle_connections"), Data::edge_cases());
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 400 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_grapevine"), "run", "--config"]);
    let worker = world.start_program(world.configured(few));
    let idle: Vec<TcpStream> = (0..2 * admin::BOUNDS.connections).map(|_| TcpStream::connect(worker.admin).unwrap()).collect();
    world.publish(&data.lines);
    world.wait_for(data.lines.len());
    until("checkpoints are written", || {
        let written = worker.metric("grapevine_checkpoints_total", "published");
        if written > 0.0 { Ok(()) } else { Err(worker.log()) }
    });
    assert_eq!(worker.metric("grapevine_checkpoints_total", "failed"), 0.0, "{}", worker.log());
    assert!(!worker.log().contains("Too many open files"), "{}", worker.log());
    drop(idle);
    worker.stop();
    data.compare(|question| world.ask(question));
}
