//! Every way that must not work: the worker stays, unready, and says which of its keys is wrong and what to do, in a text of its own.

use std::collections::BTreeMap;

use super::{KEY_PASSWORD, Secured, Variables, borrowed};
use crate::demo::succeeded;
use crate::store::Database;
use crate::world::{Worker, World, until};

/// What a worker is told, and what it has to say.
type Mistake = (&'static str, Variables, &'static str);

fn with(mut told: Variables, key: &'static str, value: &str) -> Variables {
    told.retain(|(known, _)| *known != key);
    told.push((key, value.to_owned()));
    told
}

const CA: &str = "GRAPEVINE_KAFKA_SSL_CA_FILE";
const PASSWORD: &str = "GRAPEVINE_KAFKA_SASL_PASSWORD";

fn certificates(secured: &Secured) -> Vec<Mistake> {
    let tls = |listener| secured.at(listener, "ssl");
    let mut unaware = tls("TLS");
    unaware.retain(|(key, _)| *key != CA);
    vec![
        ("the wrong authority", with(tls("TLS"), CA, &secured.file("others/ca.pem")), "who is not in `kafka.ssl_ca_file`"),
        (
            "the system's authorities",
            unaware,
            "whom this system does not know: name the file of that authority in `kafka.ssl_ca_file`",
        ),
        ("another host", tls("ELSEWHERE"), "is for kafka.example, 192.0.2.1, and not for this name: write in `kafka.brokers`"),
        ("expired", tls("EXPIRED"), "expired on 2025-01-01T00:00:00Z: renew it (on the broker"),
        ("of the future", tls("EARLY"), "counts only from 2099-01-01T00:00:00Z on"),
        (
            "revoked",
            with(tls("REVOKED"), "GRAPEVINE_KAFKA_SSL_CRL_FILE", &secured.file("crl.pem")),
            "was revoked, as `kafka.ssl_crl_file` says",
        ),
        ("no certificate of the client's", tls("MUTUAL"), "name one in `kafka.ssl_certificate_file`"),
        (
            "a foreign one",
            secured.showing("MUTUAL", "others/worker"),
            "does not take the certificate in `kafka.ssl_certificate_file`",
        ),
        ("an expired one", secured.showing("MUTUAL", "late"), "(`kafka.ssl_certificate_file`) expired on 2025-01-01T00:00:00Z"),
    ]
}

fn protocols_and_users(secured: &Secured) -> Vec<Mistake> {
    let user = |listener, protocol, mechanism| secured.as_user(listener, protocol, mechanism);
    let scram = || user("SASL", "sasl_ssl", "SCRAM-SHA-512");
    let not_taken = "`kafka.sasl_username`, and `kafka.sasl_password_file`";
    vec![
        (
            "plaintext to TLS",
            secured.at("TLS", "plaintext"),
            "speaks ssl on this port, and `kafka.security_protocol` is plaintext",
        ),
        (
            "TLS to plaintext",
            with(secured.at("TLS", "ssl"), "GRAPEVINE_KAFKA_BROKERS", &secured.kafka.brokers()),
            "speaks plaintext on",
        ),
        (
            "SASL to TLS without",
            user("TLS", "sasl_ssl", "PLAIN"),
            "speaks ssl on this port, and `kafka.security_protocol` is sasl_ssl",
        ),
        ("TLS alone to SASL", secured.at("SASL", "ssl"), "speaks sasl_ssl on this port, and `kafka.security_protocol` is ssl"),
        ("SASL without TLS to TLS", user("SASL", "sasl_plaintext", "PLAIN"), "is sasl_plaintext: set it to sasl_ssl"),
        ("SASL with TLS to clear", user("CLEARSASL", "sasl_ssl", "PLAIN"), "is sasl_ssl: set it to sasl_plaintext"),
        (
            "plaintext to SASL",
            secured.at("CLEARSASL", "plaintext"),
            "speaks sasl_plaintext on this port, and `kafka.security_protocol` is plaintext",
        ),
        (
            "a mechanism that is not there",
            user("SCRAMONLY", "sasl_plaintext", "PLAIN"),
            "`kafka.sasl_mechanism` to one of its own (SCRAM-SHA-256)",
        ),
        ("the wrong password", with(scram(), PASSWORD, "wrong"), not_taken),
        ("an unknown user", with(scram(), "GRAPEVINE_KAFKA_SASL_USERNAME", "nobody"), "does not take user \"nobody\""),
        ("the wrong password of PLAIN", with(user("SASL", "sasl_ssl", "PLAIN"), PASSWORD, "wrong"), not_taken),
        ("a port of something else", with(secured.at("TLS", "plaintext"), "GRAPEVINE_KAFKA_BROKERS", ""), "is no Kafka broker"),
        (
            "nobody there",
            with(secured.at("TLS", "ssl"), "GRAPEVINE_KAFKA_BROKERS", "127.0.0.1:9"),
            "nobody takes connections at broker",
        ),
    ]
}

/// The line of `/readyz` about connections, without the broker's address.
fn said(worker: &Worker) -> Option<String> {
    let (status, reasons) = worker.get("/readyz");
    let line = reasons.lines().find_map(|line| line.strip_prefix("loop 0: connection: "))?;
    let words = line.split(' ').filter(|word| !word.contains("127.0.0.1"));
    (status == 503).then(|| words.collect::<Vec<_>>().join(" "))
}

#[test]
fn every_mistake_is_named_with_its_key_and_its_cure_while_the_worker_stays() {
    let secured = Secured::shared();
    let world = World::on(&secured.kafka, 1, Database::absent("secured_mistakes"));
    let store = world.database.config.urls[0].trim_start_matches("http://").to_owned();
    let mistakes: Vec<Mistake> = certificates(&secured)
        .into_iter()
        .chain(protocols_and_users(&secured))
        .map(|(what, told, words)| {
            let empty = told.iter().any(|(key, value)| *key == "GRAPEVINE_KAFKA_BROKERS" && value.is_empty());
            (what, if empty { with(told, "GRAPEVINE_KAFKA_BROKERS", &store) } else { told }, words)
        })
        .collect();
    let workers: Vec<Worker> = mistakes.iter().map(|(_, told, _)| world.start(&borrowed(told))).collect();
    let mut texts: BTreeMap<String, &str> = BTreeMap::new();
    for (worker, (what, _, words)) in workers.iter().zip(&mistakes) {
        let text = until(what, || match said(worker) {
            Some(text) if text.contains(words) => Ok(text),
            other => Err((other, worker.log())),
        });
        assert!(worker.log().contains(&words.replace('"', "\\\"")), "{what}: {}", worker.log());
        let same = texts.insert(text, what);
        assert_eq!(same, None, "{what} says the same");
    }
    for worker in workers {
        assert_eq!(worker.get("/healthz").0, 200, "a restart is no cure");
        worker.stop();
    }
}

#[test]
fn what_is_forbidden_is_said_until_it_is_granted() {
    let secured = Secured::shared();
    let mut world = World::on(&secured.kafka, 1, Database::absent("secured_rights"));
    let group = format!("{}-epoch-0", world.topic);
    let topic = world.topic.clone();
    let grant = |user: &str, operation: &str, on: [&str; 2]| {
        let mut tool = secured.kafka.tool("AclCommand");
        let user = format!("User:{user}");
        succeeded(tool.args(["--add", "--allow-principal", &user, "--operation", operation]).args(on).output().unwrap());
    };
    grant("worker", "Describe", ["--topic", &topic]);
    grant("somebody", "Read", ["--group", &group]);
    let worker = world.start(&borrowed(&secured.as_user("SASL", "sasl_ssl", "SCRAM-SHA-512")));
    worker.wait_until_unready("the user may not join the group (`kafka.group`");
    grant("worker", "Read", ["--group", &group]);
    worker.wait_until_unready("the user may not read the topic (`kafka.topic`)");
    grant("worker", "Read", ["--topic", &topic]);
    worker.wait_until_ready();
    let data = crate::events::Data::edge_cases();
    world.publish(&data.lines);
    world.wait_for(data.lines.len());
    worker.stop();
    assert_eq!(world.counts(), data.counts());
}

/// What can be found wrong without asking anybody is, before anything starts.
#[test]
fn check_tries_the_files() {
    let secured = Secured::shared();
    let world = World::on(&secured.kafka, 1, Database::absent("secured_files"));
    let key = "GRAPEVINE_KAFKA_SSL_KEY_FILE";
    let locked = secured.showing("MUTUAL", "locked");
    let cases = [
        (with(secured.at("TLS", "ssl"), CA, &secured.file("ca.key")), "GRAPEVINE_KAFKA_SSL_CA_FILE: ", "holds no certificate"),
        (locked.clone(), key, "is locked with a password, and none is given; set GRAPEVINE_KAFKA_SSL_KEY_PASSWORD"),
        (
            with(locked.clone(), "GRAPEVINE_KAFKA_SSL_KEY_PASSWORD", "wrong"),
            "ssl_key_password",
            "does not open kafka.ssl_key_file",
        ),
        (with(secured.showing("MUTUAL", "worker"), key, &secured.file("late.key")), key, "is the key of another certificate"),
    ];
    for name in ["check", "run"] {
        for (told, place, words) in &cases {
            let output = world.command(name).envs(borrowed(told)).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(64), "{text}");
            assert!(text.to_lowercase().contains(&place.to_lowercase()) && text.contains(words), "{words}: {text}");
        }
    }
    let good = with(locked, "GRAPEVINE_KAFKA_SSL_KEY_PASSWORD", KEY_PASSWORD);
    succeeded(world.command("check").envs(borrowed(&good)).output().unwrap());
}
