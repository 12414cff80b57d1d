//! What a state says that the store must know (I9): whoever reads on from it, and finds less there, has another store before
//! it, or one that has forgotten. Nothing is written to such a store in silence.

use std::fmt;
use std::str::FromStr;

use crate::record::Offset;

/// Which store it is: a number that the first migration of a database made, and that its copies keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreId(pub u128);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for StoreId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(StoreId)
    }
}

/// What is in the store for certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// In which one.
    pub store: StoreId,
    /// Every row of the source below this offset, and a row of `progress` that says so; `None`: nothing was written yet.
    pub progress: Option<Offset>,
}

/// What the store says of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which one it is.
    pub store: StoreId,
    /// The greatest version of its rows of `progress`; `None` if it has none.
    pub progress: Option<Offset>,
    /// Tables that were emptied, made anew or brought back from before the source began, although `progress` was not: what they
    /// held of it is gone, however far `progress` is.
    pub lacking: Vec<String>,
}

/// Why a store does not keep a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is another one than that which was written to.
    Another,
    /// It has less than it had.
    Forgotten,
}

impl Promise {
    /// One more than `progress`, 0 if nothing was written: for where a number that is absent has no place.
    #[must_use]
    pub fn written(self) -> u64 {
        self.progress.map_or(0, |progress| progress.saturating_add(1))
    }

    /// What the store must know from here on, if it knows what was promised: as much as it says now, which may be more.
    ///
    /// # Errors
    /// When it does not.
    pub fn compare(self, known: &Known) -> Result<Promise, Broken> {
        let &Known { store, progress, ref lacking } = known;
        if self.progress.is_some() && store != self.store {
            return Err(Broken::Another);
        }
        if lacking.is_empty() && progress >= self.progress { Ok(Promise { store, progress }) } else { Err(Broken::Forgotten) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: StoreId = StoreId(1);
    const PROMISE: Promise = Promise { store: HERE, progress: Some(10) };

    fn known(progress: Option<Offset>) -> Known {
        Known { store: HERE, progress, lacking: Vec::new() }
    }

    #[test]
    fn a_store_that_knows_as_much_or_more_keeps_the_promise() {
        assert_eq!(PROMISE.compare(&known(Some(10))), Ok(PROMISE));
        assert_eq!(PROMISE.compare(&known(Some(11))), Ok(Promise { progress: Some(11), ..PROMISE }));
    }

    #[test]
    fn a_store_that_knows_less_or_is_another_one_does_not() {
        assert_eq!(PROMISE.compare(&known(Some(9))), Err(Broken::Forgotten));
        assert_eq!(PROMISE.compare(&known(None)), Err(Broken::Forgotten));
        assert_eq!(PROMISE.compare(&Known { store: StoreId(2), ..known(Some(11)) }), Err(Broken::Another));
    }

    /// Not even by replaying everything: until that is done, a newer state would be taken for kept.
    #[test]
    fn a_table_that_lost_its_rows_keeps_no_promise() {
        let lacking = Known { lacking: vec!["cascade".to_owned()], ..known(Some(11)) };
        assert_eq!(PROMISE.compare(&lacking), Err(Broken::Forgotten));
        assert_eq!(Promise { progress: None, ..PROMISE }.compare(&lacking), Err(Broken::Forgotten));
    }

    #[test]
    fn who_has_written_nothing_may_take_any_store() {
        let nothing = Promise { progress: None, ..PROMISE };
        let other = Known { store: StoreId(2), ..known(None) };
        assert_eq!(nothing.compare(&other), Ok(Promise { store: StoreId(2), progress: None }));
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = StoreId(0x00ab << 100);
        assert_eq!(id.to_string().len(), 32);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("no id".parse::<StoreId>().is_err() && "".parse::<StoreId>().is_err());
    }
}
