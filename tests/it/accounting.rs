//! What the views of money say of generated worlds, against accounts that a program of its own keeps.
//!
//! `grapevine generate --money` writes a world, the worker folds it, and `tests/oracle/money.py` computes in batch, from the
//! same events and dimensions, every credit, every line of the ledger and every return: exact to the sixth decimal.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use grapevine::migrations::statements;

use crate::demo::{grapevine, succeeded};
use crate::store::Database;

/// The views in the shape of the oracle. Its figures are text, so that no digit is lost on the way.
const TABLES: [&str; 4] = [
    "SELECT 'credit' AS table, model, lookback_days, conversion, visit, brand, currency, side, channel, community,
        campaign, root, click, toString(credit) AS credit, toString(credit_base) AS credit_base,
        toString(margin_base) AS margin_base
     FROM credit_by_rule",
    "SELECT 'ledger' AS table, brand, toString(day) AS day, entry, currency, campaign, channel, community, side,
        if(countIf(m.amount IS NULL) > 0, NULL, toString(sum(m.amount))) AS amount,
        if(countIf(m.amount_base IS NULL) > 0, NULL, toString(sum(m.amount_base))) AS amount_base,
        sum(m.seconds) AS seconds
     FROM money AS m GROUP BY ALL",
    "SELECT 'roi' AS table, brand, toString(cohort) AS cohort, side, posts, toString(money_base) AS money_base,
        toString(time_base) AS time_base, toString(cost_base) AS cost_base, toString(revenue_base) AS revenue_base,
        toString(margin_base) AS margin_base, toString(margin_without_post) AS margin_without_post, roi, traced_share,
        labour_coverage, reason
     FROM roi_cohort",
    "SELECT 'reached' AS table, toUnixTimestamp64Milli(as_of) AS watermark FROM run ORDER BY run DESC LIMIT 1",
];

/// ROI by week and side that a figure is given for: without any, nothing would be compared.
const KNOWN: &str = "SELECT countIf(side = 'all'), countIf(side = 'broadcast'), countIf(side = 'conversation'),
        countIf(isNaN(roi)), countIf(margin_without_post > 0)
     FROM roi_cohort WHERE roi IS NOT NULL";

/// A generated world in a database.
struct Accounts {
    folder: tempfile::TempDir,
    database: Database,
}

impl Accounts {
    /// Generates a world, folds it through Kafka and the worker, and loads its dimensions.
    async fn of(name: &str, options: &[&str]) -> Accounts {
        let accounts = Accounts { folder: tempfile::tempdir().unwrap(), database: Database::migrated(name).await };
        let (events, dimensions) = (accounts.path("events.jsonl"), accounts.path("dimensions.sql"));
        let mut generate = grapevine();
        generate.args(["generate", "--money"]).args(options);
        succeeded(generate.args(["--output", &events, "--dimensions", &dimensions]).output().unwrap());
        let written: Vec<String> = std::fs::read_to_string(&events).unwrap().lines().enumerate().map(written_otherwise).collect();
        std::fs::write(&events, written.join("\n") + "\n").unwrap();
        let (url, database) = (&accounts.database.config.urls[0], &accounts.database.config.database);
        let mut demo = grapevine();
        demo.args(["demo", "--input", &events, "--clickhouse", url, "--query", "SELECT 1"]);
        demo.env("GRAPEVINE_CLICKHOUSE_DATABASE", database);
        let folded = tokio::task::spawn_blocking(move || demo.output().unwrap()).await.unwrap();
        succeeded(folded);
        accounts.load().await;
        accounts
    }

    async fn load(&self) {
        for statement in statements(&std::fs::read_to_string(self.path("dimensions.sql")).unwrap()) {
            self.database.run(statement).await;
        }
    }

    /// Loads exchange rates and hourly rates again, without the rows that hold one of these texts.
    async fn forget(&self, texts: &[&str]) {
        let all = std::fs::read_to_string(self.path("dimensions.sql")).unwrap();
        let kept: Vec<&str> = all.lines().filter(|line| texts.iter().all(|text| !line.contains(text))).collect();
        assert_eq!(all.lines().count() - kept.len(), texts.len());
        std::fs::write(self.path("dimensions.sql"), kept.join("\n") + "\n").unwrap();
        self.database.run("TRUNCATE TABLE fx").await;
        self.database.run("TRUNCATE TABLE labour_rate").await;
        self.load().await;
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Compares every row of the views with the oracle's; what differs is the message.
    async fn agree(&self) {
        self.database.roll_up().await;
        let mut found = String::new();
        for query in TABLES {
            let rows = self.json(query).await;
            assert!(!rows.is_empty(), "no row: {query}");
            found += &rows;
        }
        std::fs::write(self.path("found.jsonl"), found).unwrap();
        let mut oracle = Command::new("python3");
        oracle.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/money.py"));
        oracle.args(["--dimensions", &self.path("dimensions.sql"), "--compare", &self.path("found.jsonl")]);
        let compared = oracle.arg(self.path("events.jsonl")).output().unwrap();
        let mut said = String::from_utf8_lossy(&compared.stdout).into_owned();
        write!(said, "{}", String::from_utf8_lossy(&compared.stderr)).unwrap();
        assert!(compared.status.success(), "views and oracle differ:\n{said}");
        assert!(said.contains("rows of credit, ledger, roi compared, 0 differences"), "{said}");
    }

    /// The answer, an object a line. Figures of 64 bits stay numbers, decimals come as text.
    async fn json(&self, query: &str) -> String {
        let query = self.database.client.query_raw(query).with_setting("output_format_json_quote_64bit_integers", "0");
        let answer = query.fetch_bytes("JSONEachRow").unwrap().collect().await.unwrap();
        String::from_utf8(answer.to_vec()).unwrap()
    }

    /// How many returns are known: of everything, of each side; how many are no number; and beside how many there is margin without a post.
    async fn known(&self) -> Vec<u64> {
        let answer = self.database.ask(KNOWN).await;
        answer.split('\t').map(|count| count.parse().unwrap()).collect()
    }
}

/// The event with its campaign and its link parameters spelled in another of the ways that people have; the generator only knows capitals.
fn written_otherwise((number, line): (usize, &str)) -> String {
    let mut event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
    for field in ["campaign", "utm_source", "utm_medium", "utm_campaign"] {
        if let Some(serde_json::Value::String(text)) = event.get_mut(field) {
            *text = match number % 4 {
                0 => text.to_uppercase(),
                1 => text.replace('-', "%2D"),
                2 => format!(" {text}%20"),
                _ => continue,
            };
        }
    }
    serde_json::to_string(&event).unwrap()
}

#[tokio::test]
async fn credit_ledger_and_roi_of_a_generated_world_are_the_oracles() {
    let options = ["--seed", "5", "--days", "70", "--events", "3000", "--visits", "150"];
    let accounts = Accounts::of("accounting", &options).await;
    accounts.agree().await;
    let known = accounts.known().await;
    assert!(known[..3].iter().all(|&count| count > 3) && known[3] == 0 && known[4] > 0, "{known:?}");
}

#[tokio::test]
async fn so_are_those_of_a_longer_world_with_bots_an_experiment_and_missing_rates() {
    let options = [
        "--seed",
        "11",
        "--days",
        "105",
        "--events",
        "2500",
        "--visits",
        "60",
        "--bots",
        "--experiment",
        "post",
        "--effect",
        "40",
        "--confounder",
        "visits-cause-replies=strong",
        "--places",
        "6",
    ];
    let accounts = Accounts::of("accounting_bots", &options).await;
    accounts.agree().await;
    let known = accounts.known().await;
    assert!(known[..3].iter().all(|&count| count > 3) && known[3] == 0 && known[4] > 0, "{known:?}");
    // What is not known is NULL at the same places, and with the same reason.
    accounts.forget(&["'2024-01-01', 'CHF'", "'2024-03-01', 'CHF'", "'2024-01-01', 'community_manager'"]).await;
    accounts.agree().await;
    let fewer = accounts.known().await;
    assert!(fewer[0] > 0 && fewer[0] < known[0], "{fewer:?} of {known:?}");
}
