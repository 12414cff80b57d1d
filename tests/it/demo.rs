//! `grapevine demo` as scripts use it.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// One run of the demo, and what its queries answered.
pub(crate) struct Demo {
    pub(crate) answers: Vec<String>,
}

/// Printed between two answers, to tell them apart.
const MARK: &str = "SELECT '-- next --' AS mark";

impl Demo {
    /// Folds files and asks questions; answers come as JSON lines.
    pub(crate) fn run(inputs: &[&Path], partitions: usize, threads: usize, queries: &[&str]) -> Demo {
        let mut command = grapevine();
        command.args([
            "demo",
            "--format",
            "JSONEachRow",
            "--partitions",
            &partitions.to_string(),
            "--threads",
            &threads.to_string(),
        ]);
        for input in inputs {
            command.arg("--input").arg(input);
        }
        for (at, query) in queries.iter().enumerate() {
            if at > 0 {
                command.args(["--query", MARK]);
            }
            command.args(["--query", query]);
        }
        let output = command.output().expect("the demo starts");
        let answers = String::from_utf8(succeeded(output).stdout).expect("answers are text");
        Demo { answers: answers.split("{\"mark\":\"-- next --\"}\n").map(str::to_owned).collect() }
    }
}

/// The program under test, with no configuration from the environment.
pub(crate) fn grapevine() -> Command {
    Command::new(env!("CARGO_BIN_EXE_grapevine"))
}

/// The output of a run that must have gone well.
pub(crate) fn succeeded(output: Output) -> Output {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    output
}

/// JSON lines as values.
pub(crate) fn rows(answer: &str) -> Vec<Value> {
    answer.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub(crate) fn gunzip(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).expect("the file opens");
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes).expect("the file is gzip");
    bytes
}
