//! How long an error whose code is not known is taken for one that passes by itself.

use std::sync::atomic::{AtomicU64, Ordering};

use super::errors;
use crate::failure::Failure;

/// What has failed so often with the same code has failed for minutes, whatever the code means.
const ATTEMPTS: u64 = 20;

/// The code of which inserts fail, if it is not known, and how many in a row: one number of two halves.
#[derive(Debug, Default)]
pub(super) struct Patience(AtomicU64);

impl Patience {
    /// Takes the outcome of an attempt. Errors that are known to pass do not end the row: they come in between.
    pub(super) fn judge<T>(&self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let failure = match outcome {
            Ok(done) => {
                self.0.store(0, Ordering::Relaxed);
                return Ok(done);
            }
            Err(failure) => failure,
        };
        let Failure::Transient(text) = &failure else { return Err(failure) };
        let Some(code) = errors::unknown_code(text) else { return Err(failure) };
        let before = self.0.load(Ordering::Relaxed);
        let (before_code, before_times) = (before >> 32, before & u64::from(u32::MAX));
        let times = if before_code == u64::from(code) { (before_times + 1).min(u64::from(u32::MAX)) } else { 1 };
        self.0.store(u64::from(code) << 32 | times, Ordering::Relaxed);
        if times < ATTEMPTS { Err(failure) } else { Err(given_up(text, code, times)) }
    }
}

fn given_up(text: &str, code: u32, times: u64) -> Failure {
    Failure::Operator(format!(
        "{text}: it has failed {times} times in a row with code {code}, so it does not pass by itself. Nothing is skipped, and the same rows \
         are tried again. Ask the server: SELECT * FROM system.errors WHERE code = {code}; if the name speaks of a limit (of bytes, rows or \
         memory), raise it for the user, or lower flush.bytes_max; else keep the answer and report it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: u32) -> Result<(), Failure> {
        Err(errors::classify_exception(&format!("Code: {code}. DB::Exception: something (NAME)")))
    }

    /// How many attempts pass before somebody is called.
    fn attempts(patience: &Patience, code: u32) -> usize {
        (1..100).find(|_| matches!(patience.judge(failed(code)), Err(Failure::Operator(_)))).unwrap()
    }

    #[test]
    fn somebody_is_called_when_it_has_failed_often_with_one_code() {
        let patience = Patience::default();
        assert_eq!(attempts(&patience, 307), 20);
        let Err(Failure::Operator(said)) = patience.judge(failed(307)) else { panic!("it goes on failing") };
        for words in
            ["Code: 307. DB::Exception: something", "failed 21 times", "system.errors WHERE code = 307", "flush.bytes_max"]
        {
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn another_code_and_a_success_begin_anew_and_a_known_error_does_not() {
        let patience = Patience::default();
        for _ in 0..19 {
            assert_eq!(patience.judge(failed(307)), failed(307));
        }
        assert_eq!(patience.judge(failed(241)), failed(241), "the memory of the server");
        assert_eq!(
            patience.judge::<()>(Err(Failure::Transient("no answer".to_owned()))),
            Err(Failure::Transient("no answer".to_owned()))
        );
        assert!(matches!(patience.judge(failed(307)), Err(Failure::Operator(_))));
        assert_eq!(attempts(&patience, 308), 20);
        assert_eq!(patience.judge(Ok(())), Ok(()));
        assert_eq!(attempts(&patience, 308), 20);
    }
}
