//! What the database holds, beside what the files make: what is missing, and what is in the way.
//!
//! `schema_migrations` says which files were applied, not that what they made is still there. Columns are compared in the
//! tables that the program itself writes; the others belong to people, who may keep a view or a table of their own there.

use std::collections::BTreeMap;

use ::clickhouse::Client;

use super::{Migration, SchemaProblem, store};
use crate::clickhouse::{Layout, TABLES, is_of_a_source, local_database, people_database};
use crate::rollup::{ANSWERS, Answer};

/// What commands and migrations write, beside [`TABLES`] and the answers.
const OURS: [&str; 7] = ["active_epoch", "gap", "loss", "removal", "run", "schema_migrations", "store"];

/// The answer that a table keeps the runs of.
fn answer_of(table: &str) -> Option<&'static Answer> {
    ANSWERS.iter().find(|answer| answer.table() == table)
}

/// A table or a view, as a statement of a file makes it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) name: &'static str,
    is_view: bool,
    of_a_source: bool,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    /// Its type, its default and its comment.
    definition: &'static str,
    /// Whether rows are sorted by it: it cannot be added.
    in_key: bool,
}

impl Column {
    fn kind(&self) -> &'static str {
        let end = [" COMMENT '", " DEFAULT "].iter().filter_map(|word| self.definition.find(word)).min();
        &self.definition[..end.unwrap_or(self.definition.len())]
    }
}

impl Made {
    /// Every statement of ours that makes something begins in one of two ways, and has a line for each column.
    pub(super) fn by(statement: &'static str) -> Option<Made> {
        if let Some(rest) = statement.strip_prefix("CREATE OR REPLACE VIEW ") {
            return Some(Made { name: rest.split_whitespace().next()?, is_view: true, of_a_source: false, columns: Vec::new() });
        }
        let (name, rest) = statement.strip_prefix("CREATE TABLE IF NOT EXISTS ")?.split_once(" (\n")?;
        let (columns, rest) = rest.split_once("\n)")?;
        let (_, key) = rest.split_once("ORDER BY ")?;
        let key: Vec<&str> = key.lines().next()?.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let column = |line: &'static str| {
            let (name, definition) = line.trim().trim_end_matches(',').split_once(' ')?;
            let is_column = !["INDEX", "PROJECTION", "CONSTRAINT"].contains(&name);
            is_column.then(|| Column { name, definition: definition.trim_start(), in_key: key.contains(&name) })
        };
        Some(Made {
            name,
            is_view: false,
            of_a_source: is_of_a_source(statement),
            columns: columns.lines().filter_map(column).collect(),
        })
    }

    fn is_ours(&self) -> bool {
        TABLES.iter().any(|table| table.name == self.name) || OURS.contains(&self.name) || answer_of(self.name).is_some()
    }

    /// Whether the worker does without it.
    fn is_for_people(&self) -> bool {
        !TABLES.iter().any(|table| table.name == self.name) && self.name != "store"
    }
}

/// The names of the tables that nobody but people fills.
#[must_use]
pub fn loaded_by_people() -> Vec<&'static str> {
    made_by(super::MIGRATIONS).filter(|made| !made.is_view && !made.is_ours()).map(|made| made.name).collect()
}

/// The table or view that a statement makes or alters.
pub(super) fn subject(statement: &'static str) -> Option<&'static str> {
    let altered = || statement.strip_prefix("ALTER TABLE ")?.split_whitespace().next();
    Made::by(statement).map(|made| made.name).or_else(altered)
}

/// Whether a statement only says what columns are, a line each.
pub(super) fn describes_columns(statement: &str) -> bool {
    let says = |line: &str| line.starts_with("    COMMENT COLUMN ");
    statement.starts_with("ALTER TABLE ") && statement.split_once('\n').is_some_and(|(_, lines)| lines.lines().all(says))
}

/// What the database holds, by name; what people read, by the name that the files give it.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<String, Table>);

#[derive(Debug)]
struct Table {
    engine: String,
    /// In a sharded store, of a table of a source: that of the part which the server keeps itself.
    local: Option<String>,
    /// Also if nobody counts them.
    has_rows: bool,
    /// Names and types.
    columns: BTreeMap<String, String>,
}

impl Held {
    /// Asks; of a database that does not exist the answer is nothing. For everything, what is not on all servers of a cluster is not there.
    pub(super) async fn by(client: &Client, layout: &Layout, needs: Needs) -> Result<Held, SchemaProblem> {
        let people = people_database(client).map_err(SchemaProblem::Store)?;
        let database = client.database().unwrap_or("default");
        let local = if layout.is_sharded() { local_database(database) } else { String::new() };
        let client = client.clone().with_database("system");
        let everywhere = layout.cluster().filter(|_| needs == Needs::Everything);
        let of = |table: &str| {
            everywhere.map_or(table.to_owned(), |cluster| format!("clusterAllReplicas(`{cluster}`, system.{table})"))
        };
        let within = |query: &str| {
            let name = format!("multiIf(database = {{people:String}}, '{PEOPLE}', database = {{local:String}}, '{PART}', '')");
            let query = query.replace("{place}", &name).replace("{all}", "{database:String}, {people:String}, {local:String}");
            client.query_raw(&query).param("database", database).param("people", people).param("local", &local)
        };
        let tables = format!(
            "SELECT {{place}} || name AS shown, min(engine), toUInt8(max(ifNull(total_rows > 0, 1))) FROM {} WHERE database IN ({{all}}) \
             GROUP BY shown HAVING uniqExact(hostName()) = (SELECT uniqExact(hostName()) FROM {})",
            of("tables"),
            of("one")
        );
        let tables: Vec<(String, String, u8)> = within(&tables).fetch_all().await.map_err(store)?;
        let columns = "SELECT {place} || table, name, type FROM system.columns WHERE database IN ({all}) AND database != {people:String} AND \
                       table IN {ours:Array(String)}";
        let ours = TABLES.iter().map(|table| table.name).chain(OURS).map(str::to_owned);
        let ours: Vec<String> = ours.chain(ANSWERS.iter().map(Answer::table)).collect();
        let columns: Vec<(String, String, String)> = within(columns).param("ours", ours).fetch_all().await.map_err(store)?;
        Ok(Held::of(tables, columns, layout))
    }

    fn of(tables: Vec<(String, String, u8)>, columns: Vec<(String, String, String)>, layout: &Layout) -> Held {
        let table =
            |(name, engine, has_rows)| (name, Table { engine, local: None, has_rows: has_rows != 0, columns: BTreeMap::new() });
        let mut held: BTreeMap<String, Table> = tables.into_iter().map(table).collect();
        for (table, name, kind) in columns {
            if let Some(table) = held.get_mut(&table) {
                table.columns.insert(name, kind);
            }
        }
        // What is spread is there with the parts that it is spread over, and has the columns that both have.
        let names: Vec<String> = held.keys().filter(|name| !name.starts_with('{')).cloned().collect();
        for name in names {
            let part = held.remove(&format!("{PART}{name}"));
            match (part, held.get_mut(&name)) {
                (Some(part), Some(table)) => {
                    table.columns.retain(|column, _| part.columns.contains_key(column));
                    (table.local, table.has_rows) = (Some(part.engine), part.has_rows);
                }
                (None, Some(table)) if layout.is_sharded() && table.engine == "Distributed" => drop(held.remove(&name)),
                _ => {}
            }
        }
        Held(held)
    }

    pub(super) fn has_a(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// Whether a worker has ever written something that is still there.
    pub(super) fn has_rows(&self) -> bool {
        TABLES.iter().any(|table| self.0.get(table.name).is_some_and(|table| table.has_rows))
    }
}

/// What is missing of what files have made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Tables and views.
    pub(super) names: Vec<&'static str>,
    /// Those of them that the worker needs.
    pub(super) needed: Vec<&'static str>,
    pub(super) columns: Vec<LackingColumn>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct LackingColumn {
    table: &'static str,
    of_a_source: bool,
    name: &'static str,
    /// Its name, definition and place.
    add: String,
    /// Whether rows are there that had a value.
    had_values: bool,
}

impl Lacking {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.columns.is_empty()
    }

    /// The statements that add columns.
    pub(super) fn additions(&self, layout: &Layout, rows: &str) -> Vec<String> {
        let add = |column: &LackingColumn| layout.add_column((column.table, column.of_a_source), &column.add, rows);
        self.columns.iter().flat_map(add).collect()
    }

    /// Everything, in words.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let names = self.names.iter().map(|name| shown(name));
        names.chain(self.columns.iter().map(LackingColumn::words)).collect()
    }

    /// What the worker cannot do without.
    pub(super) fn needed(&self) -> Vec<String> {
        let columns = self.columns.iter().map(LackingColumn::words);
        self.needed.iter().map(|name| format!("table `{name}`")).chain(columns).collect()
    }

    /// What went with it, if the database holds what workers have written. A view holds nothing, and what was applied is known.
    pub(super) fn lost(&self, held: &Held) -> Vec<String> {
        let holds = |name: &&&str| **name != "schema_migrations" && !is_view(name);
        let tables = self.names.iter().filter(|name| held.has_rows() && holds(name));
        let values = self.columns.iter().filter(|column| column.had_values);
        tables.map(|name| format!("table `{name}`{}", consequence(name))).chain(values.map(LackingColumn::words)).collect()
    }
}

impl LackingColumn {
    fn words(&self) -> String {
        format!("column `{}` of table `{}`", self.name, self.table)
    }
}

/// What stands in the files for the database that people read.
const PEOPLE: &str = "{people}.";

/// And here for that of the parts which a server of a sharded store keeps itself.
const PART: &str = "{part}.";

/// The name of a table or view, for people.
fn shown(name: &str) -> String {
    name.strip_prefix(PEOPLE).map_or_else(|| format!("`{name}`"), |name| format!("`{name}` that people read"))
}

fn is_view(name: &str) -> bool {
    made_by(super::MIGRATIONS).any(|made| made.is_view && made.name == name)
}

/// What is peculiar about the loss of a table.
fn consequence(name: &str) -> &'static str {
    match name {
        "store" => {
            " (it has a new id, and workers wait before a store that they do not know: if nothing else is lost, run ALTER TABLE store \
             MODIFY COMMENT '...' with the id that `grapevine checkpoint show` says)"
        }
        "active_epoch" => " (views read epoch 0 until `grapevine epoch promote`)",
        "gap" => " (the view `gaps` has forgotten what no count covers)",
        "loss" => " (the view `losses` has forgotten what was lost before)",
        "run" => " (no answer is shown until the next `grapevine rollup`)",
        _ if answer_of(name).is_some() => " (the next `grapevine rollup` makes it again)",
        _ if TABLES.iter().any(|table| table.name == name) => "",
        _ => " (load it again)",
    }
}

/// What the files make, in order.
pub(super) fn made_by<'a>(files: impl IntoIterator<Item = &'a Migration>) -> impl Iterator<Item = Made> {
    files.into_iter().flat_map(Migration::statements).filter_map(Made::by)
}

/// Whose needs are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// What all files make.
    Everything,
    /// Tables: a worker reads no view, so whatever stands in the place of one is no business of its. Nor need it see what people read.
    Worker,
}

/// What is in the way of the files, each with what to do: nothing that a migration changes.
pub(super) fn in_the_way(files: &'static [Migration], held: &Held, layout: &Layout, needs: Needs) -> Vec<String> {
    let mut found = Vec::new();
    for made in made_by(files).filter(|made| needs == Needs::Everything || !made.is_view) {
        let Some(table) = held.0.get(made.name) else { continue };
        let holds_rows = table.engine != "View";
        if made.is_view && holds_rows {
            found.push(format!("{} is a table ({}), and this program makes a view of that name", shown(made.name), table.engine));
        } else if made.is_ours() && !holds_rows {
            found.push(format!("`{}` is a view, and this program writes to a table of that name", made.name));
        } else if made.is_ours() {
            let misfit = layout.misfit(&table.engine, table.local.as_deref(), made.of_a_source);
            found.extend(misfit.map(|why| format!("table `{}` ({}) {why}", made.name, table.engine)));
            found.extend(made.columns.iter().filter_map(|column| other(&made, column, table)));
        }
    }
    found
}

/// How a column differs so that it cannot be had by adding it.
fn other(made: &Made, column: &Column, table: &Table) -> Option<String> {
    let (in_table, name) = (made.name, column.name);
    match table.columns.get(name) {
        None => column.in_key.then(|| {
            format!("table `{in_table}` lacks column `{name}`, by which its rows are sorted, and which therefore cannot be added")
        }),
        Some(kind) if is_same(kind, column.kind()) => None,
        Some(kind) => Some(format!(
            "column `{name}` of table `{in_table}` is of type {kind}, and this program writes {wanted} (ALTER TABLE {in_table} MODIFY \
             COLUMN {name} {wanted})",
            wanted = column.kind()
        )),
    }
}

/// A text is sent as a text, however the server keeps it.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |kind: &str| kind.replace("LowCardinality(String)", "String");
    plain(one) == plain(other)
}

/// What is missing of what these files have made.
pub(super) fn lacking<'a>(files: impl Iterator<Item = &'a Migration>, held: &Held, needs: Needs) -> Lacking {
    let mut lacking = Lacking::default();
    for made in made_by(files).filter(|made| needs == Needs::Everything || !made.name.starts_with(PEOPLE)) {
        let Some(table) = held.0.get(made.name) else {
            lacking.names.push(made.name);
            if !made.is_view && !made.is_for_people() {
                lacking.needed.push(made.name);
            }
            continue;
        };
        if !made.is_ours() {
            continue;
        }
        let mut after = " FIRST".to_owned();
        for Column { name, definition, in_key } in &made.columns {
            if !in_key && !table.columns.contains_key(*name) {
                let (add, of_a_source) = (format!("{name} {definition}{after}"), made.of_a_source);
                lacking.columns.push(LackingColumn { table: made.name, of_a_source, name, add, had_values: table.has_rows });
            }
            after = format!(" AFTER {name}");
        }
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::super::MIGRATIONS;
    use super::*;

    /// A database in which all files were applied; nothing was written yet.
    fn whole() -> Held {
        let table = |made: Made| {
            let engine = if made.is_view { "View" } else { "ReplacingMergeTree" }.to_owned();
            let columns = made.columns.iter().map(|column| (column.name.to_owned(), column.kind().to_owned())).collect();
            (made.name.to_owned(), Table { engine, local: None, has_rows: false, columns })
        };
        Held(made_by(MIGRATIONS).map(table).collect())
    }

    fn table<'a>(held: &'a mut Held, name: &str) -> &'a mut Table {
        held.0.get_mut(name).unwrap()
    }

    #[test]
    fn the_files_make_every_column_that_the_program_writes() {
        for table in TABLES {
            let made = made_by(MIGRATIONS).find(|made| made.name == table.name).unwrap();
            let columns: Vec<_> = made.columns.iter().map(|column| (column.name, column.kind().to_owned())).collect();
            let written = table.columns.iter().map(|column| (column.name, column.kind.to_owned()));
            for ((name, kind), (written, as_kind)) in columns.iter().zip(written) {
                assert!(*name == written && is_same(kind, &as_kind), "{}: {name} {kind}, {written} {as_kind}", table.name);
            }
            assert_eq!(made.columns.len(), table.columns.len(), "{}", table.name);
        }
    }

    #[test]
    fn the_key_of_a_table_is_known() {
        let key = |name: &str| -> Vec<&str> {
            let made = made_by(MIGRATIONS).find(|made| made.name == name).unwrap();
            made.columns.iter().filter(|column| column.in_key).map(|column| column.name).collect()
        };
        assert_eq!(key("cascade"), ["root", "epoch", "source", "opened"]);
        assert_eq!(key("active_epoch"), ["source"]);
        assert!(key("store").is_empty());
    }

    #[test]
    fn nothing_is_missing_of_a_whole_database_and_nothing_in_the_way() {
        assert!(lacking(MIGRATIONS.iter(), &whole(), Needs::Everything).is_empty());
        assert!(in_the_way(MIGRATIONS, &whole(), &Layout::Single, Needs::Everything).is_empty());
        assert!(in_the_way(MIGRATIONS, &Held::default(), &Layout::Single, Needs::Everything).is_empty());
    }

    #[test]
    fn a_column_that_is_missing_is_added_in_its_place_with_its_comment() {
        let mut held = whole();
        table(&mut held, "cascade").columns.remove("reach");
        let found = lacking(MIGRATIONS.iter(), &held, Needs::Everything);
        let [add] = found.additions(&Layout::Single, "gv_rows").try_into().unwrap();
        assert!(add.starts_with("ALTER TABLE cascade ADD COLUMN IF NOT EXISTS reach UInt64 COMMENT 'Followers"), "{add}");
        assert!(add.ends_with(" AFTER max_children"), "{add}");
        assert_eq!(found.needed(), ["column `reach` of table `cascade`"]);
        assert!(found.lost(&held).is_empty(), "no row had a value");
    }

    #[test]
    fn a_column_of_the_key_cannot_be_added() {
        let mut held = whole();
        table(&mut held, "cascade").columns.remove("opened");
        assert!(lacking(MIGRATIONS.iter(), &held, Needs::Everything).is_empty());
        let [said] = in_the_way(MIGRATIONS, &held, &Layout::Single, Needs::Worker).try_into().unwrap();
        assert!(said.contains("lacks column `opened`") && said.contains("cannot be added"), "{said}");
    }

    #[test]
    fn a_column_of_another_type_is_in_the_way_unless_it_is_a_text_all_the_same() {
        let mut held = whole();
        let columns = &mut table(&mut held, "root").columns;
        columns.insert("brand".to_owned(), "String".to_owned());
        columns.insert("root_time".to_owned(), "DateTime64(6, 'UTC')".to_owned());
        columns.insert("one_more".to_owned(), "UInt8".to_owned());
        let [said] = in_the_way(MIGRATIONS, &held, &Layout::Single, Needs::Worker).try_into().unwrap();
        assert!(said.contains("(ALTER TABLE root MODIFY COLUMN root_time DateTime64(3, 'UTC'))"), "{said}");
    }

    #[test]
    fn a_table_is_lost_only_where_something_was_written() {
        let mut held = whole();
        for gone in ["cascade", "fx", "money"] {
            held.0.remove(gone);
        }
        let found = lacking(MIGRATIONS.iter(), &held, Needs::Everything);
        assert_eq!(
            (found.names.as_slice(), found.needed()),
            (&["cascade", "fx", "money"][..], vec!["table `cascade`".to_owned()])
        );
        assert!(found.lost(&held).is_empty());
        table(&mut held, "progress").has_rows = true;
        assert_eq!(found.lost(&held), ["table `cascade`", "table `fx` (load it again)"]);
    }

    #[test]
    fn tables_of_people_may_be_what_they_like() {
        let mut held = whole();
        *table(&mut held, "fx") = Table { engine: "View".to_owned(), local: None, has_rows: true, columns: BTreeMap::new() };
        assert!(
            lacking(MIGRATIONS.iter(), &held, Needs::Everything).is_empty()
                && in_the_way(MIGRATIONS, &held, &Layout::Single, Needs::Everything).is_empty()
        );
        table(&mut held, "cascade").engine = "View".to_owned();
        table(&mut held, "money").engine = "MergeTree".to_owned();
        let said = in_the_way(MIGRATIONS, &held, &Layout::Single, Needs::Everything);
        assert!(said[0].contains("`cascade` is a view") && said[1].contains("`money` is a table (MergeTree)"), "{said:?}");
        assert_eq!(in_the_way(MIGRATIONS, &held, &Layout::Single, Needs::Worker), said[..1], "it reads no view");
    }

    fn found(layout: &Layout, tables: &[(&str, &str)], columns: &[(&str, &str)]) -> Held {
        let tables = tables.iter().map(|(name, engine)| ((*name).to_owned(), (*engine).to_owned(), 0));
        let columns = columns.iter().map(|(table, name)| ((*table).to_owned(), (*name).to_owned(), "UInt64".to_owned()));
        Held::of(tables.collect(), columns.collect(), layout)
    }

    #[test]
    fn what_is_spread_is_there_with_its_part_and_the_columns_of_both() {
        let sharded = Layout::Sharded { cluster: "north".to_owned() };
        let tables = [
            ("root", "Distributed"),
            ("{part}.root", "ReplicatedReplacingMergeTree"),
            ("thread", "Distributed"),
            ("{part}.cascade", "x"),
        ];
        let columns = [("root", "version"), ("root", "opened"), ("{part}.root", "version")];
        let held = found(&sharded, &tables, &columns);
        assert_eq!(held.0.keys().filter(|name| !name.starts_with('{')).collect::<Vec<_>>(), ["root"], "the others lack a half");
        assert_eq!(held.0["root"].columns.keys().collect::<Vec<_>>(), ["version"]);
        let lacking = lacking(MIGRATIONS.iter(), &held, Needs::Everything);
        assert!(lacking.names.contains(&"thread") && lacking.names.contains(&"cascade") && !lacking.names.contains(&"root"));
        let [local, spread] = [0, 1].map(|at| lacking.additions(&sharded, "gv_rows").swap_remove(at));
        assert!(
            local.starts_with("ALTER TABLE `gv_rows_local`.root ON CLUSTER `north` ADD COLUMN IF NOT EXISTS root_seen"),
            "{local}"
        );
        assert!(spread.starts_with("ALTER TABLE root ON CLUSTER `north` ADD"), "{spread}");
    }

    #[test]
    fn tables_of_another_layout_are_in_the_way_of_the_worker_too() {
        let replicated = Layout::Replicated { cluster: None };
        let said =
            in_the_way(MIGRATIONS, &found(&replicated, &[("cascade", "ReplacingMergeTree")], &[]), &replicated, Needs::Worker);
        assert!(said[0].starts_with("table `cascade` (ReplacingMergeTree) is not replicated"), "{said:?}");
        let sharded = Layout::Sharded { cluster: "north".to_owned() };
        let said = in_the_way(MIGRATIONS, &found(&sharded, &[("cascade", "ReplacingMergeTree")], &[]), &sharded, Needs::Worker);
        assert!(said[0].contains("is not spread over shards"), "{said:?}");
        let fits = found(&replicated, &[("fx", "ReplacingMergeTree")], &[]);
        assert!(in_the_way(MIGRATIONS, &fits, &replicated, Needs::Everything).is_empty(), "a table of people is as they like it");
    }
}
