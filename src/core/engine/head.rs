//! The columns that stand on every row of a life: identity, and what its post says.

use std::sync::Arc;

use super::life::{Dimensions, Life};
use crate::record::{Millis, Offset};
use crate::row::{ActivityWindow, Cascade, Thread};

/// The common columns of one life's rows, at one version.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) root: Arc<str>,
    pub(super) epoch: u16,
    pub(super) source: Arc<str>,
    pub(super) opened: Offset,
    pub(super) version: Offset,
    pub(super) root_seen: bool,
    pub(super) root_time: Millis,
    pub(super) root_is_brand: bool,
    pub(super) dimensions: Dimensions,
}

/// A row that holds the common columns, the named ones, and nothing else yet. A macro, because the columns are
/// fields of each row: the store's client knows no nested rows.
macro_rules! headed {
    ($head:expr, $row:ident { $($column:ident)? }) => {{
        let Head { root, epoch, source, opened, version, root_seen, root_time, root_is_brand, dimensions } = $head.clone();
        let Dimensions { brand, campaign, channel, platform, community, experiment, arm, tags } = dimensions;
        $row {
            root, epoch, source, opened, version, root_seen, root_time, root_is_brand,
            brand, campaign, channel, platform, community, experiment, arm, tags,
            $($column,)?
            ..$row::default()
        }
    }};
}

impl Head {
    pub(super) fn of(life: &Life, epoch: u16, source: &Arc<str>, version: Offset) -> Self {
        Head {
            root: Arc::clone(&life.root),
            epoch,
            source: Arc::clone(source),
            opened: life.opened,
            version,
            root_seen: life.post.is_some(),
            root_time: life.root_time().unwrap_or_default(),
            root_is_brand: life.post.as_ref().is_some_and(|post| post.is_brand),
            dimensions: life.post.as_ref().map_or_else(Dimensions::default, |post| post.dimensions.clone()),
        }
    }

    /// A row of `activity_window` in which nothing happened yet.
    pub(super) fn window_row(&self, window_start: u32) -> ActivityWindow {
        headed!(self, ActivityWindow { window_start })
    }

    /// A row of `cascade` before its tree is measured.
    pub(super) fn cascade_row(&self) -> Cascade {
        headed!(self, Cascade {})
    }

    /// A row of `thread` before its tree is measured.
    pub(super) fn thread_row(&self) -> Thread {
        headed!(self, Thread {})
    }
}
