//! How a store's tables lie on its servers (`clickhouse.layout`): one text of SQL, three renderings. Pure.
//!
//! What belongs to a source is told by its key: the rows of an epoch do, and their tables have `epoch` in it. A sharded store keeps them
//! by source, so that rows which replace each other, and the rows of a life, lie on one server; everything else lies on all of them.

use super::{Setting, rows_database};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS ";
const VIEW: &str = "CREATE OR REPLACE VIEW ";
const ALTER: &str = "ALTER TABLE ";
const ENGINE: &str = "\n) ENGINE = ";

/// On which shard a row lies: that of its source, so that rows which replace each other lie together, and the mark of a source in a table, in
/// the epoch of marks and with the epoch that it is of before its name, beside the rows that it stands for.
const BY_SOURCE: &str = "cityHash64(splitByChar(':', source)[-1])";

/// The place in Keeper of a table that a shard's servers copy from each other, and the name of a copy there. By the names of tables, so that a
/// server which comes later finds the copies of the others: by default a place goes by a number that each server makes for itself.
const OF_A_SHARD: &str = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";

/// The same of a table that all servers copy from each other.
const EVERYWHERE: &str = "'/clickhouse/tables/everywhere/{database}/{table}', '{shard}-{replica}'";

/// What the name of the database of rows has behind it for the part that a server of a sharded store keeps itself.
const LOCAL: &str = "_local";

/// Of tables that are copied: whoever says yes to an insert has most replicas' word for it. Of tables that are spread: and each server's.
const SETTINGS: [Setting; 2] = [("insert_quorum", "auto"), ("distributed_foreground_insert", "1")];

/// How tables lie on servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// One server holds everything.
    #[default]
    Single,
    /// Every server holds everything.
    Replicated {
        /// The servers, as they know themselves; nothing: the database copies its tables itself.
        cluster: Option<String>,
    },
    /// Every shard, of one server or more, holds the rows of some sources.
    Sharded {
        /// The servers, as they know themselves.
        cluster: String,
    },
}

impl Layout {
    /// The word for it (`clickhouse.layout`).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Layout::Single => "single",
            Layout::Replicated { .. } => "replicated",
            Layout::Sharded { .. } => "sharded",
        }
    }

    /// The name of the servers, if they have one.
    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        match self {
            Layout::Single => None,
            Layout::Replicated { cluster } => cluster.as_deref(),
            Layout::Sharded { cluster } => Some(cluster),
        }
    }

    /// Whether shards hold different rows.
    #[must_use]
    pub fn is_sharded(&self) -> bool {
        matches!(self, Layout::Sharded { .. })
    }

    /// What every statement says.
    #[must_use]
    pub fn settings(&self) -> &'static [Setting] {
        match self {
            Layout::Single => &[],
            Layout::Replicated { .. } => &SETTINGS[..1],
            Layout::Sharded { .. } => &SETTINGS,
        }
    }

    /// The databases of a store, whose readers see the first.
    #[must_use]
    pub fn databases(&self, people: &str) -> Vec<String> {
        let rows = rows_database(people);
        let local = self.is_sharded().then(|| local_database(&rows));
        [people.to_owned(), rows].into_iter().chain(local).collect()
    }

    /// What makes one of them.
    #[must_use]
    pub fn make_database(&self, name: &str) -> String {
        format!("CREATE DATABASE IF NOT EXISTS `{name}`{}", self.everywhere())
    }

    /// The statements that one of the files becomes; what it makes or alters lies in the database `rows` where it names none.
    #[must_use]
    pub fn render(&self, statement: &str, rows: &str) -> Vec<String> {
        let on = self.everywhere();
        let Some((head, name, rest)) = parts(statement) else { return vec![statement.to_owned()] };
        if head != TABLE {
            return vec![format!("{head}{name}{on}{rest}")];
        }
        match self {
            Layout::Single => vec![statement.to_owned()],
            Layout::Replicated { cluster } => {
                // A database that copies its tables knows their places, and lets nobody say them.
                let place = cluster.as_ref().map_or("", |_| OF_A_SHARD);
                vec![format!("{TABLE}{name}{on}{}", replicated(rest, place))]
            }
            Layout::Sharded { cluster } if is_of_a_source(statement) => {
                let local = local_database(rows);
                let comment = rest.rsplit_once("\nCOMMENT ").map_or("", |(_, comment)| comment);
                vec![
                    format!("{TABLE}`{local}`.{name}{on}{}", replicated(rest, OF_A_SHARD)),
                    format!(
                        "{TABLE}{name}{on} AS `{local}`.{name}\nENGINE = Distributed('{cluster}', '{local}', '{name}', {BY_SOURCE})\n\
                         COMMENT {comment}"
                    ),
                ]
            }
            Layout::Sharded { .. } => vec![format!("{TABLE}{name}{on}{}", replicated(rest, EVERYWHERE))],
        }
    }

    /// The statements that add a column to a table, `definition` and all; `of_a_source`: the table is.
    #[must_use]
    pub fn add_column(&self, (table, of_a_source): (&str, bool), definition: &str, rows: &str) -> Vec<String> {
        let on = self.everywhere();
        let local = (self.is_sharded() && of_a_source).then(|| format!("`{}`.{table}", local_database(rows)));
        let tables = local.into_iter().chain([table.to_owned()]);
        tables.map(|table| format!("{ALTER}{table}{on} ADD COLUMN IF NOT EXISTS {definition}")).collect()
    }

    /// Deletes rows of a source's table: copies follow, shards are each told. Its end is awaited on all servers, however long it takes.
    #[must_use]
    pub fn delete_rows(&self, table: &str, rows: &str, which: &str) -> String {
        let alter = match self {
            Layout::Single | Layout::Replicated { .. } => format!("{ALTER}{table}"),
            Layout::Sharded { .. } => format!("{ALTER}`{}`.{table}{}", local_database(rows), self.everywhere()),
        };
        format!("{alter} DELETE WHERE {which} SETTINGS mutations_sync = 2, distributed_ddl_task_timeout = -1")
    }

    /// How a statement begins that says something else of a table which lies on all servers.
    #[must_use]
    pub fn alter(&self, table: &str) -> String {
        format!("{ALTER}{table}{}", self.everywhere())
    }

    /// Why a table that is there would not do, by its engine, and in a sharded store by that of the part which the server keeps itself;
    /// `of_a_source`: the table is.
    #[must_use]
    pub fn misfit(&self, engine: &str, local: Option<&str>, of_a_source: bool) -> Option<&'static str> {
        let is_copied = |engine: &str| engine.starts_with("Replicated") || engine.starts_with("Shared");
        match self {
            Layout::Single => {
                (engine == "Distributed").then_some("is spread over servers, as by clickhouse.layout = \"sharded\"")
            }
            Layout::Replicated { .. } if engine == "Distributed" => {
                Some("is spread over shards, as by clickhouse.layout = \"sharded\"")
            }
            Layout::Sharded { .. } if of_a_source && engine != "Distributed" => {
                Some("is not spread over shards, as clickhouse.layout = \"sharded\" has it")
            }
            Layout::Replicated { .. } | Layout::Sharded { .. } => (!is_copied(local.unwrap_or(engine)))
                .then_some("is not replicated, so that each server would hold a part of the rows"),
        }
    }

    /// On all servers, where they are known by name.
    fn everywhere(&self) -> String {
        self.cluster().map_or_else(String::new, |cluster| format!(" ON CLUSTER `{cluster}`"))
    }
}

/// The database of what a server of a sharded store keeps itself, beside that of all rows.
#[must_use]
pub fn local_database(rows: &str) -> String {
    format!("{rows}{LOCAL}")
}

/// Whether a statement makes a table whose rows belong to a source.
#[must_use]
pub fn is_of_a_source(statement: &str) -> bool {
    let key = statement.strip_prefix(TABLE).and_then(|rest| rest.split_once("\nORDER BY ")?.1.lines().next());
    key.is_some_and(|key| key.split(|c: char| !c.is_alphanumeric()).any(|column| column == "epoch"))
}

/// How a statement of the files begins, what it makes or alters, and the rest.
fn parts(statement: &str) -> Option<(&'static str, &str, &str)> {
    let (head, rest) = [TABLE, VIEW, ALTER].into_iter().find_map(|head| Some((head, statement.strip_prefix(head)?)))?;
    let end = rest.find(char::is_whitespace)?;
    Some((head, &rest[..end], &rest[end..]))
}

/// The rest of a table's statement with the engine that copies it, and what that is told first.
fn replicated(rest: &str, place: &str) -> String {
    let Some((columns, after)) = rest.split_once(ENGINE) else { return rest.to_owned() };
    let (engine, after) = after.split_once('\n').unwrap_or((after, ""));
    let (engine, version) = engine.trim_end_matches(')').split_once('(').unwrap_or((engine, ""));
    let arguments = [place, version].into_iter().filter(|argument| !argument.is_empty()).collect::<Vec<_>>().join(", ");
    let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
    format!("{columns}{ENGINE}Replicated{engine}{arguments}\n{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickhouse::TABLES;
    use crate::migrations::{MIGRATIONS, Migration};

    fn layouts() -> [(&'static str, Layout); 3] {
        [
            ("replicated_database", Layout::Replicated { cluster: None }),
            ("replicated", Layout::Replicated { cluster: Some("north".to_owned()) }),
            ("sharded", Layout::Sharded { cluster: "north".to_owned() }),
        ]
    }

    fn statements() -> impl Iterator<Item = &'static str> {
        MIGRATIONS.iter().flat_map(Migration::statements)
    }

    #[test]
    fn on_one_server_the_text_is_run_as_it_stands() {
        for statement in statements() {
            assert_eq!(Layout::Single.render(statement, "gv_rows"), [statement]);
        }
    }

    /// Of each statement its first line, and of a table how it is kept: the rest is the text's.
    #[test]
    fn each_layout_is_the_one_on_record() {
        for (name, layout) in layouts() {
            let rendered = statements().flat_map(|statement| layout.render(statement, "gv_rows"));
            let shown = |statement: String| {
                let is_kept = |(at, line): &(usize, &str)| {
                    *at == 0 || [") ENGINE", "ENGINE", "ORDER BY"].iter().any(|word| line.starts_with(word))
                };
                let is_table = statement.starts_with(TABLE);
                let lines = statement.lines().enumerate().filter(|line| line.0 == 0 || (is_table && is_kept(line)));
                lines.map(|(_, line)| line.to_owned() + "\n").collect::<String>()
            };
            insta::assert_snapshot!(name, rendered.map(shown).collect::<String>());
        }
    }

    #[test]
    fn nothing_but_engines_and_places_differs_from_the_text() {
        for (_, layout) in layouts() {
            for statement in statements() {
                let rendered = layout.render(statement, "gv_rows").swap_remove(0);
                let plain = rendered.replace(" ON CLUSTER `north`", "").replace("`gv_rows_local`.", "");
                let plain = [EVERYWHERE, OF_A_SHARD].iter().fold(plain, |text, place| text.replace(place, ""));
                let plain = plain.replace("Tree(, ", "Tree(").replace("Tree()", "Tree");
                assert_eq!(plain.replace(") ENGINE = Replicated", ") ENGINE = "), statement);
            }
        }
    }

    #[test]
    fn what_workers_write_belongs_to_a_source_and_beside_it_gaps_alone() {
        let mut written: Vec<&str> = TABLES.iter().map(|table| table.name).chain(["gap", "loss"]).collect();
        let mut of_sources: Vec<&str> = statements()
            .filter(|statement| is_of_a_source(statement))
            .filter_map(|statement| Some(parts(statement)?.1))
            .collect();
        written.sort_unstable();
        of_sources.sort_unstable();
        assert_eq!(of_sources, written);
    }

    #[test]
    fn a_column_is_added_where_rows_lie_before_it_is_asked_for() {
        let [_, (_, copied), (_, sharded)] = layouts();
        let add = |layout: &Layout, of_a_source| layout.add_column(("cascade", of_a_source), "reach UInt64 FIRST", "gv_rows");
        assert_eq!(add(&copied, true), ["ALTER TABLE cascade ON CLUSTER `north` ADD COLUMN IF NOT EXISTS reach UInt64 FIRST"]);
        assert_eq!(
            add(&sharded, true),
            [
                "ALTER TABLE `gv_rows_local`.cascade ON CLUSTER `north` ADD COLUMN IF NOT EXISTS reach UInt64 FIRST",
                "ALTER TABLE cascade ON CLUSTER `north` ADD COLUMN IF NOT EXISTS reach UInt64 FIRST"
            ]
        );
        assert_eq!(add(&sharded, false).len(), 1);
    }

    #[test]
    fn rows_are_changed_where_they_lie() {
        let [_, (_, copied), (_, sharded)] = layouts();
        let rest = "DELETE WHERE epoch = 1 SETTINGS mutations_sync = 2, distributed_ddl_task_timeout = -1";
        let delete = |layout: &Layout| layout.delete_rows("root", "gv_rows", "epoch = 1");
        assert_eq!(delete(&Layout::Single), format!("ALTER TABLE root {rest}"));
        assert_eq!(delete(&copied), format!("ALTER TABLE root {rest}"), "a replica tells the others");
        assert_eq!(delete(&sharded), format!("ALTER TABLE `gv_rows_local`.root ON CLUSTER `north` {rest}"));
    }

    #[test]
    fn a_table_of_another_layout_is_told_by_its_engine() {
        let [_, (_, copied), (_, sharded)] = layouts();
        let (plain, replica, spread) = ("ReplacingMergeTree", "ReplicatedReplacingMergeTree", "Distributed");
        for (layout, engine, local, of_a_source, fits) in [
            (&Layout::Single, plain, None, true, true),
            (&Layout::Single, replica, None, true, true),
            (&Layout::Single, spread, None, true, false),
            (&copied, replica, None, true, true),
            (&copied, "SharedReplacingMergeTree", None, true, true),
            (&copied, plain, None, true, false),
            (&copied, spread, None, true, false),
            (&sharded, spread, Some(replica), true, true),
            (&sharded, spread, Some(plain), true, false),
            (&sharded, replica, None, true, false),
            (&sharded, replica, None, false, true),
            (&sharded, "MergeTree", None, false, false),
        ] {
            assert_eq!(layout.misfit(engine, local, of_a_source).is_none(), fits, "{layout:?}: {engine} over {local:?}");
        }
    }
}
