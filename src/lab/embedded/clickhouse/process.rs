//! The parent's side: starts the embedded ClickHouse as a process of its own, so that a crash in the engine cannot touch the
//! caller, and ends it.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::READY;

/// The hidden subcommand that serves.
const SUBCOMMAND: &str = "embedded-clickhouse";

/// How long a start may take. A cold cache and a slow disk take seconds; an old data folder longer.
const START: Duration = Duration::from_secs(60);

/// How long an orderly end may take before the process is killed.
const END: Duration = Duration::from_secs(10);

/// Why the embedded ClickHouse did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The executable cannot be run.
    #[error("could not run the embedded ClickHouse")]
    Spawn(#[source] io::Error),
    /// It ended before it was ready. Its own words follow.
    #[error("the embedded ClickHouse ended before it was ready: {0}")]
    Ended(String),
    /// It is up and never became ready.
    #[error("the embedded ClickHouse was not ready within {} seconds", START.as_secs())]
    Late,
}

/// A running embedded ClickHouse. Dropping it ends the process; the data folder stays, and can be started on again.
#[derive(Debug)]
pub struct EmbeddedClickHouse {
    child: Child,
    url: String,
    /// Carries a message when the process has closed its output, that is, has ended.
    ended: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

impl EmbeddedClickHouse {
    /// Starts `exe embedded-clickhouse` on the folder `data`, at a free port of the loopback interface, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it cannot be run, ends early (its standard error says why), or takes too long.
    pub fn start(exe: &Path, data: &Path) -> Result<Self, StartError> {
        Self::start_at(exe, data, 0)
    }

    /// The same at a given port; 0 takes a free one.
    ///
    /// # Errors
    ///
    /// As [`EmbeddedClickHouse::start`]; also when the port is taken.
    pub fn start_at(exe: &Path, data: &Path, port: u16) -> Result<Self, StartError> {
        let mut command = Command::new(exe);
        command.arg(SUBCOMMAND).arg("--data").arg(data).arg("--listen").arg(format!("127.0.0.1:{port}"));
        // Ctrl-C is for this process, which may still have rows to write; the other one ends after it.
        command.process_group(0);
        // The pipe to its standard input ends when this process does, in whatever way: it then ends, too.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(StartError::Spawn)?;
        let output = child.stdout.take();
        let errors = child.stderr.take();
        let errors = thread::spawn(move || errors.map(tail).unwrap_or_default());
        let (lines, ended) = mpsc::channel();
        thread::spawn(move || {
            for line in output.into_iter().flat_map(|output| BufReader::new(output).lines()).map_while(Result::ok) {
                // Nobody reads any more once the handle is gone.
                drop(lines.send(line));
            }
        });
        let mut started = Self { child, url: String::new(), ended, errors: Some(errors) };
        started.url = started.wait_until_ready()?;
        Ok(started)
    }

    fn wait_until_ready(&mut self) -> Result<String, StartError> {
        match self.ended.recv_timeout(START) {
            Ok(line) if line.starts_with(READY) => Ok(line[READY.len()..].to_owned()),
            Ok(line) => Err(StartError::Ended(line)),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(StartError::Late),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let said = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
                Err(StartError::Ended(said.trim().to_owned()))
            }
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process, for those who measure it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process at once, as a crash would, and waits for its end.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for EmbeddedClickHouse {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Its output ends with it. Anything it prints meanwhile only restarts the wait.
        while self.ended.recv_timeout(END).is_ok() {}
        // Both fail only for a process that has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The last part of what the process says, read to its end so that it never waits for a reader.
fn tail(mut errors: impl Read) -> String {
    const KEPT: usize = 16 << 10;
    let mut kept = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = errors.read(&mut piece) {
        kept.extend_from_slice(&piece[..length]);
        kept.drain(..kept.len().saturating_sub(KEPT));
    }
    String::from_utf8_lossy(&kept).into_owned()
}
