//! The values of labels, each a closed set: an enum whose variants are resolved to series once.

use crate::clickhouse::TABLES;

/// A closed set of label values; a value's place in the list is the number of its variant.
pub(super) trait Label {
    const VALUES: &'static [&'static str];
}

/// Declares an enum whose variants are the values of a label.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl Label for $name {
            const VALUES: &'static [&'static str] = &[$($value,)*];
        }

        impl $name {
            /// All variants, in the order of their declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
        }
    };
}

/// A table that rows are inserted into: its place in the list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(pub(super) usize);

impl Label for Table {
    const VALUES: &'static [&'static str] = &{
        let mut names = [""; TABLES.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = TABLES[at].name;
            at += 1;
        }
        names
    };
}

impl Table {
    /// The table of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Table> {
        TABLES.iter().position(|table| table.name == name).map(Table)
    }
}

label! {
    /// What is wrong with the topic.
    TopicProblem {
        /// It does not exist.
        Missing = "missing",
        /// Compaction takes records away.
        Compacted = "compacted",
        /// Records are kept for too short a time.
        ShortRetention = "short_retention",
    }
}

label! {
    /// How an attempt to insert ended.
    InsertResult {
        /// Acknowledged.
        Ok = "ok",
        /// Tried again soon.
        Transient = "transient",
        /// Somebody must act.
        Operator = "operator",
    }
}

label! {
    /// Why an attempt is repeated.
    ErrorClass {
        /// The store will recover by itself.
        Transient = "transient",
        /// Somebody must act; the same rows are tried again, slowly.
        Operator = "operator",
    }
}

label! {
    /// What became of a checkpoint.
    CheckpointResult {
        /// It is in the store of checkpoints.
        Published = "published",
        /// It could not be written; processing goes on.
        Failed = "failed",
        /// It was read at an assignment.
        Restored = "restored",
    }
}

label! {
    /// How the assignment changed.
    Rebalance {
        /// Partitions came.
        Assigned = "assigned",
        /// Partitions were given back in order.
        Revoked = "revoked",
        /// Partitions were taken away.
        Lost = "lost",
        /// The group turned this member away, and with it what it had.
        Fenced = "fenced",
    }
}

label! {
    /// What a gap between two records turned out to be.
    GapKind {
        /// Asked for again, the records came: they had been skipped.
        Filled = "filled",
        /// Asked for again, nothing came: a transaction's marker, or compaction.
        Confirmed = "confirmed",
        /// Believed, because another one had just been asked for.
        Unasked = "unasked",
    }
}

label! {
    /// What a loop spends its time on.
    Phase {
        /// Waiting for records.
        Poll = "poll",
        /// Parsing and folding.
        Process = "process",
        /// Making rows.
        Flush = "flush",
        /// Waiting because rows cannot leave.
        Backpressure = "backpressure",
        /// Copying states.
        Checkpoint = "checkpoint",
        /// Committing offsets.
        Commit = "commit",
        /// Restoring and giving back partitions.
        Rebalance = "rebalance",
    }
}
