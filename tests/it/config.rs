//! The configuration: layers, mistakes, secrets, and that the reference file is complete.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use grapevine::command::check;
use grapevine::config::{Config, ConfigErrors};
use toml::{Table, Value};

use crate::apache_kafka::make_certificates;

const REFERENCE: &str = include_str!("../../config/worker.toml");
const KEY: (&str, &str) = ("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for tests only");
const SECRETS: [(&str, &str); 5] = [
    ("kafka", "sasl_password"),
    ("kafka", "oauth_client_secret"),
    ("kafka", "ssl_key_password"),
    ("clickhouse", "password"),
    ("rules", "pseudonym_key"),
];

/// What OAUTHBEARER cannot do without.
const OAUTH: [(&str, &str); 5] = [
    ("security_protocol", "sasl_ssl"),
    ("sasl_mechanism", "OAUTHBEARER"),
    ("oauth_token_url", "https://id/token"),
    ("oauth_client_id", "worker"),
    ("oauth_client_secret", "hidden"),
];

/// Loads a file with this text and these variables besides the key of pseudonyms.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path), environment(&[&[KEY], variables].concat()))
}

fn environment(variables: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> + use<> {
    let owned: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    owned.into_iter()
}

/// All mistakes, without the folder of the test's file.
fn mistakes(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let errors = load(text, variables).expect_err("the configuration was accepted");
    errors
        .0
        .iter()
        .map(|mistake| mistake.to_string())
        .map(|line| match line.find("worker.toml") {
            Some(start) => line[start..].to_owned(),
            None => line,
        })
        .collect()
}

fn keys() -> Vec<(String, String, Value)> {
    let sections: Table = REFERENCE.parse().unwrap();
    let of = |(section, keys): (String, Value)| {
        let keys = keys.as_table().unwrap().clone();
        keys.into_iter().map(move |(key, value)| (section.clone(), key, value)).collect::<Vec<_>>()
    };
    sections.into_iter().flat_map(of).collect()
}

fn variable(section: &str, key: &str) -> String {
    format!("GRAPEVINE_{}_{}", section.to_uppercase(), key.to_uppercase())
}

#[test]
fn the_default_effective_configuration_is_the_golden_one() {
    insta::assert_snapshot!(load("", &[]).unwrap().effective());
}

#[test]
fn the_reference_file_and_the_effective_configuration_have_the_same_keys() {
    let effective: Table = load("", &[]).unwrap().effective().parse().unwrap();
    let shown: Vec<_> = effective
        .iter()
        .flat_map(|(section, keys)| keys.as_table().unwrap().keys().map(move |key| (section.clone(), key.clone())))
        .collect();
    let mut written: Vec<_> = keys()
        .into_iter()
        .map(|(section, key, _)| {
            let secret = SECRETS.iter().any(|(s, k)| *s == section && format!("{k}_file") == key);
            let key = if secret { key.trim_end_matches("_file").to_owned() } else { key };
            (section, key)
        })
        .collect();
    written.sort();
    assert_eq!(shown, written);
}

#[test]
fn the_effective_configuration_loads_to_itself() {
    let config = load("[worker]\nthreads = 3\n[rules]\nwindow_minutes = 5\n", &[]).unwrap();
    assert_eq!(load(&without_secrets(&config), &[]).unwrap().effective(), config.effective());
}

/// What a configuration says of itself, without the keys of secrets.
fn without_secrets(config: &Config) -> String {
    let is_secret = |line: &&str| ["password", "secret", "pseudonym_key"].iter().any(|secret| line.contains(secret));
    config.effective().lines().filter(|line| !is_secret(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_key_of_the_reference_file_says_why_above_it() {
    let lines: Vec<&str> = REFERENCE.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#')) {
        let above = lines[number - 1];
        let shared = above.contains(" = ") && lines[number - 2].starts_with('#');
        assert!(above.starts_with('#') || shared, "line {}: {line} has no comment above it", number + 1);
    }
}

/// A value other than the default that is valid beside all other defaults, with what else it needs.
fn another(section: &str, key: &str, default: &Value, file: &str) -> (String, Vec<(String, String)>) {
    let sasl = |with: &[(&str, &str)]| -> Vec<(String, String)> {
        with.iter().map(|(key, value)| (variable("kafka", key), (*value).to_owned())).collect()
    };
    let words = match (section, key) {
        ("kafka", "group_protocol") => "consumer",
        ("kafka", "security_protocol") => "ssl",
        ("kafka", "sasl_mechanism") => "PLAIN",
        ("clickhouse", "urls") => "https://store:8443,http://other:8123",
        ("clickhouse", "compression") => "none",
        ("clickhouse", "answers") => "expected",
        ("clickhouse", "layout") => "replicated",
        ("clickhouse", "cluster") => {
            return ("north".to_owned(), vec![(variable("clickhouse", "layout"), "sharded".to_owned())]);
        }
        ("checkpoint", "url") => "s3://bucket/folder",
        ("admin", "address") => "127.0.0.1:0",
        ("log", "level") => "debug",
        ("log", "format") => "json",
        ("rules", "window_minutes") => "30",
        ("kafka", "sasl_username") => {
            return ("me".to_owned(), sasl(&[("security_protocol", "sasl_ssl"), ("sasl_password", "hidden")]));
        }
        ("kafka", "sasl_password_file") => {
            return (file.to_owned(), sasl(&[("security_protocol", "sasl_ssl"), ("sasl_username", "me")]));
        }
        ("kafka", key) if key.starts_with("oauth_") => {
            let value = match key {
                "oauth_token_url" => "http://other:8080/token",
                "oauth_extensions" => "pool=a,cluster=b",
                _ if key.ends_with("_file") => file,
                _ => "another",
            };
            let others = OAUTH.into_iter().filter(|(other, _)| !key.starts_with(other)).collect::<Vec<_>>();
            return (value.to_owned(), sasl(&others));
        }
        ("kafka", "aws_region") => {
            return ("us-east-1".to_owned(), sasl(&[("security_protocol", "sasl_ssl"), ("sasl_mechanism", "AWS_MSK_IAM")]));
        }
        ("kafka", "ssl_ca_file" | "ssl_crl_file") => return (file.to_owned(), sasl(&[("security_protocol", "ssl")])),
        ("kafka", "ssl_certificate_file") => {
            return (file.to_owned(), sasl(&[("security_protocol", "ssl"), ("ssl_key_file", file)]));
        }
        ("kafka", "ssl_key_file") => {
            return (file.to_owned(), sasl(&[("security_protocol", "ssl"), ("ssl_certificate_file", file)]));
        }
        ("clickhouse", "ca_file" | "certificate_file" | "key_file") => {
            let with = [("urls", "https://store:8443"), ("certificate_file", file), ("key_file", file)];
            return (file.to_owned(), with.map(|(key, value)| (variable("clickhouse", key), value.to_owned())).to_vec());
        }
        (_, key) if key.ends_with("_file") => file,
        _ => "",
    };
    if !words.is_empty() {
        return (words.to_owned(), Vec::new());
    }
    match default.as_integer() {
        Some(number) => ((number + 1).to_string(), Vec::new()),
        None => (format!("another{default}").replace(['"', ':'], ""), Vec::new()),
    }
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    // What every key may name: a text that holds a certificate, its key, and a list of revoked ones.
    let made = folder.path().join("made");
    make_certificates(&made, &["authority"], &[]);
    make_certificates(&made, &["client", "worker"], &[]);
    let all = ["worker.pem", "worker.key", "crl.pem"].map(|name| std::fs::read(made.join(name)).unwrap());
    std::fs::write(&file, all.concat()).unwrap();
    let defaults = load("", &[]).unwrap().effective();
    for (section, key, default) in keys().into_iter().filter(|(.., default)| !default.is_table()) {
        let (value, more) = another(&section, &key, &default, file.to_str().unwrap());
        let mut with = more.clone();
        with.push((variable(&section, &key), value.clone()));
        let needs_key = key != "pseudonym_key_file";
        let set = |variables: Vec<(String, String)>| {
            let own = needs_key.then(|| (KEY.0.to_owned(), KEY.1.to_owned()));
            Config::load(None, variables.into_iter().chain(own))
        };
        let config = set(with).unwrap_or_else(|errors| panic!("{section}.{key}: {errors}"));
        if SECRETS.iter().any(|(s, k)| *s == section && format!("{k}_file") == key) {
            let shown = format!("{} = \"(secret)\"", key.trim_end_matches("_file"));
            assert!(config.effective().contains(&shown), "{section}.{key} was not read");
        } else {
            assert_ne!(config.effective(), defaults, "{section}.{key} changed nothing");
            assert!(config.effective().contains(&value), "{section}.{key} is not {value}");
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let text = "[kafka]\ntopic = \"from-file\"\ngroup = \"from-file\"\n";
    let config = load(text, &[("GRAPEVINE_KAFKA_TOPIC", "from-environment")]).unwrap();
    assert_eq!((config.kafka.topic.as_str(), config.kafka.group.as_str()), ("from-environment", "from-file"));
    assert_eq!((config.kafka.brokers.as_str(), config.worker.log.as_str()), ("localhost:9092", "from-environment"));
}

#[test]
fn all_mistakes_are_named_at_once() {
    let text = r#"
stray = 1
[kafka]
brokrs = "a:1"
brokers = "http://broker"
topic = "a topic"
session_timeout_ms = 9000
max_poll_interval_ms = 1000
security_protocol = "SASL_SSL"
[clickhouse]
url = "http://store:8123"
urls = "http://user:hidden@store:8123"
password = "hidden"
[rules]
window_minutes = 7
budget_entries = 0
[flush]
interval_seconds = 60
max_interval_seconds = -1
[checkpiont]
[log]
level = "inf"
"#;
    let variables = [
        ("GRAPEVINE_WORKER_THREADS", "many"),
        ("GRAPEVINE_KAFKA_BROKER", "hidden"),
        ("GRAPEVINE_CHECKPOINT_URL", "ftp://place"),
        ("GRAPEVINE_WORKER_SHUTDOWN_DEADLINE_SECONDS", "5"),
        ("GRAPEVINE_ADMIN_ADDRESS", "here"),
    ];
    let found = mistakes(text, &variables).join("\n");
    assert!(!found.contains("hidden"), "a secret was printed: {found}");
    insta::assert_snapshot!(found);
}

#[test]
fn each_mistake_that_people_make_has_a_text_of_its_own_with_the_key_and_the_cure() {
    let cases = [
        ("kafka", "session_timeout_ms = 45", "kafka.session_timeout_ms: 45 ms leaves no room for a lost heartbeat; choose more"),
        ("rules", "root_retention_days = 2592000", "rules.root_retention_days: 2592000 is out of bounds; choose from 1 to 3650"),
        ("worker", "threads = \"4\"", "worker.threads: \"4\" has the wrong type; write a whole number"),
        ("flush", "interval_seconds = 0.5", "flush.interval_seconds: 0.5 has the wrong type; write a whole number"),
        ("worker", "threads = 128", "worker.threads: 128 is out of bounds; choose from 1 to 64"),
        ("checkpoint", "compression_level = 22", "checkpoint.compression_level: 22 is out of bounds; choose from 1 to 19"),
        ("kafka", "brokers = \"kafka:port\"", "kafka.brokers: \"kafka:port\" is no broker; write host:port"),
        ("clickhouse", "database = \"my-events\"", "clickhouse.database: \"my-events\" is no name; use ASCII letters"),
        ("clickhouse", "urls = \"http://store:8123/events\"", "clickhouse.urls: has a path or a query; end it after the port"),
        ("clickhouse", "urls = \"store:8123\"", "clickhouse.urls: has the scheme \"store\"; write http://host:8123"),
        (
            "clickhouse",
            "layout = \"sharded\"",
            "clickhouse.cluster (default): is empty, and clickhouse.layout is sharded; write the name under which",
        ),
        ("clickhouse", "cluster = \"north\"", "clickhouse.cluster: names servers, and clickhouse.layout is single; empty it"),
        (
            "clickhouse",
            "layout = \"replicated\"\ncluster = \"nor th\"",
            "clickhouse.cluster: \"nor th\" is no name; use ASCII letters, digits, underscores, dashes and dots",
        ),
        (
            "clickhouse",
            "layout = \"replicated\"\n[clickhouse.settings]\ninsert_quorum = 1",
            "clickhouse.settings: sets \"insert_quorum\", which clickhouse.layout sets to \"auto\"",
        ),
        (
            "checkpoint",
            "url = \"s3:/bucket\"",
            "checkpoint.url: \"s3:/bucket\" is no place that this program knows; write file:///folder",
        ),
        (
            "kafka",
            "ssl_ca_file = \"\"\nssl_key_file = \"nowhere.key\"",
            "is empty; a key needs its certificate: name both or none",
        ),
    ];
    let mut texts = BTreeSet::new();
    for (section, lines, words) in cases {
        let found = mistakes(&format!("[{section}]\n{lines}\n"), &[]);
        let said = found.iter().find(|said| said.contains(words)).unwrap_or_else(|| panic!("{words}: {found:#?}"));
        assert!(texts.insert(said.clone()), "{said}");
    }
    let yaml = mistakes("kafka:\n  brokers: kafka:9092\n", &[]);
    assert!(yaml.len() == 1 && yaml[0].contains("line 1"), "{yaml:#?}");
    // As some editors of Windows write a file.
    let config = load("\u{feff}[kafka]\r\ntopic = \"clicks\"\r\n[rules]\r\nbudget_entries = 10\r\n", &[]).unwrap();
    assert_eq!((config.kafka.topic.as_str(), config.rules.budget), ("clicks", 10));
}

#[test]
fn an_answer_must_have_room_for_what_one_partition_may_have_of_it() {
    let found = mistakes("[kafka]\nfetch_partition_kib = 2048\n", &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("fetch_kib") && found[0].contains("kafka.fetch_partition_kib"), "{found:#?}");
}

#[test]
fn what_goes_on_to_a_client_or_a_server_is_looked_at_and_stands_in_a_file() {
    let text = "[kafka.client]\nsocket.keepalive.enable = true\n\"socket.timeout.ms\" = 30000\n\
                [clickhouse.settings]\ninsert_quorum = 2\nworkload = \"events\"\n";
    let config = load(text, &[]).unwrap();
    let pair = |(name, value): (&String, &String)| format!("{name}={value}");
    assert_eq!(
        config.kafka.client.iter().map(pair).collect::<Vec<_>>(),
        ["socket.keepalive.enable=true", "socket.timeout.ms=30000"]
    );
    assert_eq!(config.clickhouse.settings.iter().map(pair).collect::<Vec<_>>(), ["insert_quorum=2", "workload=events"]);
    assert_eq!(load(&without_secrets(&config), &[]).unwrap().effective(), config.effective());

    let text = "[kafka.client]\ngroup.id = \"mine\"\nenable.auto.commit = true\nsocket.timeout.ms = \"soon\"\n\
                [clickhouse.settings]\nasync_insert = 1\nread_overflow_mode = \"break\"\n";
    let found = mistakes(text, &[]);
    assert_eq!(found.len(), 5, "{found:#?}");
    for (said, wanted) in
        found.iter().zip(["offsets follow", "use kafka.group", "\"soon\"", "every insert sets it to \"0\"", "end early"])
    {
        assert!(said.starts_with("worker.toml: ") && said.contains(wanted), "{wanted}: {said}");
    }
    assert!(mistakes("[kafka]\nclient = 7\n", &[])[0].contains("write a table"));
    assert!(mistakes("[kafka.client]\ndebug = [1]\n", &[])[0].contains("write text, whole numbers"));

    let variables = [("GRAPEVINE_KAFKA_CLIENT", "a=b"), ("GRAPEVINE_CLICKHOUSE_SETTINGS_INSERT_QUORUM", "2")];
    let found = mistakes("", &variables);
    assert!(found.len() == 2 && found[0].contains("[clickhouse.settings]") && found[1].contains("[kafka.client]"), "{found:#?}");
}

#[test]
fn settings_that_do_not_go_together_are_named_before_a_worker_starts() {
    for (text, words) in [
        ("[kafka.client]\nreconnect.backoff.ms = 20000\n", "kafka.client: \"reconnect.backoff.ms\" is 20000 ms, and"),
        ("[kafka.client]\nreceive.message.max.bytes = 2000000\n", "kafka.client: \"receive.message.max.bytes\" is 2000000, and"),
        (
            "[kafka]\nfetch_kib = 200000\n[kafka.client]\nreceive.message.max.bytes = 110000000\n",
            "an answer of a broker may have 204800512; raise it",
        ),
        (
            "[kafka]\nsecurity_protocol = \"ssl\"\n[kafka.client]\nssl.cipher.suites = \"nonsense\"\n",
            "kafka.client: the Kafka client refuses its settings: ssl.cipher.suites failed",
        ),
        (
            "[clickhouse.settings]\ninsert_quorum = 2\ninsert_quorum_timeout = 600000\n",
            "clickhouse.settings: \"insert_quorum_timeout\" lets",
        ),
        ("[clickhouse.settings]\nmax_execution_time = 3600\n", "or raise clickhouse.send_timeout_seconds"),
    ] {
        let found = mistakes(text, &[]);
        assert!(found.len() == 1 && found[0].starts_with("worker.toml: ") && found[0].contains(words), "{words}: {found:#?}");
    }
    let fit = "[kafka.client]\nreconnect.backoff.ms = 20000\nreconnect.backoff.max.ms = 30000\nreceive.message.max.bytes = 200000000\n\
               [clickhouse.settings]\ninsert_quorum = 2\ninsert_quorum_timeout = 10000\n";
    load(fit, &[]).unwrap();
    // Of users whose profile asks for the quorum; and waits that the client heeds as far as it can.
    load("[clickhouse.settings]\ninsert_quorum_timeout = 1000\n", &[]).unwrap();
    load("[kafka]\nfetch_wait_ms = 2500\n[kafka.client]\nretry.backoff.ms = 2000\nsocket.timeout.ms = 3000\n", &[]).unwrap();
}

#[test]
fn a_database_of_one_letter_is_refused_because_views_could_not_be_made_there() {
    let found = mistakes("[clickhouse]\ndatabase = \"d\"\n", &[]);
    assert!(found.len() == 1 && found[0].contains("clickhouse.database: is one letter; use two or more"), "{found:#?}");
}

#[test]
fn tls_files_have_to_be_readable_and_to_be_used() {
    let found = mistakes("[kafka]\nssl_certificate_file = \"nowhere.pem\"\n", &[]);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].contains("would not use it") && found[1].contains("needs its key") && found[2].contains("cannot be read"));
}

#[test]
fn sasl_needs_a_user_and_a_password() {
    let found = mistakes("[kafka]\nsecurity_protocol = \"sasl_ssl\"\n", &[]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[1].contains("GRAPEVINE_KAFKA_SASL_PASSWORD"));
    assert!(mistakes("[kafka]\nsasl_username = \"me\"\n", &[])[0].contains("would not use it"));
}

/// Mistakes of a configuration whose kafka section is these pairs.
fn of_kafka(pairs: &[(&str, &str)]) -> Vec<String> {
    let (secrets, keys): (Vec<_>, Vec<_>) = pairs.iter().partition(|(key, _)| SECRETS.contains(&("kafka", *key)));
    let text: String = keys.iter().map(|(key, value)| format!("{key} = {value:?}\n")).collect();
    let secrets: Vec<_> = secrets.iter().map(|(key, value)| (variable("kafka", key), *value)).collect();
    let secrets: Vec<_> = secrets.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    mistakes(&format!("[kafka]\n{text}"), &secrets)
}

#[test]
fn tokens_need_an_address_a_client_and_its_secret() {
    let found = of_kafka(&OAUTH[..2]);
    let named = ["oauth_token_url", "oauth_client_id", "oauth_client_secret"];
    assert_eq!(found.len(), named.len(), "{found:#?}");
    assert!(named.iter().zip(&found).all(|(key, said)| said.contains(key) && said.contains("asks for tokens")), "{found:#?}");
    assert!(found[2].contains("GRAPEVINE_KAFKA_OAUTH_CLIENT_SECRET or kafka.oauth_client_secret_file"), "{found:#?}");
    for (address, expected) in [
        ("ftp://id/token", "has the scheme \"ftp\""),
        ("id/token", "is no URL"),
        ("https://me:hidden@id/token", "holds a user or a password"),
    ] {
        let found = of_kafka(&[&OAUTH[..2], &OAUTH[3..], &[("oauth_token_url", address)]].concat());
        assert!(found.len() == 1 && found[0].contains(expected) && !found[0].contains("hidden"), "{found:#?}");
    }
    for extensions in ["auth=x", "a1=x", "=x", "bare,a b=c", "a=\u{e9}"] {
        let found = of_kafka(&[&OAUTH[..], &[("oauth_extensions", extensions)]].concat());
        assert!(found.len() == 1 && found[0].contains("is no extension"), "{extensions}: {found:#?}");
    }
}

#[test]
fn a_signature_needs_tls_and_a_region_which_the_brokers_names_may_hold() {
    let aws = ("sasl_mechanism", "AWS_MSK_IAM");
    let found = of_kafka(&[("security_protocol", "sasl_plaintext"), aws]);
    assert!(found.len() == 2 && found[0].contains("choose sasl_ssl") && found[1].contains("kafka.aws_region"), "{found:#?}");
    let found = of_kafka(&[("security_protocol", "sasl_ssl"), aws, ("aws_region", "Frankfurt")]);
    assert!(found.len() == 1 && found[0].contains("is no region"), "{found:#?}");
    let text = "[kafka]\nsecurity_protocol = \"sasl_ssl\"\nsasl_mechanism = \"AWS_MSK_IAM\"\n\
                brokers = \"b-1.shop.abc.c2.kafka.eu-central-1.amazonaws.com:9098\"\n";
    assert_eq!(load(text, &[]).unwrap().kafka.aws_region, "eu-central-1");
}

#[test]
fn keys_of_another_mechanism_are_mistakes() {
    let tls = ("security_protocol", "sasl_ssl");
    let password = [("sasl_username", "me"), ("sasl_password", "hidden")];
    let of_oauth = [("oauth_scope", "read"), ("oauth_token_url", "https://id")];
    let found = of_kafka(&[&OAUTH[..], &password].concat());
    assert!(found.len() == 2 && found.iter().all(|said| said.contains("\"OAUTHBEARER\" would not use it")), "{found:#?}");
    let found = of_kafka(&[&[tls, ("sasl_mechanism", "PLAIN")], &password[..], &of_oauth, &[("aws_region", "x")]].concat());
    assert!(found.len() == 3 && found.iter().all(|said| said.contains("\"PLAIN\" would not use it")), "{found:#?}");
    let found = of_kafka(&[of_oauth[0], ("sasl_mechanism", "OAUTHBEARER")]);
    assert!(found.len() == 1 && found[0].contains("kafka.security_protocol would not use it"), "{found:#?}");
}

#[test]
fn secrets_in_the_file_are_refused_and_not_printed() {
    for (section, key) in SECRETS {
        let found = mistakes(&format!("[{section}]\n{key} = \"hidden and long enough\"\n"), &[]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("is a secret") && found[0].contains(&variable(section, key)), "{found:#?}");
        assert!(!found[0].contains("hidden"), "{found:#?}");
    }
}

#[test]
fn a_broken_line_is_named_and_not_printed() {
    let found = mistakes("[clickhouse]\npassword = hidden\n", &[]);
    assert!(found.len() == 1 && found[0].contains("line 2") && !found[0].contains("hidden"), "{found:#?}");
}

#[test]
fn secrets_appear_neither_in_debug_output_nor_in_the_effective_configuration() {
    let variables = [
        ("GRAPEVINE_CLICKHOUSE_PASSWORD", "hidden"),
        ("GRAPEVINE_KAFKA_SASL_PASSWORD", "hidden"),
        ("GRAPEVINE_KAFKA_SASL_USERNAME", "me"),
        ("GRAPEVINE_KAFKA_SECURITY_PROTOCOL", "sasl_ssl"),
        ("GRAPEVINE_KAFKA_SSL_KEY_PASSWORD", "hidden"),
    ];
    let config = load("", &variables).unwrap();
    assert_eq!(config.clickhouse.password.0, "hidden");
    let key = format!("{:?}", config.rules.pseudonym_key);
    let debug = format!("{config:?}");
    assert!(!debug.contains("hidden"), "{debug}");
    assert!(!debug.contains(&key), "the key of pseudonyms is printed by Debug");
    assert!(!config.effective().contains("hidden"));
    let variables: Vec<_> = OAUTH.iter().map(|(key, value)| (variable("kafka", key), *value)).collect();
    let config = load("", &variables.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>()).unwrap();
    assert_eq!(config.kafka.oauth_client_secret.0, "hidden");
    assert!(!format!("{config:?}").contains("hidden") && !format!("{:?}", config.kafka).contains("hidden"));
}

#[test]
fn a_secret_file_loses_one_line_break_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, " with blanks \n").unwrap();
    let config = load("", &[("GRAPEVINE_CLICKHOUSE_PASSWORD_FILE", file.to_str().unwrap())]).unwrap();
    assert_eq!(config.clickhouse.password.0, " with blanks ");
}

#[test]
fn the_key_of_pseudonyms_is_required_long_and_hashed_in_a_fixed_way() {
    assert!(Config::load(None, environment(&[])).unwrap_err().to_string().contains("is missing"));
    assert!(mistakes("", &[(KEY.0, "too short")])[0].contains("9 bytes"));
    assert_eq!(Config::load_without_key(None, environment(&[])).unwrap().rules.pseudonym_key, [0; 16]);
    let hex: String = load("", &[]).unwrap().rules.pseudonym_key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "229c596d50c78bb874c016378b09ae66", "another key makes another person of everybody");
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_called_grapevine_are_no_mistakes() {
    let links = [
        ("GRAPEVINE_SERVICE_HOST", "10.0.0.1"),
        ("GRAPEVINE_SERVICE_PORT", "9464"),
        ("GRAPEVINE_SERVICE_PORT_METRICS", "9464"),
        ("GRAPEVINE_PORT", "tcp://10.0.0.1:9464"),
        ("GRAPEVINE_PORT_9464_TCP_ADDR", "10.0.0.1"),
        ("GRAPEVINE_METRICS_PORT_9464_TCP", "tcp://10.0.0.1:9464"),
    ];
    assert!(load("", &links).is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake() {
    let errors = Config::load(Some(Path::new("no-such-file.toml")), environment(&[KEY])).unwrap_err();
    assert!(errors.to_string().contains("no-such-file.toml: cannot be read"), "{errors}");
}

#[test]
fn the_file_for_docker_compose_is_sound() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/local.toml");
    let config = Config::load(Some(&path), environment(&[KEY])).unwrap();
    assert_eq!(config.kafka.brokers, "kafka:9092");
}

#[test]
fn check_says_ok_and_what_a_full_state_costs() {
    let report = check::report(None, environment(&[KEY]), Some(8 << 30)).unwrap();
    assert!(report.starts_with("ok\n"), "{report}");
    assert!(report.contains("# memory: up to 1526 MiB a partition"), "{report}");
    assert!(
        report
            .contains("and 17 MiB of its fetched records (kafka.queued_kib + kafka.fetch_partition_kib x 10), 1 MiB for answers"),
        "{report}"
    );
    assert!(report.contains("64 MiB for inserts (flush.bytes_max x 2)"), "{report}");
    assert!(report.contains("and 1488 MiB while each thread restores or publishes a full partition"), "{report}");
    assert!(report.contains("of the 8192 MiB allowed here, 4 full partitions fit"), "{report}");
    assert_eq!(check::run(None, environment(&[])), check::BAD_CONFIGURATION);
}

#[test]
fn a_place_for_checkpoints_that_depends_on_who_starts_the_worker_is_refused() {
    for place in
        ["checkpoints", "./checkpoints", "../checkpoints", "~/checkpoints", "file:checkpoints", "file://relative", "file://~/x"]
    {
        let said = mistakes("", &[("GRAPEVINE_CHECKPOINT_URL", place)]);
        assert!(
            said.len() == 1 && said[0].contains("is no absolute path") && said[0].contains("file:///folder"),
            "{place}: {said:?}"
        );
    }
    for place in ["/checkpoints", "/with:colon", "file:///checkpoints", "s3://bucket/folder"] {
        assert_eq!(load("", &[("GRAPEVINE_CHECKPOINT_URL", place)]).unwrap().checkpoint.url, place);
    }
}
