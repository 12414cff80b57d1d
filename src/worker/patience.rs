//! How long a failure of which nobody knows whether it passes by itself is taken for one that does.

use super::Unknown;
use crate::failure::Failure;

/// What has failed so often with the same code has failed for minutes, whatever the code means.
const ATTEMPTS: u32 = 20;

/// The code of which the same rows fail, and how often they have. Neither what is taken of them meanwhile nor what other rows do
/// ends it: rows of one partition may be refused for good between those of others that are taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    code: u32,
    times: u32,
}

impl Patience {
    /// What one more failure of the rows asks for.
    pub(super) fn judge(&mut self, failure: Failure, unknown: Option<Unknown>) -> Failure {
        let Some(Unknown { code, cure }) = unknown else { return failure };
        let before = if self.code == code { self.times } else { 0 };
        *self = Patience { code, times: before.saturating_add(1) };
        if self.times < ATTEMPTS {
            return failure;
        }
        Failure::Operator(format!(
            "{failure}: it has failed {} times with code {code}, so it does not pass by itself. Nothing is skipped, and the same rows are \
             tried again. {cure}",
            self.times
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A failure with a code that nobody knows, judged.
    fn judged(patience: &mut Patience, code: u32) -> Failure {
        let unknown = Unknown { code, cure: format!("ask for {code}") };
        patience.judge(Failure::Transient(format!("failed of {code}")), Some(unknown))
    }

    /// How many attempts pass before somebody is called.
    fn attempts(patience: &mut Patience, code: u32) -> Option<usize> {
        (1..100).find(|_| matches!(judged(patience, code), Failure::Operator(_)))
    }

    #[test]
    fn somebody_is_called_when_the_same_rows_have_failed_often_with_one_code() {
        let mut patience = Patience::default();
        assert_eq!(attempts(&mut patience, 307), Some(20));
        let Failure::Operator(said) = judged(&mut patience, 307) else { panic!("it goes on failing") };
        for words in ["failed of 307: ", "failed 21 times with code 307", "ask for 307"] {
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn another_code_begins_anew_and_a_known_failure_does_not() {
        let mut patience = Patience::default();
        let known = Failure::Transient("no answer".to_owned());
        for _ in 0..19 {
            assert_eq!(judged(&mut patience, 307), Failure::Transient("failed of 307".to_owned()));
            assert_eq!(patience.judge(known.clone(), None), known);
        }
        assert!(matches!(judged(&mut patience, 307), Failure::Operator(_)));
        assert_eq!(attempts(&mut patience, 308), Some(20));
    }
}
