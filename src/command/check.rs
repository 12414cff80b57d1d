//! `grapevine check`: names all mistakes of a configuration at once, or says what a worker would use.
//!
//! Nothing is contacted: it runs where neither Kafka nor ClickHouse can be reached, such as before a deployment. With `--probe` they are.

mod probe;

use std::io::Write;
use std::path::Path;

use super::outcome::{CommandError, say};
use crate::config::{Config, ConfigErrors};
use crate::engine::BYTES_AN_ENTRY;
use crate::memory;

/// What to look at.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Ask Kafka, ClickHouse and the checkpoint store, too: whether they are what the configuration says, and allow what a worker does
    ///
    /// A line each: ok, unknown, or wrong with the key and the cure; ends with 1 if anything is wrong. No row is written, nothing of
    /// the log is read and nobody joins the group; at the place of the checkpoints an object is written and deleted again.
    #[arg(long)]
    pub probe: bool,
}

/// The exit code of a configuration that is good, of parts that are not what it says.
pub const WRONG_PARTS: u8 = 1;

/// The exit code of a bad configuration (`EX_USAGE`).
pub const BAD_CONFIGURATION: u8 = 64;

/// Prints the outcome: to standard output if the configuration is good, else to standard error. Returns the exit code.
pub fn run(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> u8 {
    let (printed, code) = match report(path, env, memory::limit()) {
        Ok(report) => (write!(std::io::stdout(), "{report}"), 0),
        Err(mistakes) => (writeln!(std::io::stderr(), "{mistakes}"), BAD_CONFIGURATION),
    };
    // A reader that went away (`| head`) changes nothing about the configuration.
    drop(printed);
    code
}

/// Asks the parts of a configuration, and prints what they say. Returns the exit code.
///
/// # Errors
///
/// When standard output fails.
pub async fn probe(config: &Config) -> Result<u8, CommandError> {
    let findings = probe::ask(config).await;
    say(&findings.text())?;
    Ok(if findings.wrong { WRONG_PARTS } else { 0 })
}

/// What a state takes beside its engine, an entry: when it is restored, 37 bytes decompressed and at most 37 as an object; when
/// it is published, 37 as bytes and 41 of the engine's that changed meanwhile (measured: docs/benchmarks.md). A loop restores or
/// publishes many small states at once, but only one that is large.
const STATE_BYTES_AN_ENTRY: u64 = 78;

/// How much the last fetch of a partition is counted for, which the client unpacks before it looks at the bound of its queue:
/// events as people write them shrink to a tenth at best.
const UNPACKED: u64 = 10;

/// How many inserts of full size a thread may hold: two flushes are under way, and in the worst case all of each is one column.
const INSERTS: u64 = 2;

/// What `check` prints about a good configuration.
///
/// # Errors
///
/// All mistakes of the configuration.
pub fn report(
    path: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    memory: Option<u64>,
) -> Result<String, ConfigErrors> {
    let config = Config::load(path, env)?;
    Ok(format!("ok\n\n{}\n{}", config.effective(), sums(&config, config.memory.limit.or(memory))))
}

/// What full partitions and threads at work take of memory, in bytes.
struct Needs {
    /// A full partition.
    partition: u64,
    /// Its fetched records.
    queued: u64,
    answers: u64,
    inserts: u64,
    /// Of what is restored or published.
    state: u64,
}

impl Needs {
    fn of(config: &Config) -> Needs {
        let threads = config.worker.threads as u64;
        let overshot = (config.kafka.fetch_partition_bytes as u64).saturating_mul(UNPACKED);
        Needs {
            partition: config.rules.budget.saturating_mul(BYTES_AN_ENTRY),
            queued: (config.kafka.queued_bytes as u64).saturating_add(overshot),
            answers: (config.kafka.fetch_bytes as u64).saturating_mul(threads),
            inserts: (config.flush.bytes_max as u64).saturating_mul(INSERTS).saturating_mul(threads),
            state: config.rules.budget.saturating_mul(STATE_BYTES_AN_ENTRY).saturating_mul(threads),
        }
    }

    /// What all threads take beside their partitions.
    fn working(&self) -> u64 {
        self.answers.saturating_add(self.inserts).saturating_add(self.state)
    }

    /// How many full partitions fit besides that.
    fn full_partitions(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.working()) / self.partition.saturating_add(self.queued).max(1)
    }
}

/// What a worker warns of when it begins: not even one partition may grow as large as its budget lets it.
pub(super) fn too_little_memory(config: &Config, limit: Option<u64>) -> Option<String> {
    let (limit, needs) = (limit?, Needs::of(config));
    (needs.full_partitions(limit) == 0).then(|| {
        format!(
            "a partition of `rules.budget_entries` = {} takes {}, with its fetched records and what {} threads need at work {}, and {} are \
             allowed: lower rules.budget_entries or worker.threads, or give it more memory (`grapevine check` adds it up)",
            config.rules.budget,
            size(needs.partition),
            config.worker.threads,
            size(needs.partition.saturating_add(needs.queued).saturating_add(needs.working())),
            size(limit)
        )
    })
}

/// What the configuration costs, as comments under the effective configuration.
fn sums(config: &Config, memory: Option<u64>) -> String {
    let needs = Needs::of(config);
    let mut text = format!(
        "# memory: up to {} a partition (rules.budget_entries x {BYTES_AN_ENTRY} bytes) and {} of its fetched records \
         (kafka.queued_kib + kafka.fetch_partition_kib x {UNPACKED}), {} for answers of brokers (kafka.fetch_kib), {} for inserts \
         (flush.bytes_max x {INSERTS}), and {} while each thread restores or publishes a full partition (x {STATE_BYTES_AN_ENTRY} \
         bytes)\n",
        size(needs.partition),
        size(needs.queued),
        size(needs.answers),
        size(needs.inserts),
        size(needs.state)
    );
    text += &match memory {
        None => "# memory: the limit of this machine is not known\n".to_owned(),
        Some(limit) => {
            let fit = needs.full_partitions(limit);
            let advice = if fit == 0 { "; lower rules.budget_entries or give it more memory" } else { "" };
            format!("# memory: of the {} allowed here, {fit} full partitions fit besides that{advice}\n", size(limit))
        }
    };
    text + &format!(
        "# group: {}; sources: {}/0, {}/1, ...\n",
        config.kafka.group_of(config.rules.epoch),
        config.worker.log,
        config.worker.log
    )
}

fn size(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_that_no_machine_holds_is_warned_of() {
        let warned = |budget: &str, limit| {
            let budget = ("GRAPEVINE_RULES_BUDGET_ENTRIES".to_owned(), budget.to_owned());
            too_little_memory(&Config::load_without_key(None, std::iter::once(budget)).unwrap(), limit)
        };
        let said = warned("4000000000", Some(24 << 30)).unwrap();
        assert!(said.starts_with("a partition of `rules.budget_entries` = 4000000000 takes 305176 MiB, with"), "{said}");
        assert!(
            said.contains(" MiB, and 24576 MiB are allowed: lower rules.budget_entries or") && !said.contains("  "),
            "{said}"
        );
        assert_eq!([warned("1000000", Some(24 << 30)), warned("4000000000", None)], [None, None]);
    }
}
