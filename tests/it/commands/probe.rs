//! `check --probe`, against parts that are well, and parts that are not what the configuration says.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{Said, say};
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
    let wrong = |environment: &[(&str, &str)], key: &str, what: &str| {
        let said = probe(&world, environment);
        assert_eq!(said.code, 1, "{what}: {said:?}");
        let wrong: Vec<&str> = said.printed.lines().filter(|line| line.starts_with("wrong ")).collect();
        assert!(wrong.len() == 1 && about(&said.printed, key).contains(&wrong[0]) && wrong[0].contains(what), "{what}: {said:?}");
    };
    wrong(&[("GRAPEVINE_KAFKA_TOPIC", "other")], "kafka.brokers", "topic other is not at");
    wrong(&[("GRAPEVINE_CLICKHOUSE_URLS", &yes)], "clickhouse.urls", "this is no answer of a ClickHouse");
    wrong(&[("GRAPEVINE_CLICKHOUSE_DATABASE", "nowhere")], "clickhouse.database", "run: grapevine migrate");
    wrong(&[("GRAPEVINE_CHECKPOINT_URL", "/proc/states")], "checkpoint.url", "could not create the folder");
    wrong(&overwrites, "checkpoint.url", "overwrites an object that is there");
}
