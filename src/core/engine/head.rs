//! What names a life on its rows, and the row of `root`, which says what its post is.

use std::sync::Arc;

use super::life::{Dimensions, Life, Post};
use crate::record::Offset;
use crate::row::{ActivityWindow, Cascade, Root, Thread};

/// The common columns of one life's rows, at one version.
#[derive(Clone, Debug)]
pub(super) struct Head {
    root: Arc<str>,
    epoch: u16,
    source: Arc<str>,
    opened: Offset,
    version: Offset,
}

/// A row that holds the common columns, the named ones, and nothing else yet. A macro, because the columns are
/// fields of each row: the store's client knows no nested rows.
macro_rules! headed {
    ($head:expr, $row:ident { $($column:ident)? }) => {{
        let Head { root, epoch, source, opened, version } = $head.clone();
        $row { root, epoch, source, opened, version, $($column,)? ..$row::default() }
    }};
}

impl Head {
    pub(super) fn of(life: &Life, epoch: u16, source: &Arc<str>, version: Offset) -> Self {
        Head { root: Arc::clone(&life.root), epoch, source: Arc::clone(source), opened: life.opened, version }
    }

    /// The row of `root` of a life that saw its post.
    pub(super) fn root_row(&self, post: &Post) -> Root {
        let Head { root, epoch, source, opened, version } = self.clone();
        let Dimensions { brand, campaign, channel, platform, community, experiment, arm, tags } = post.dimensions.clone();
        Root {
            root,
            epoch,
            source,
            opened,
            version,
            root_seen: true,
            root_time: post.time,
            root_is_brand: post.is_brand,
            root_to_brand: post.is_for_the_brand(),
            brand,
            campaign,
            channel,
            platform,
            community,
            experiment,
            arm,
            tags,
            url: Arc::clone(&post.url),
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
