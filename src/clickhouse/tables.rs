//! The tables that rows are inserted into: the one list of them, in the order in which they are written; and the columns of those that
//! hold lives. The columns of the others are in `facts.rs`.
//!
//! Of each its name, the types of its columns as `deploy/clickhouse` makes them (a test compares the two), and how a row becomes
//! columns. A column of `LowCardinality(String)` is sent as texts; the server finds the distinct ones.

use super::native::Value;
use crate::row::{ActivityWindow, Assignment, Cascade, Click, Conversion, Cost, Progress, Rejected, Report, Root, Thread, Visit};

mod facts;

/// A column as it is announced to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type, in the server's words.
    pub kind: &'static str,
}

/// A row of a table.
pub trait Table: Sized + 'static {
    /// The name of the table.
    const NAME: &'static str;
    /// All its columns.
    const COLUMNS: &'static [Column];
    /// What writes the values of each column.
    const WRITERS: &'static [Writer<Self>];
    /// What the list of all says of it.
    const LISTED: Listed;

    /// The bytes that the row adds to a block.
    fn size(&self) -> usize;
}

/// Writes the values of one column of some rows.
pub type Writer<T> = fn(rows: &[&T], out: &mut Vec<u8>);

/// A table in the list of all.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// SQL over the rows of one source: the first offset of the log that they do not cover.
    pub(super) newest: &'static str,
    /// SQL that finds a mark by the table's key; empty where there are none.
    pub(super) mark: &'static str,
}

/// The version is that offset.
const NEXT: &str = "max(version)";
/// The version of a fact counts its offset down from the largest number.
const FACT: &str = "if(count() = 0, 0, bitNot(min(version)) + 1)";
/// The version of a reject says only where it was, and one more once it was replayed.
const REJECT: &str = "if(count() = 0, 0, max(offset) + 1)";

/// Where a mark lies in a table whose key begins with the root.
const ROOT: &str = "root = ''";
/// In one whose key begins with the time.
const WINDOW: &str = "window_start = toDateTime(3786912000, 'UTC') AND root = ''";
/// Facts and rejects are deleted on purpose, too; `progress` says by itself how far it is.
const NONE: &str = "";

fn column<'a, V: Value + 'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a V> + Clone) {
    V::write(out, values);
}

macro_rules! tables {
    ($($row:ident = $name:literal, newest $newest:ident, mark $mark:ident { $($field:ident: $kind:literal,)* })*) => {
        $(impl Table for $row {
            const NAME: &'static str = $name;
            const COLUMNS: &'static [Column] = &[$(Column { name: stringify!($field), kind: $kind },)*];
            const WRITERS: &'static [Writer<Self>] = &[$(|rows, out| column(out, rows.iter().map(|row| &row.$field)),)*];
            const LISTED: Listed = Listed { name: $name, columns: Self::COLUMNS, newest: $newest, mark: $mark };

            fn size(&self) -> usize {
                // Every field by its name: one that has no column does not compile.
                let $row { $($field,)* } = self;
                0 $(+ $field.size())*
            }
        })*
    };
}

pub(super) use tables;

/// All tables that rows are inserted into.
pub const TABLES: &[Listed] = &[
    Root::LISTED,
    ActivityWindow::LISTED,
    Cascade::LISTED,
    Thread::LISTED,
    Click::LISTED,
    Visit::LISTED,
    Conversion::LISTED,
    Cost::LISTED,
    Assignment::LISTED,
    Report::LISTED,
    Rejected::LISTED,
    Progress::LISTED,
];

tables! {
    Root = "root", newest NEXT, mark ROOT {
        root: "String",
        epoch: "UInt16",
        source: "String",
        opened: "UInt64",
        version: "UInt64",
        root_seen: "Bool",
        root_time: "DateTime64(3, 'UTC')",
        root_is_brand: "Bool",
        root_to_brand: "Bool",
        brand: "String",
        campaign: "String",
        channel: "String",
        platform: "String",
        community: "String",
        experiment: "String",
        arm: "String",
        tags: "Array(String)",
        url: "String",
    }
    ActivityWindow = "activity_window", newest NEXT, mark WINDOW {
        window_start: "DateTime('UTC')",
        root: "String",
        epoch: "UInt16",
        source: "String",
        opened: "UInt64",
        version: "UInt64",
        posts: "UInt32",
        shares: "UInt32",
        quotes: "UInt32",
        replies: "UInt32",
        brand_replies: "UInt32",
        mentions: "UInt32",
        reactions: "UInt32",
        deletes: "UInt32",
        clicks: "UInt32",
        sharers: "Array(UInt64)",
        repliers: "Array(UInt64)",
        share_minutes: "Array(UInt8)",
        reply_minutes: "Array(UInt8)",
        brand_reply_minutes: "Array(UInt8)",
        samples: "Map(String, Float64)",
    }

    Cascade = "cascade", newest NEXT, mark ROOT {
        root: "String",
        epoch: "UInt16",
        source: "String",
        opened: "UInt64",
        version: "UInt64",
        size: "UInt64",
        max_depth: "UInt32",
        levels: "Array(UInt64)",
        s1: "UInt64",
        s2: "UInt128",
        inferred: "UInt64",
        cycles_cut: "UInt32",
        self_edges: "UInt32",
        reported_inferred: "UInt64",
        unique_actors: "UInt64",
        deleted_actors: "UInt64",
        repeat_shares: "UInt64",
        self_shares: "UInt64",
        quotes: "UInt64",
        deletes: "UInt64",
        max_children: "UInt64",
        reach: "UInt64",
        reach_known: "UInt64",
        first_time: "DateTime64(3, 'UTC')",
        last_time: "DateTime64(3, 'UTC')",
        ages_from_post: "Bool",
        age_hist: "Map(Int16, UInt64)",
        delay_hist: "Map(Int16, UInt64)",
        depth_first_ms: "Array(UInt64)",
        users_first_ms: "Map(UInt32, UInt64)",
        spreaders: "UInt64",
        top_nodes: "Array(Tuple(actor UInt64, children UInt32, descendants UInt64, depth UInt32, is_brand Bool))",
    }

    Thread = "thread", newest NEXT, mark ROOT {
        root: "String",
        epoch: "UInt16",
        source: "String",
        opened: "UInt64",
        version: "UInt64",
        size: "UInt64",
        max_depth: "UInt32",
        levels: "Array(UInt64)",
        s1: "UInt64",
        s2: "UInt128",
        inferred: "UInt64",
        cycles_cut: "UInt32",
        self_edges: "UInt32",
        unique_actors: "UInt64",
        deleted_actors: "UInt64",
        deletes: "UInt64",
        h_index: "UInt32",
        brand_replies: "UInt64",
        audience_replies: "UInt64",
        nonself_replies: "UInt64",
        two_way_replies: "UInt64",
        dyads: "UInt64",
        reciprocal_pairs: "UInt64",
        dyad_fwd: "Array(UInt64)",
        dyad_rev: "Array(UInt64)",
        aba: "UInt64",
        aba_eligible: "UInt64",
        longest_exchange: "UInt32",
        reentrants: "UInt64",
        sessions: "UInt32",
        longest_session_ms: "UInt64",
        longest_session_messages: "UInt32",
        last_session_start: "DateTime64(3, 'UTC')",
        first_time: "DateTime64(3, 'UTC')",
        last_time: "DateTime64(3, 'UTC')",
        latency_hist: "Map(Int16, UInt64)",
        first_response_hist: "Map(Int16, UInt64)",
        brand_response_hist: "Map(Int16, UInt64)",
        customer_messages: "UInt64",
        customer_messages_answered: "UInt64",
        customer_quarters: "Array(Tuple(quarter DateTime('UTC'), messages UInt32, within_15_minutes UInt32, within_1_hour UInt32, within_24_hours UInt32))",
    }
}
