//! `check --probe`, against parts that are well, and parts that are not what the configuration says.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::{Said, command, say};
use crate::clickhouse::balanced::Balancer;
use crate::store::Database;
use crate::world::World;

/// Says yes to whatever it is asked, as no ClickHouse and no object store should; and where it is.
fn yes_sayer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = [0; 65_536];
                // One request, however it is cut: nobody reads what it asks for.
                let read = stream.read(&mut request);
                let answer = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes";
                drop(read.and_then(|_| stream.write_all(answer.as_bytes())));
            });
        }
    });
    format!("http://{address}")
}

/// Stands before a store whose user may not insert into the table `thread`: the embedded one has no users.
fn without_a_grant(store: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(move |request| unless_granted(store.clone(), request));
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await })
    });
    format!("http://{address}")
}

async fn unless_granted(store: String, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    if String::from_utf8_lossy(&body).contains("INSERT INTO thread") {
        let denied = "Code: 497. DB::Exception: worker: Not enough privileges. To execute this query, it's necessary to have the grant \
                      INSERT(root) ON grapevine_rows.thread. (ACCESS_DENIED)";
        return (axum::http::StatusCode::FORBIDDEN, [("X-ClickHouse-Exception-Code", "497")], denied).into_response();
    }
    parts.uri = format!("{store}{}", parts.uri).parse().unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    client.request(Request::from_parts(parts, Body::from(body))).await.unwrap().map(Body::new)
}

fn probe(world: &World, environment: &[(&str, &str)]) -> Said {
    say(world, &["check", "--probe"], environment)
}

/// The lines about a key, without what stands before them.
fn about<'a>(printed: &'a str, key: &str) -> Vec<&'a str> {
    printed.lines().filter(|line| line.get(9..).is_some_and(|rest| rest.starts_with(key))).collect()
}

#[test]
fn parts_that_are_well_are_said_to_be_and_left_as_they_were() {
    let world = World::migrated(3, "probed");
    let before = world.content();
    let said = probe(&world, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let printed = &said.printed;
    for (key, what) in [
        ("kafka.topic", "events is at"),
        ("kafka.topic", "may be read"),
        ("kafka.group", "it has committed 0 of 3 partitions"),
        ("clickhouse.urls", "is a ClickHouse 2"),
        ("clickhouse.database", "those of this version"),
        ("clickhouse.database", "replace each other by version"),
        ("clickhouse.user", "insert into all tables"),
        ("checkpoint.url", "refuses what is there"),
        ("rules", "begins here"),
    ] {
        assert!(
            about(printed, key).iter().any(|line| line.starts_with("ok ") && line.contains(what)),
            "{key}, {what}: {printed}"
        );
    }
    // The embedded broker describes no topic.
    assert!(about(printed, "kafka.topic").last().unwrap().starts_with("unknown"), "{printed}");
    assert_eq!(world.content(), before);
    let left: Vec<_> = std::fs::read_dir(world.checkpoints().join("epoch-0")).map(|all| all.collect()).unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_part_that_is_not_what_the_configuration_says_is_named_with_its_key_and_cure() {
    let world = World::migrated(1, "probed_wrong");
    let yes = yes_sayer();
    let overwrites = [
        ("GRAPEVINE_CHECKPOINT_URL", "s3://states/grapevine"),
        ("AWS_ENDPOINT_URL", &*yes),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "somebody"),
        ("AWS_SECRET_ACCESS_KEY", "a secret for tests only"),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let stingy = without_a_grant(world.database.config.urls[0].clone());
    let sharded = [("GRAPEVINE_CLICKHOUSE_LAYOUT", "sharded"), ("GRAPEVINE_CLICKHOUSE_CLUSTER", "north")];
    all_wrong(
        &world,
        &[
            (&[("GRAPEVINE_KAFKA_TOPIC", "other")], "kafka.brokers", "topic other is not at"),
            (&[("GRAPEVINE_CLICKHOUSE_URLS", &yes)], "clickhouse.urls", "this is no answer of a ClickHouse"),
            (&[("GRAPEVINE_CLICKHOUSE_DATABASE", "nowhere")], "clickhouse.database", "run: grapevine migrate"),
            (&[("GRAPEVINE_CLICKHOUSE_URLS", &stingy)], "clickhouse.user", "INSERT(root) ON grapevine_rows.thread"),
            (&[("GRAPEVINE_CLICKHOUSE_LAYOUT", "replicated")], "clickhouse.database", "do not fit clickhouse.layout"),
            (&sharded, "clickhouse.database", "north"),
            (&[("GRAPEVINE_CHECKPOINT_URL", "/proc/states")], "checkpoint.url", "could not create the folder"),
            (&overwrites, "checkpoint.url", "overwrites an object that is there"),
        ],
    );
    for statement in
        ["CREATE TABLE made AS thread ENGINE = MergeTree ORDER BY ()", "DROP TABLE thread", "RENAME TABLE made TO thread"]
    {
        world.run(statement);
    }
    all_wrong(&world, &[(&[], "clickhouse.database", "thread is a MergeTree: old rows would stand beside new ones")]);
}

/// What each address says is asked, and whether they are one store.
#[test]
fn two_stores_that_are_no_copies_of_each_other_are_told_apart() {
    let world = World::migrated(1, "probed_one");
    let store = &world.database.config.urls[0];
    let other = Database::absent("probed_two");
    let balancer = Balancer::start(store, &world.database.rows(), &other.rows());
    let urls = format!("{store},{}", balancer.url);
    let both = [("GRAPEVINE_CLICKHOUSE_URLS", &*urls)];
    let said = probe(&world, &both);
    let stores = about(&said.printed, "clickhouse.database").into_iter().filter(|line| line.contains("it is store ")).count();
    assert_eq!((said.code, stores), (0, 2), "two ways to one store: {said:?}");
    balancer.every(1);
    all_wrong(&world, &[(&both, "clickhouse.database", &format!("{}: ", balancer.url))]);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        other.migrate().await;
        other.run(&format!("ALTER TABLE store MODIFY COMMENT '{:032x}'", 7)).await;
    });
    all_wrong(&world, &[(&both, "clickhouse.urls", "no copies of each other")]);
}

/// An environment under which one thing is wrong, the key of what it is about, and what is said.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

/// Asks under all of them at once: each waits for the embedded broker, which describes no topic.
fn all_wrong(world: &World, cases: &[Case]) {
    let probes = cases.iter().map(|(environment, ..)| {
        let mut probe = command(world, &["check", "--probe"], environment);
        probe.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for (probe, (_, key, what)) in probes.collect::<Vec<_>>().into_iter().zip(cases) {
        let said = Said::of(probe.wait_with_output().unwrap());
        assert_eq!(said.code, 1, "{what}: {said:?}");
        let wrong: Vec<&str> = said.printed.lines().filter(|line| line.starts_with("wrong ")).collect();
        assert!(wrong.len() == 1 && about(&said.printed, key).contains(&wrong[0]) && wrong[0].contains(what), "{what}: {said:?}");
    }
}
