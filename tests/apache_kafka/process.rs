//! Processes that tests and benchmarks start: waiting for them and for what they answer, ending them.

use std::process::{Child, Command, ExitStatus, Output};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything here may take before it counts as not happening: so long that no loaded machine takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// How soon [`until`] asks again at first, and how seldom at last: a question costs a store or a worker some milliseconds of the
/// processors that others wait for.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(300)];

/// Asks again and again until there is an answer, each time after a pause of an eighth of the time waited so far; fails with what was
/// seen last. What may be over within such a pause is caught by [`until_passing`].
pub(crate) fn until<T, S: std::fmt::Debug>(what: &str, ask: impl FnMut() -> Result<T, S>) -> T {
    until_within(PAUSES, what, ask)
}

/// The same for what may soon be over: asks as often as it can.
pub(crate) fn until_passing<T, S: std::fmt::Debug>(what: &str, ask: impl FnMut() -> Result<T, S>) -> T {
    until_within([PAUSES[0]; 2], what, ask)
}

fn until_within<T, S: std::fmt::Debug>(pauses: [Duration; 2], what: &str, mut ask: impl FnMut() -> Result<T, S>) -> T {
    let began = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(seen) if began.elapsed() > PATIENCE => panic!("{what}: not within {PATIENCE:?}; seen last: {seen:?}"),
            Err(_) => thread::sleep((began.elapsed() / 8).clamp(pauses[0], pauses[1])),
        }
    }
}

/// Waits for the end of a process; one that does not end is killed, and the test fails.
pub(crate) fn ended(child: &mut Child, what: &str) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{what} did not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "could not send SIG{name}");
}

/// The output of a run that must have gone well.
pub(crate) fn succeeded(output: Output) -> Output {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    output
}
