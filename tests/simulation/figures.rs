//! The columns that the batch computation knows, as it says them and as a row of a table says them.

use std::collections::BTreeMap;

use grapevine::record::{Millis, Offset};
use grapevine::row::{ActivityWindow, Cascade, Click, CustomerQuarter, Progress, Rejected, Root, TargetKind, Thread, TopNode};

/// What names a life.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LifeKey {
    pub(crate) source: String,
    pub(crate) root: String,
    pub(crate) opened: Offset,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Figures {
    Root(RootFigures),
    Window(WindowFigures),
    Tree(TreeFigures),
    Click(ClickFigures),
    Fact(FactFigures),
    Reject(RejectFigures),
    Progress(ProgressFigures),
}

/// What the post of a life says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RootFigures {
    pub(crate) time: Millis,
    pub(crate) is_brand: bool,
    pub(crate) to_brand: bool,
    pub(crate) brand: String,
    pub(crate) channel: String,
    pub(crate) tags: Vec<String>,
    pub(crate) url: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WindowFigures {
    pub(crate) life: LifeKey,
    pub(crate) posts: u32,
    pub(crate) shares: u32,
    pub(crate) replies: u32,
    pub(crate) reactions: u32,
    pub(crate) deletes: u32,
    pub(crate) clicks: u32,
    pub(crate) sharers: usize,
    pub(crate) repliers: usize,
    pub(crate) samples: Vec<(String, f64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TreeFigures {
    pub(crate) life: LifeKey,
    pub(crate) size: u64,
    pub(crate) max_depth: u32,
    pub(crate) levels: Vec<u64>,
    pub(crate) s1: u64,
    pub(crate) s2: u128,
    pub(crate) inferred: u64,
    pub(crate) cycles_cut: u32,
    pub(crate) self_edges: u32,
    pub(crate) unique_actors: u64,
    pub(crate) deleted_actors: u64,
    pub(crate) deletes: u64,
    pub(crate) first_time: Millis,
    pub(crate) last_time: Millis,
    /// Of a cascade: repeated shares and reach; of a thread: reciprocal pairs and h-index.
    pub(crate) own: [u64; 2],
    /// Of a cascade: how many nodes have a descendant, and those listed, in an order of no meaning.
    pub(crate) spread: (u64, Vec<TopNode>),
    /// Of a thread: the messages to the brand, and how soon it answered.
    pub(crate) customers: Vec<CustomerQuarter>,
}

/// A click's way to its target, as known when it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClickFigures {
    pub(crate) first: Offset,
    pub(crate) time: Millis,
    pub(crate) target: String,
    pub(crate) target_kind: TargetKind,
    pub(crate) target_time: Option<Millis>,
    pub(crate) target_inferred: bool,
    pub(crate) depth: u32,
    pub(crate) path_inferred: u32,
    /// How many people of the way are known, root included.
    pub(crate) known: usize,
    /// Which of the way the brand wrote, root first.
    pub(crate) by_brand: Vec<bool>,
    pub(crate) brand: String,
}

/// A fact that has no root: its first copy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FactFigures {
    pub(crate) first: Offset,
    pub(crate) time: Millis,
    /// What its table says of it besides.
    pub(crate) says: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RejectFigures {
    pub(crate) reason: String,
    pub(crate) payload: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ProgressFigures {
    pub(crate) first: Offset,
    pub(crate) version: Offset,
    pub(crate) watermark: Millis,
    pub(crate) read: u64,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicting_copies: u64,
    pub(crate) rejected: u64,
    pub(crate) accepted_by_type: BTreeMap<String, u64>,
}

macro_rules! life {
    ($row:ident) => {
        LifeKey { source: $row.source.to_string(), root: $row.root.to_string(), opened: $row.opened }
    };
}

macro_rules! tree {
    ($row:ident, $own:expr, $spread:expr, $customers:expr) => {
        Figures::Tree(TreeFigures {
            life: life!($row),
            size: $row.size,
            max_depth: $row.max_depth,
            levels: $row.levels.clone(),
            s1: $row.s1,
            s2: $row.s2,
            inferred: $row.inferred,
            cycles_cut: $row.cycles_cut,
            self_edges: $row.self_edges,
            unique_actors: $row.unique_actors,
            deleted_actors: $row.deleted_actors,
            deletes: $row.deletes,
            first_time: $row.first_time,
            last_time: $row.last_time,
            own: $own,
            spread: $spread,
            customers: $customers,
        })
    };
}

pub(crate) fn of_root(row: &Root) -> Figures {
    assert!(row.root_seen, "a row of root stands on a post that was seen");
    Figures::Root(RootFigures {
        time: row.root_time,
        is_brand: row.root_is_brand,
        to_brand: row.root_to_brand,
        brand: row.brand.to_string(),
        channel: row.channel.to_string(),
        tags: row.tags.iter().map(ToString::to_string).collect(),
        url: row.url.to_string(),
    })
}

pub(crate) fn of_window(row: &ActivityWindow) -> Figures {
    Figures::Window(WindowFigures {
        life: life!(row),
        posts: row.posts,
        shares: row.shares,
        replies: row.replies,
        reactions: row.reactions,
        deletes: row.deletes,
        clicks: row.clicks,
        sharers: row.sharers.len(),
        repliers: row.repliers.len(),
        samples: row.samples.iter().map(|(metric, value)| (metric.to_string(), *value)).collect(),
    })
}

pub(crate) fn of_cascade(row: &Cascade) -> Figures {
    let mut top_nodes = row.top_nodes.clone();
    top_nodes.sort_unstable();
    tree!(row, [row.repeat_shares, row.reach], (row.spreaders, top_nodes), Vec::new())
}

pub(crate) fn of_thread(row: &Thread) -> Figures {
    tree!(row, [row.reciprocal_pairs, u64::from(row.h_index)], (0, Vec::new()), row.customer_quarters.clone())
}

pub(crate) fn of_click(row: &Click) -> Figures {
    Figures::Click(ClickFigures {
        first: u64::MAX - row.version,
        time: row.time,
        target: row.target.clone(),
        target_kind: row.target_kind,
        target_time: row.target_time,
        target_inferred: row.target_inferred,
        depth: row.depth,
        path_inferred: row.path_inferred,
        known: row.path_actors.iter().filter(|actor| **actor != 0).count(),
        by_brand: row.path_is_brand.clone(),
        brand: row.brand.to_string(),
    })
}

macro_rules! fact {
    ($name:ident, $row:ident, $form:literal, $($column:ident),+) => {
        pub(crate) fn $name(row: &grapevine::row::$row) -> Figures {
            Figures::Fact(FactFigures { first: u64::MAX - row.version, time: row.time, says: format!($form, $(row.$column),+) })
        }
    };
}

fact!(of_visit, Visit, "{} {}", click, utm_medium);
fact!(of_conversion, Conversion, "{} {}", amount, currency);
fact!(of_cost, Cost, "{:?} {:?}", amount, seconds);
fact!(of_assignment, Assignment, "{} {}", arm, unit_type);
fact!(of_report, Report, "{} {}", metric, value);

pub(crate) fn of_reject(row: &Rejected) -> Figures {
    Figures::Reject(RejectFigures { reason: row.reason.to_string(), payload: row.payload.to_vec() })
}

pub(crate) fn of_progress(row: &Progress) -> Figures {
    let &Progress { first, version, watermark, read, accepted, duplicates, conflicting_copies, rejected, .. } = row;
    let accepted_by_type = row.accepted_by_type.iter().cloned().collect();
    Figures::Progress(ProgressFigures {
        first,
        version,
        watermark,
        read,
        accepted,
        duplicates,
        conflicting_copies,
        rejected,
        accepted_by_type,
    })
}
