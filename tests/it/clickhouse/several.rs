//! Stores of several servers, as far as one engine can be them (`tests/sql/stand_in.py`): what a worker writes there, and what
//! commands that write or delete make of a loss, is what they make of it on one server, word by word.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use grapevine::clickhouse::{ClickHouseSink, TABLES};
use grapevine::config::{ClickHouse, Layout};
use grapevine::migrations::{MIGRATIONS, Migration};
use grapevine::worker::{Append, Appended, Promise, Sink};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::rewrite::{FACTS, facts};
use crate::commands::{Said, command, say};
use crate::events::Data;
use crate::store::{Database, progress};
use crate::world::{World, files_in};

/// Servers that spread rows over three shards or copy them, each of which is the same engine.
struct StandIn {
    process: Child,
    url: String,
    folder: TempDir,
}

impl StandIn {
    fn start() -> StandIn {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut python = Command::new(root.join("target/python-venv/bin/python"));
        python.arg(root.join("tests/sql/stand_in.py")).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        python.env("PYTHONDONTWRITEBYTECODE", "1").env("GRAPEVINE", env!("CARGO_BIN_EXE_grapevine"));
        let mut process = python.spawn().unwrap_or_else(|error| panic!("{error}; run: .ci/setup python"));
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("ready ").unwrap_or_else(|| panic!("it does not start: {line}")).trim().to_owned();
        StandIn { process, url, folder }
    }

    fn database(&self, name: &str, layout: Layout) -> Database {
        let mut database = Database::at(&self.url, name);
        database.config.layout = layout;
        database
    }

    /// From now on some words of statements are others: what servers would answer that are not there.
    fn answers(&self, others: &Value) {
        std::fs::write(self.folder.path().join("stand_in.json"), others.to_string()).unwrap();
    }

    /// Which copies were told to catch up, since it was asked last.
    fn synced(&self) -> String {
        let file = self.folder.path().join("synced");
        let synced = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(file, "").unwrap();
        synced
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

const EVENTS: usize = 1_600;
/// One of each shard.
const PARTITIONS: usize = 3;

/// Of an epoch that views read only if `active_epoch` says so; and so small a budget that most roots leave memory.
const OF_ALL: [(&str, &str); 2] = [("GRAPEVINE_WORKER_EPOCH", "1"), ("GRAPEVINE_RULES_BUDGET_ENTRIES", "200")];

/// A shard, if there are three: the condition by which it holds a row.
const LOST: &str = "cityHash64(splitByChar(':', source)[-1]) % 3 = 2";

/// A store in one of its layouts, with a worker's log beside it.
struct Story {
    world: World,
    groups: usize,
    /// What happened, in words and rows.
    told: Vec<(String, String)>,
}

impl Story {
    fn of(database: Database) -> Story {
        let is_one = database.config.layout == Layout::Single;
        let mut world = World::with(PARTITIONS, database);
        if is_one {
            world = world.migrate();
        } else {
            // Two at once, as when two hands or two jobs do it.
            let mut two = [(); 2].map(|()| command(&world, &["migrate"], &[]).spawn().unwrap());
            assert!(two.iter_mut().all(|migrate| migrate.wait().unwrap().success()));
        }
        Story { world, groups: 0, told: Vec::new() }
    }

    /// Where rows of sources lie.
    fn place(&self) -> String {
        let local = if self.world.database.config.layout.is_sharded() { "_local" } else { "" };
        format!("{}{local}", self.world.database.rows())
    }

    /// The tables whose rows are of sources.
    fn tables(&self) -> Vec<String> {
        let of_sources = format!(
            "SELECT DISTINCT table FROM system.columns WHERE database = '{}' AND name = 'source' \
             AND table NOT IN ('active_epoch', 'run') AND table IN (SELECT name FROM system.tables WHERE database = '{0}' AND engine LIKE '%MergeTree')",
            self.place()
        );
        let named: Vec<String> =
            self.world.ask(&of_sources).iter().map(|row| row["table"].as_str().unwrap().to_owned()).collect();
        assert_eq!(named.len(), 14, "{named:?}");
        named
    }

    /// A group that the broker has not seen, which therefore has no members.
    fn environment(&mut self) -> Vec<(&'static str, String)> {
        self.groups += 1;
        let all = OF_ALL.map(|(name, value)| (name, value.to_owned()));
        all.into_iter().chain([("GRAPEVINE_KAFKA_GROUP", format!("unseen-{}", self.groups))]).collect()
    }

    /// A command's words, with its exit code; ids of stores, which are others in each, are left out.
    fn say(&mut self, arguments: &[&str]) -> String {
        let environment = self.environment();
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let said = say(&self.world, arguments, &environment);
        let words = without_ids(&format!("{}: {}{}", said.code, said.printed, said.errors));
        self.note(&arguments.join(" "), words.clone());
        words
    }

    fn note(&mut self, what: &str, words: String) {
        self.told.push((what.to_owned(), words));
    }

    fn id(&self) -> String {
        let id = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = 'store'";
        self.world.ask(id)[0]["comment"].as_str().unwrap().to_owned()
    }

    /// A worker reads what is published, up to so many records in all.
    fn read(&mut self, lines: &[Vec<u8>], total: usize) {
        let environment = self.environment();
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let worker = self.world.start(&environment);
        self.world.publish(lines);
        self.world.wait_for(total);
        assert!(worker.metric("grapevine_store_forgotten_total", "") < 1.0, "{}", worker.log());
        worker.stop();
        self.note_rows("read");
    }

    /// All rows, facts, and what is known to be missing, as people see it.
    fn note_rows(&mut self, when: &str) {
        let rows = self.world.every_row_but_ways();
        self.note(&format!("{when}: rows"), format!("{rows:#?}"));
        let seen = "SELECT * FROM (SELECT 'epoch' AS of, source AS name, epoch AS first, 0 AS next FROM active_epoch FINAL \
                    UNION ALL SELECT 'gap', source, first, next FROM gaps \
                    UNION ALL SELECT concat('loss ', table), source, first, next FROM losses \
                    UNION ALL SELECT 'conservation', source, 0, 0 FROM conservation) ORDER BY ALL";
        let facts = facts(&self.world);
        let seen = self.world.ask(seen);
        self.note(&format!("{when}: facts"), format!("{facts:#?}{seen:#?}"));
    }

    /// Takes away what one shard held, if there are three, as when its servers came back without their disks; or everything.
    fn lose(&self, what: &str) {
        for table in self.tables() {
            let table = format!("{}.{table}", self.place());
            self.world.run(&format!("ALTER TABLE {table} DELETE WHERE {what} SETTINGS mutations_sync = 2"));
        }
    }

    fn states(&self) -> Vec<std::path::PathBuf> {
        let epoch = self.world.checkpoints().join("epoch-1");
        (0..PARTITIONS).map(|number| epoch.join(format!("events=2f{number}"))).collect()
    }

    /// Only the newest state of each partition is kept.
    fn keep_newest(&self) {
        for folder in self.states() {
            let states = files_in(&folder);
            states[..states.len() - 1].iter().for_each(|older| std::fs::remove_file(older).unwrap());
        }
    }

    /// What is missing is named by the worker, planned, and written again.
    fn is_rewritten(&mut self, when: &str, sources: usize) {
        let environment = self.environment();
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let worker = self.world.start(&environment);
        worker.wait_until_unready("grapevine rewrite");
        worker.kill();
        self.note_rows(&format!("{when}, a worker waits"));
        let plan = self.say(&["rewrite", "--plan"]);
        assert!(plan.starts_with("0: ") && plan.contains("nothing was done"), "{plan}");
        assert_eq!(plan.matches("would be written").count(), sources, "{plan}");
        let done = self.say(&["rewrite"]);
        assert!(done.starts_with("0: ") && done.matches("were written").count() == sources, "{done}");
        self.note_rows(when);
        let again = self.say(&["rewrite"]);
        assert!(again.starts_with("1: ") && again.contains("nothing to rewrite"), "{again}");
    }
}

/// All that happens to a store, and what is said and left of it each time.
fn story(database: Database) -> (World, Vec<(String, String)>) {
    let mut lines = Data::edge_cases().lines;
    lines.truncate(EVENTS);
    let rest = lines.split_off(EVENTS / 2);
    lines.extend(FACTS.map(|line| line.as_bytes().to_vec()));
    let total = EVENTS + FACTS.len();

    let mut story = Story::of(database);
    story.read(&lines, lines.len());
    let first = story.world.every_row_but_ways();
    story.keep_newest();

    story.lose(LOST);
    story.is_rewritten("a shard came back empty", 1);
    let left = story.world.every_row_but_ways();
    assert!(left.len() < first.len(), "roots that had left memory are lost");
    assert!(left.iter().all(|(name, content)| first[name] == *content), "what is there is right");

    let id = story.id();
    story.lose("1");
    let alter = story.world.database.config.layout.alter("store");
    story.world.run(&format!("{alter} MODIFY COMMENT '{:032x}'", 7));
    story.world.run("TRUNCATE TABLE active_epoch");
    story.is_rewritten("all of them did", PARTITIONS);
    assert_eq!(story.id(), id, "it is the one that the checkpoints name");
    let active = story.world.ask("SELECT DISTINCT epoch FROM active_epoch FINAL");
    assert_eq!(active, [serde_json::json!({ "epoch": 1 })], "views read what was rewritten");
    let left = story.world.every_row_but_ways();
    assert!(left.iter().all(|(name, content)| first[name] == *content), "what is there is right");

    // Checkpoints are lost, and what one source counted.
    story.states().iter().for_each(|folder| std::fs::remove_dir_all(folder).unwrap());
    let progress = format!("ALTER TABLE {}.progress DELETE WHERE source = 'events/0' SETTINGS mutations_sync = 2", story.place());
    story.world.run(&progress);
    for arguments in [&["resume", "--plan"][..], &["resume"]] {
        let said = story.say(arguments);
        assert!(said.starts_with("0: "), "{said}");
    }
    assert!(story.say(&["resume"]).contains("nothing to resume"));
    // Cut between the gap and the checkpoint, the same command does the rest.
    std::fs::remove_dir_all(&story.states()[0]).unwrap();
    assert!(story.say(&["resume"]).starts_with("0: "));
    story.note_rows("resumed");
    let gaps = "SELECT count() AS n FROM gap WHERE source = 'events/0'";
    assert_eq!(story.world.ask(gaps)[0]["n"], Value::from(1), "the same gap is noted once");

    for (arguments, words) in [
        (&["rejects", "replay", "--dry-run", "--truncated"][..], "would be published"),
        (&["rejects", "replay", "--truncated"], "recorded as replayed"),
        (&["rejects", "replay", "--truncated"], "nothing to replay"),
    ] {
        let said = story.say(arguments);
        assert!(said.starts_with("0: ") && said.contains(words), "{said}");
    }
    let rejects = story.world.ask("SELECT count() AS n FROM rejects FINAL")[0]["n"].as_u64().unwrap();
    assert!(rejects > 0);
    let uncovered = story.world.ask("SELECT sum(next - first) AS n FROM gap FINAL")[0]["n"].as_u64().unwrap();
    story.read(&rest, total + usize::try_from(rejects).unwrap() - usize::try_from(uncovered).unwrap());
    (story.world, story.told)
}

fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split(' ').map(|word| if is_id(word.trim_end_matches(',')) { "ID" } else { word }).collect::<Vec<_>>().join(" ")
}

/// The first step at which two stories part.
fn parting(one: &[(String, String)], other: &[(String, String)]) -> Option<String> {
    let (at, (left, right)) = one.iter().zip(other).enumerate().find(|(_, (left, right))| left != right)?;
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let only = |one: &str, other: &str| lines(one).difference(&lines(other)).take(20).cloned().collect::<Vec<_>>().join("\n");
    Some(format!(
        "step {at}, {} and {}; only the first says:\n{}\nonly the second:\n{}",
        left.0,
        right.0,
        only(&left.1, &right.1),
        only(&right.1, &left.1)
    ))
}

/// Servers that do not fit together are refused; a new one gets the id of the others; nothing is read of a copy that is behind.
fn servers_that_are_not_one(servers: &StandIn, world: &World) {
    let say = |arguments: &[&str], environment: &[(&str, &str)]| -> Said { say(world, arguments, environment) };
    servers.answers(&json!({ "SELECT macro FROM macros": "SELECT 'shard'" }));
    for arguments in [&["migrate"][..], &["rejects", "ls"]] {
        let said = say(arguments, &[]).refused();
        assert!(said.contains("the server lacks the macros replica (<macros> of its configuration)"), "{said}");
    }
    let id = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = 'store'";
    let before = world.ask(id);
    let ids = |ids: &str| {
        let found = format!("(SELECT arrayJoin([{ids}]) AS comment, {{database:String}} AS database, 'store' AS name)");
        let asked = "SELECT DISTINCT comment FROM ";
        json!({ format!("{asked}clusterAllReplicas(`three`, system.tables)"): format!("{asked}{found}") })
    };
    servers.answers(&ids("'one', 'another'"));
    let said = say(&["migrate"], &[]).refused();
    assert!(said.contains("they are of different stores (another, one)") && said.contains("clickhouse.database"), "{said}");
    let known = before[0]["comment"].as_str().unwrap();
    world.run("DROP TABLE store SYNC");
    servers.answers(&ids(&format!("'{known}'")));
    say(&["migrate", "--rewrite-follows"], &[]).done();
    assert_eq!(world.ask(id), before, "a new server is one of the same store");

    // As if the engine copied.
    let copied = ("startsWith(engine, 'Replicated')", "endsWith(engine, 'MergeTree')");
    servers.answers(&json!({ copied.0: copied.1 }));
    servers.synced();
    say(&["rejects", "ls"], &[]).done();
    let synced = servers.synced();
    for table in ["three_rows_local`.`rejects", "three_rows_local`.`gap", "three_rows`.`active_epoch"] {
        assert!(synced.contains(&format!("SYSTEM SYNC REPLICA `{table}` LIGHTWEIGHT")), "{table}: {synced}");
    }
    servers.answers(&json!({ copied.0: copied.1, "SYSTEM SYNC REPLICA": "SELECT sleep(3) --" }));
    let short = [("GRAPEVINE_CLICKHOUSE_SEND_TIMEOUT_SECONDS", "1"), ("GRAPEVINE_CLICKHOUSE_END_TIMEOUT_SECONDS", "1")];
    let said = say(&["rejects", "ls"], &short).refused();
    assert!(said.contains("could not wait for what was written"), "{said}");
    servers.answers(&json!({ copied.0: copied.1 }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(is_read_back_of_one_that_has_caught_up(servers, &world.database.config));
    servers.answers(&json!({}));
}

/// Whoever goes on at another address reads back there what the others had; and before it says that a promise is broken.
async fn is_read_back_of_one_that_has_caught_up(servers: &StandIn, config: &ClickHouse) {
    let urls = ["http://127.0.0.1:1".to_owned(), servers.url.clone()];
    let sink = ClickHouseSink::new(&ClickHouse { urls: urls.into(), ..config.clone() }, 1 << 20, 1, || 0);
    servers.synced();
    assert!(sink.known("events/0").await.is_err(), "nobody is there");
    assert_eq!(servers.synced(), "");
    let known = sink.known("events/0").await.unwrap();
    for table in TABLES {
        let synced = format!("`three_rows_local`.`{}` LIGHTWEIGHT", table.name);
        assert!(std::fs::read_to_string(servers.folder.path().join("synced")).unwrap().contains(&synced), "{synced}");
    }
    servers.synced();
    let promise = Promise { store: known.store, progress: known.progress.map(|known| known + 1), tables: None };
    let more = Append { progress: grapevine::row::Progress { epoch: 1, ..progress("events/0", 1, 0) }, promise, whole: false };
    assert_eq!(sink.append(&[more]).await.unwrap(), Appended::Broken(vec!["events/0".into()]));
    assert!(servers.synced().contains("`three_rows_local`.`progress`"), "it was asked again of one that has caught up");
}

#[test]
fn what_is_lost_resumed_and_replayed_is_on_several_servers_what_it_is_on_one() {
    let servers = StandIn::start();
    let sharded = servers.database("three", Layout::Sharded { cluster: "three".to_owned() });
    let copied = servers.database("copies", Layout::Replicated { cluster: Some("copies".to_owned()) });
    let one = Database::absent("story_of_one");
    let [(_, one), (world, sharded), (_, copied)] = std::thread::scope(|scope| {
        [one, sharded, copied].map(|database| scope.spawn(|| story(database))).map(|told| told.join().unwrap())
    });
    assert!(one.len() > 20, "{}", one.len());
    assert_eq!(parting(&one, &sharded), None, "three shards");
    assert_eq!(parting(&one, &copied), None, "copies");
    assert_eq!((one.len(), one.len()), (sharded.len(), copied.len()));
    servers_that_are_not_one(&servers, &world);
}

/// Every statement that a layout sends to make, change or delete, as the engine's parser reads it; it runs none for others.
#[tokio::test]
async fn every_statement_of_every_layout_is_one_that_the_engine_knows() {
    let layouts = [
        Layout::Single,
        Layout::Replicated { cluster: None },
        Layout::Replicated { cluster: Some("north".to_owned()) },
        Layout::Sharded { cluster: "north".to_owned() },
    ];
    let mut statements = std::collections::BTreeSet::new();
    for layout in &layouts {
        statements.extend(layout.databases("gv").iter().map(|name| layout.make_database(name)));
        let files = MIGRATIONS.iter().flat_map(Migration::statements);
        statements.extend(files.flat_map(|statement| layout.render(statement, "gv_rows")));
        for table in TABLES {
            statements.insert(layout.delete_rows(table.name, "gv_rows", "epoch = 1"));
            for column in table.columns {
                let added = format!("{} {} FIRST", column.name, column.kind);
                statements.extend(layout.add_column((table.name, true), &added, "gv_rows"));
            }
        }
        statements.insert(layout.alter("store") + " MODIFY COMMENT 'x'");
    }
    let statements: Vec<String> = statements.into_iter().map(|text| text.replace("{people}", "`gv`")).collect();
    assert!(statements.iter().filter(|text| text.contains(" ON CLUSTER `north`")).count() > 300, "{}", statements.len());
    assert!(statements.iter().any(|text| text.contains("ENGINE = Distributed('north', 'gv_rows_local', 'root', cityHash64(")));
    let known = unknown(&statements).await;
    assert!(known.is_empty(), "{known:#?}");
    let broken: Vec<String> =
        ["CREATE TABLE t ON CLUSTER (a UInt8) ENGINE = Memory", "ALTER TABLE t `north` DELETE WHERE 1"].map(str::to_owned).into();
    assert_eq!(unknown(&broken).await, broken, "the parser refuses what it should");
}

/// Those statements that the engine's parser does not take.
async fn unknown(statements: &[String]) -> Vec<String> {
    let database = Database::absent("system");
    let literal = |text: &String| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let all: Vec<String> = statements.iter().map(literal).collect();
    let ask = format!("SELECT arrayJoin([{}]) AS text WHERE formatQueryOrNull(text) IS NULL", all.join(", "));
    let client = database.client.clone().with_database("system").with_setting("max_query_size", "100000000");
    client.query_raw(&ask).fetch_all().await.unwrap()
}
