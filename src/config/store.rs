//! What the keys of the store have to mean: where it is, how its tables lie on servers, and what both sides show each other.

use super::judge::Judge;
use super::layers::variable;
use super::validate::{hold_what_they_should, path, web_address};
use super::{ClickHouse, Layout, Renewed, passed, raw};
use crate::certificates::Files;

pub(super) fn clickhouse(judge: &mut Judge<'_>, raw: raw::ClickHouse) -> ClickHouse {
    let key = |name| ("clickhouse", name);
    let urls: Vec<String> = raw.urls.split(',').map(|url| url.trim().to_owned()).collect();
    urls.iter().for_each(|url| address(judge, url));
    let identifier = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let clickhouse = ClickHouse {
        urls,
        layout: layout(judge, raw.layout, raw.cluster),
        database: judge.name(key("database"), raw.database, identifier, "ASCII letters, digits and underscores"),
        user: judge.name(key("user"), raw.user, |c| !c.is_control(), "characters without control characters"),
        password: judge.secret(key("password"), key("password_file"), &raw.password_file),
        password_file: judge.secret_file(key("password"), &raw.password_file),
        renewed_password: Renewed::default(),
        ca_file: path(raw.ca_file),
        certificate_file: path(raw.certificate_file),
        key_file: path(raw.key_file),
        send_timeout: judge.seconds(key("send_timeout_seconds"), raw.send_timeout_seconds, 1..=3600),
        end_timeout: judge.seconds(key("end_timeout_seconds"), raw.end_timeout_seconds, 1..=3600),
        backoff_min: judge.millis(key("backoff_min_ms"), raw.backoff_min_ms, 1..=60_000),
        backoff_max: judge.millis(key("backoff_max_ms"), raw.backoff_max_ms, 1..=600_000),
        compression: judge.one_of(key("compression"), raw.compression, &["lz4", "none"]),
        answers_expected: judge.one_of(key("answers"), raw.answers, &["optional", "expected"]) == "expected",
        settings: passed::to_clickhouse(judge, raw.settings),
    };
    for (name, value) in
        clickhouse.layout.settings().iter().filter(|(name, _)| clickhouse.settings.iter().any(|(said, _)| said == name))
    {
        let problem = format!("sets {name:?}, which clickhouse.layout sets to {value:?}: less would lose rows with a server");
        judge.wrong(key("settings"), problem, "remove it");
    }
    passed::fit_clickhouse(judge, &clickhouse);
    files(judge, &clickhouse);
    if clickhouse.database.len() == 1 {
        judge.wrong(key("database"), "is one letter", "use two or more: within a view, one letter names a part of it");
    }
    if clickhouse.backoff_max < clickhouse.backoff_min {
        let problem = format!("{} ms is less than the first wait", clickhouse.backoff_max.as_millis());
        judge.wrong(key("backoff_max_ms"), problem, "choose at least clickhouse.backoff_min_ms");
    }
    clickhouse
}

fn layout(judge: &mut Judge<'_>, layout: String, cluster: String) -> Layout {
    let (layout_key, key) = (("clickhouse", "layout"), ("clickhouse", "cluster"));
    let layout = judge.one_of(layout_key, layout, &["single", "replicated", "sharded"]);
    let is_named = !cluster.is_empty();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let mut named = |cluster| judge.name(key, cluster, allowed, "ASCII letters, digits, underscores, dashes and dots");
    match layout.as_str() {
        "replicated" => Layout::Replicated { cluster: is_named.then(|| named(cluster)) },
        "sharded" if is_named => Layout::Sharded { cluster: named(cluster) },
        "sharded" => {
            let cure = "write the name under which the servers know each other (SELECT cluster FROM system.clusters)";
            judge.wrong(key, "is empty, and clickhouse.layout is sharded", cure);
            Layout::Sharded { cluster }
        }
        _ => {
            if is_named {
                let cure = "empty it, or choose the layout of the tables, replicated or sharded";
                judge.wrong(key, "names servers, and clickhouse.layout is single", cure);
            }
            Layout::Single
        }
    }
}

fn files(judge: &mut Judge<'_>, clickhouse: &ClickHouse) {
    let files = Files::of_clickhouse(clickhouse);
    if !clickhouse.urls.iter().any(|url| url.starts_with("https:")) {
        for file in files.named() {
            judge.wrong(file.key, "is set, but no address of clickhouse.urls would use it", "write https://, or remove it");
        }
    }
    hold_what_they_should(judge, &files);
}

fn address(judge: &mut Judge<'_>, address: &str) {
    let key = ("clickhouse", "urls");
    let cure = "write http://host:8123 or https://host:8443, several with commas between them";
    let instead = format!("use clickhouse.user and {}", variable("clickhouse", "password"));
    let url = web_address(judge, key, address, cure, instead);
    if url.is_some_and(|url| url.query().is_some() || url.path() != "/") {
        judge.wrong(key, "has a path or a query", "end it after the port; the database is clickhouse.database");
    }
}
