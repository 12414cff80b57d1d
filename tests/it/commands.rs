//! The commands for people, against a worker's log, store and checkpoints.

mod checkpoint;
mod epoch;
mod probe;
mod rejects;
mod resume;

use std::process::{Command, Output, Stdio};

use crate::world::World;

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

/// The lines of a table without their names, each as its cells.
pub(crate) fn table(printed: &str) -> Vec<Vec<&str>> {
    let cells = |line| str::split(line, "  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    printed.lines().skip(1).take_while(|line| !line.is_empty()).map(cells).collect()
}

/// Once the embedded broker has seen a group, it takes offsets from members only, whether there are any or not. So
/// commands that need a group without members name one that it has not seen; Apache Kafka knows the difference.
pub(crate) const UNSEEN_GROUP: (&str, &str) = ("GRAPEVINE_KAFKA_GROUP", "unseen");

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
