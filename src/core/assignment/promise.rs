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
    /// Each table of lives says itself that it holds the rows of the source below this offset; `None`: none was told to.
    pub tables: Option<Offset>,
}

/// What the store says of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which one it is.
    pub store: StoreId,
    /// The greatest version of its rows of `progress`; `None` if it has none.
    pub progress: Option<Offset>,
    /// Up to where each table of lives says that it holds the source's rows; `None` where it says nothing.
    pub tables: Vec<(&'static str, Option<Offset>)>,
}

impl Known {
    /// Tables that say less than was promised of them, although `progress` is there: they were emptied or made anew, or brought back
    /// from an older copy, and what they held is gone, however far `progress` is.
    #[must_use]
    pub fn lacking(&self, promised: Option<Offset>) -> Vec<&'static str> {
        let lacks = |upto: Option<Offset>| self.progress.is_some() && (upto.is_none() || upto < promised);
        self.tables.iter().filter(|(_, upto)| lacks(*upto)).map(|(table, _)| *table).collect()
    }

    /// Up to where all tables of lives say so.
    #[must_use]
    pub fn least(&self) -> Option<Offset> {
        self.tables.iter().map(|(_, upto)| *upto).min().flatten()
    }
}

/// Why a store does not keep a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is another one than that which was written to.
    Another,
    /// It has less than it had, but may keep what an older state promises.
    Forgotten,
    /// It has lost all that a table held although `progress` is there: it keeps the promise of no state.
    Emptied,
}

/// One more than an offset up to which something was written, 0 if nothing was: for where a number that is absent has no place.
#[must_use]
pub fn written(upto: Option<Offset>) -> u64 {
    upto.map_or(0, |upto| upto.saturating_add(1))
}

impl Promise {
    /// The same, and what was said to be there besides.
    pub(super) fn and(self, progress: Option<Offset>, tables: Option<Offset>) -> Promise {
        Promise { progress: self.progress.max(progress), tables: self.tables.max(tables), ..self }
    }

    /// What the store must know from here on, if it knows what was promised: as much as it says now, which may be more.
    ///
    /// # Errors
    /// When it does not.
    pub fn compare(self, known: &Known) -> Result<Promise, Broken> {
        let &Known { store, progress, tables: _ } = known;
        if self.progress.is_some() && store != self.store {
            return Err(Broken::Another);
        }
        if !known.lacking(None).is_empty() {
            return Err(Broken::Emptied);
        }
        if progress < self.progress || !known.lacking(self.tables).is_empty() {
            return Err(Broken::Forgotten);
        }
        Ok(Promise { store, progress, tables: known.least() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: StoreId = StoreId(1);
    const PROMISE: Promise = Promise { store: HERE, progress: Some(10), tables: Some(8) };

    /// What a whole store says.
    fn known(progress: Option<Offset>) -> Known {
        Known { store: HERE, progress, tables: vec![("root", Some(9)), ("cascade", Some(8))] }
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

    #[test]
    fn a_table_that_lost_its_rows_keeps_no_promise_but_of_a_state_that_is_as_old_as_it() {
        let with = |cascade| Known { tables: vec![("root", Some(9)), ("cascade", cascade)], ..known(Some(11)) };
        assert_eq!((with(None).lacking(None), with(Some(7)).lacking(Some(8))), (vec!["cascade"], vec!["cascade"]));
        assert_eq!(PROMISE.compare(&with(None)), Err(Broken::Emptied));
        assert_eq!(PROMISE.compare(&with(Some(7))), Err(Broken::Forgotten));
        let older = Promise { progress: Some(7), tables: Some(7), ..PROMISE };
        assert_eq!(older.compare(&with(Some(7))), Ok(Promise { progress: Some(11), tables: Some(7), ..PROMISE }));
        let nothing = Promise { progress: None, tables: None, ..PROMISE };
        assert_eq!(nothing.compare(&with(None)), Err(Broken::Emptied), "the next mark would be taken for one of all rows");
    }

    #[test]
    fn who_has_written_nothing_may_take_any_store() {
        let nothing = Promise { progress: None, tables: None, ..PROMISE };
        let other = Known { store: StoreId(2), progress: None, tables: vec![("root", None)] };
        assert_eq!(nothing.compare(&other), Ok(Promise { store: StoreId(2), progress: None, tables: None }));
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = StoreId(0x00ab << 100);
        assert_eq!(id.to_string().len(), 32);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("no id".parse::<StoreId>().is_err() && "".parse::<StoreId>().is_err());
    }
}
