//! The commands for people, against a worker's log, store and checkpoints.

mod checkpoint;
mod epoch;
mod probe;
mod rejects;
mod resume;
mod retain;
pub(crate) mod rewrite;

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use crate::world::{World, until};

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) printed: String,
    pub(crate) errors: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), printed: text(output.stdout), errors: text(output.stderr) }
    }

    /// What it printed; it must have gone well.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.printed
    }

    /// Why it refused; it must have.
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, 1, "{self:?}");
        self.errors
    }
}

/// A command of a world: the first argument, then the configuration, then the rest.
pub(crate) fn command(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = world.command(arguments[0]);
    command.args(&arguments[1..]).envs(environment.iter().copied()).stdin(Stdio::null());
    command
}

pub(crate) fn say(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    Said::of(command(world, arguments, environment).output().unwrap())
}

/// A command that wants no members in the group: those that were stopped may stay in it for a while.
pub(crate) fn say_without_members(world: &World, arguments: &[&str]) -> Said {
    until("the group has no members", || {
        let said = say(world, arguments, &[]);
        if said.errors.contains("has members") { Err(said) } else { Ok(said) }
    })
}

/// The lines of a table without their names, each as its cells.
pub(crate) fn table(printed: &str) -> Vec<Vec<&str>> {
    let cells = |line| str::split(line, "  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    printed.lines().skip(1).take_while(|line| !line.is_empty()).map(cells).collect()
}

/// A world whose worker has read some lines and was stopped.
fn world(name: &str, lines: &[Vec<u8>]) -> World {
    let mut world = World::migrated(2, name);
    let worker = world.start(&[]);
    world.publish(lines);
    world.wait_for(lines.len());
    worker.stop();
    world
}

/// Once the embedded broker has seen a group, it takes offsets from members only, whether there are any or not. So
/// commands that need a group without members name one that it has not seen; Apache Kafka knows the difference.
pub(crate) const UNSEEN_GROUP: (&str, &str) = ("GRAPEVINE_KAFKA_GROUP", "unseen");

/// A program that is told nothing but its arguments, and has ended.
fn ended_with(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let mut command = crate::demo::grapevine();
    Said::of(command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap())
}

#[test]
fn every_exit_code_of_the_manual_is_what_happens_and_there_is_no_other() {
    let manual = include_str!("../../docs/operations.md");
    let table = manual.split("### Exit codes\n").nth(1).unwrap().split("\n#").next().unwrap();
    let said: Vec<i32> = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let nowhere = [("GRAPEVINE_CHECKPOINT_URL", "file:///nowhere/at/all"), ("GRAPEVINE_ADMIN_ADDRESS", nobody.as_str())];
    let ended = [
        ended_with(&["--version"], &[]),
        ended_with(&["checkpoint", "ls"], &nowhere),
        ended_with(&["checkpoint", "--lss"], &[]),
        ended_with(&["checkpoint", "ls"], &[("GRAPEVINE_WORKER_EPOCH", "first")]),
    ];
    assert_eq!(ended.each_ref().map(|said| said.code), [0, 1, 2, 64], "{ended:?}");
    assert_eq!(said, [0, 1, 2, 64]);
    // The same from those that say more than whether they did it.
    assert_eq!(ended_with(&["health"], &nowhere).code, 1);
}

#[test]
fn a_version_says_what_it_was_built_from() {
    let said = ended_with(&["--version"], &[]).done();
    let version = env!("CARGO_PKG_VERSION");
    assert!(said.starts_with(&format!("grapevine {version} (commit ")), "{said}");
    assert_eq!(said.trim(), format!("grapevine {}", grapevine::version::text()));
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = ended_with(&["completions", shell], &[]).done();
        for word in ["status", "health", "checkpoint", "--probe", "probe"] {
            assert!(script.contains(word.trim_start_matches("--")), "{shell} does not complete {word}");
        }
    }
    let script = ended_with(&["completions", "bash"], &[]).done();
    let mut bash = Command::new("bash").args(["-n", "/dev/stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success(), "bash does not take it");
}

#[test]
fn a_bad_configuration_ends_every_command_with_its_own_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.toml");
    std::fs::write(&path, "[kafka]\nbrokers = \"\"\n").unwrap();
    for arguments in [["checkpoint", "verify"].as_slice(), &["resume"], &["epoch", "promote", "1"], &["rejects", "replay"]] {
        let said = Said::of(crate::demo::grapevine().args(arguments).arg("--config").arg(&path).output().unwrap());
        assert_eq!(said.code, 64, "{arguments:?}: {said:?}");
        assert!(said.errors.contains("kafka.brokers"), "{said:?}");
    }
}
