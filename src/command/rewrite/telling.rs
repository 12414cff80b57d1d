//! What the command says: which sources need what, what was done, what is lost, and what was not done and why.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Failed, Options, Plan, Source};
use crate::assignment::StoreId;
use crate::command::outcome::CommandError;
use crate::command::table::{Table, or_dash};
use crate::failure::causes;
use crate::loss::{Loss, Shown};
use crate::rewrite::Standing;

/// Sources of which there are checkpoints, and that the topic does not have.
pub(super) fn without_a_partition(sources: &BTreeSet<String>) -> String {
    if sources.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = sources.iter().map(String::as_str).collect();
    format!(
        "without a partition: {}; there are checkpoints of them, and nothing of them is written again (is `kafka.topic` the right one? was it \
         created again, with fewer partitions?)\n",
        names.join(", ")
    )
}

/// Which sources were not rewritten, and why: of these, and of those that were not tried any more.
pub(super) fn not_rewritten(failed: &[Failed], plans: &[Plan]) -> CommandError {
    let mut text = "not rewritten, and the same command does it once that is mended:".to_owned();
    for (source, why) in failed {
        text += &format!("\n{source}: {}", causes(why));
    }
    let is_untried = |plan: &&Plan| !plan.is_done && !failed.iter().any(|(source, _)| *source == plan.source.name);
    for plan in plans.iter().filter(is_untried) {
        text += &format!("\n{}: not tried any more", plan.source.name);
    }
    CommandError::Refused(text)
}

pub(super) fn nothing_to_rewrite(standings: &[(Source, Standing)], told: &str) -> CommandError {
    let heals = standings.iter().any(|(_, standing)| *standing == Standing::Heals);
    let why = if heals {
        "of what the store has lost, a kept checkpoint is as old: start the workers, which read on from there and write it again exactly"
    } else {
        "the store holds what the checkpoints say of every source. If facts or rejects alone are gone, which nothing shows, say --all"
    };
    CommandError::Refused(format!("nothing to rewrite: {why}\n\n{}", told.trim_end()))
}

/// The sources, and what each needs.
pub(super) fn told(standings: &[(Source, Standing)]) -> String {
    let mut table = Table::new(["source", "state at", "in the store", "lacking", "log begins", "needs"]);
    for (Source { name, next, known, promise, bounds, .. }, standing) in standings {
        let needs = match standing {
            Standing::Whole => "nothing",
            Standing::Heals => "a worker: an older checkpoint fits",
            Standing::Forgotten => "to be rewritten",
        };
        let lacking = known.lacking(promise.tables).join(" ");
        let lacking = if lacking.is_empty() { "-".to_owned() } else { lacking };
        table.row([
            name.to_string(),
            next.to_string(),
            or_dash(known.progress),
            lacking,
            bounds.first.to_string(),
            needs.to_owned(),
        ]);
    }
    table.text()
}

/// Partitions that somebody has read, and of which no checkpoint is left to write again from.
pub(super) fn without_a_state(sources: &[Arc<str>]) -> String {
    if sources.is_empty() {
        return String::new();
    }
    format!("without a sound checkpoint: {}; nothing of them is written again (`grapevine resume`)\n", sources.join(", "))
}

pub(super) fn report(plans: &[Plan], id: Option<StoreId>, options: Options) -> String {
    let mut text = String::new();
    let verb = |now: &'static str, then: &'static str| if options.plan { then } else { now };
    if let Some(id) = id {
        text += &format!("\nthe empty store {} the id {id}, which the checkpoints name\n", verb("was given", "would be given"));
    }
    for Plan { source: Source { name, next, .. }, evidence, to_read, .. } in
        plans.iter().filter(|plan| plan.is_done || options.plan)
    {
        text += &format!(
            "\n{name}: facts and rejects of offsets {} to {next}, and every living root at version {next} {} written\n",
            to_read.start,
            verb("were", "would be")
        );
        if evidence.is_uncut() {
            text += "  the log still begins where the rows did: a new epoch is exact for everything, this is not\n";
        }
    }
    if options.plan {
        for Plan { source: Source { name, .. }, evidence, .. } in plans {
            let if_any = if evidence.asks_the_log() { ", unless the log shows that there was nothing" } else { "" };
            for Loss { table, first, next, reason, .. } in evidence.lost_records(&Shown::default()) {
                text += &format!("  lost of {name} in {table}: {reason}, {first} to {next}{if_any}\n");
            }
        }
        for plan in plans {
            let tables: Vec<&str> = plan.evidence.lost_lives().tables().collect();
            if !tables.is_empty() {
                text += &format!(
                    "  of roots of {} that have left memory, if any, the rows in {} are lost\n",
                    plan.source.name,
                    tables.join(", ")
                );
            }
        }
        return text + "\nnothing was done: this is a plan\n";
    }
    if plans.iter().any(|plan| !plan.losses.is_empty()) {
        text += &format!("\n{}", lost(plans));
    }
    text
}

/// What to do once every source is written again.
pub(super) const THEN: &str = "\nstart the workers: they read on from there; the view `losses` keeps what is lost\n";

/// What was noted as lost.
fn lost(plans: &[Plan]) -> String {
    let mut table = Table::new(["source", "table", "first", "next", "lives", "lost"]);
    for Plan { source: Source { name: source, .. }, losses, .. } in plans {
        for Loss { table: name, first, next, lives, reason } in losses {
            let lives = or_dash(*lives);
            table.row([source.to_string(), (*name).to_owned(), first.to_string(), next.to_string(), lives, (*reason).to_owned()]);
        }
    }
    table.text()
}
