//! Each mistake has its text, with our key in it, and no two the same one.

use std::collections::BTreeSet;

use super::super::complaints::denial;
use super::*;
use crate::config::{Config, Kafka};

const NOW: i64 = 1_700_000_000;
const GOOD: Lifetime = Lifetime { from: NOW - 100, until: NOW + 100 };
const BROKER: &str = "kafka.example:9093";

fn settings(protocol: &str) -> Kafka {
    let mut kafka = Config::load_without_key(None, std::iter::empty()).unwrap().kafka;
    BROKER.clone_into(&mut kafka.brokers);
    protocol.clone_into(&mut kafka.security_protocol);
    "worker".clone_into(&mut kafka.sasl_username);
    kafka.ssl_ca_file = Some("ca.pem".into());
    kafka
}

fn at(settings: &Kafka, found: &Found, own: Option<Lifetime>) -> Option<Diagnosis> {
    of_port(settings, BROKER, found, own, NOW)
}

fn said(diagnosis: Option<Diagnosis>) -> String {
    match diagnosis {
        Some(Diagnosis::Wrong(text) | Diagnosis::Away(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn distrust(code: i32) -> Found {
    Found::Distrusted(Distrust {
        code,
        words: "words of OpenSSL".to_owned(),
        depth: 0,
        names: vec!["other.example".to_owned(), "192.0.2.1".to_owned()],
        subject: "CN=kafka".to_owned(),
        issuer: "CN=authority".to_owned(),
        life: Lifetime { from: 0, until: 86_400 },
    })
}

fn broker(tls: bool, mechanisms: Option<&[&str]>) -> Found {
    let offers = |names: &[&str]| Sasl::Offers(names.iter().map(|name| (*name).to_owned()).collect());
    Found::Broker { tls, sasl: mechanisms.map_or(Sasl::None, offers) }
}

#[test]
fn every_mistake_has_a_text_of_its_own_that_names_our_key() {
    let (ssl, unaware) = (settings("ssl"), Kafka { ssl_ca_file: None, ..settings("ssl") });
    let turned = |words: &str| Found::TurnedAway(words.to_owned());
    let alert = "error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate";
    let cases: Vec<(Option<Diagnosis>, &str)> = vec![
        (at(&ssl, &distrust(62), None), "`kafka.brokers`"),
        (at(&ssl, &distrust(10), None), "expired on 1970-01-02T00:00:00Z"),
        (at(&ssl, &distrust(9), None), "counts only from 1970-01-01T00:00:00Z on"),
        (at(&ssl, &distrust(23), None), "was revoked, as `kafka.ssl_crl_file` says"),
        (at(&ssl, &distrust(3), None), "put the list of CN=authority into `kafka.ssl_crl_file`"),
        (at(&ssl, &distrust(12), None), "in `kafka.ssl_crl_file` is too old"),
        (at(&ssl, &distrust(20), None), "CN=authority, who is not in `kafka.ssl_ca_file`"),
        (
            at(&unaware, &distrust(20), None),
            "whom this system does not know: name the file of that authority in `kafka.ssl_ca_file`",
        ),
        (at(&ssl, &distrust(26), None), "words of OpenSSL"),
        (at(&ssl, &turned(alert), None), "asks for a certificate of this client: name one in `kafka.ssl_certificate_file`"),
        (at(&ssl, &turned(alert), Some(GOOD)), "does not take the certificate in `kafka.ssl_certificate_file`"),
        (at(&ssl, &turned(alert), Some(Lifetime { from: 0, until: 1 })), "(`kafka.ssl_certificate_file`) expired on"),
        (
            at(&ssl, &turned(alert), Some(Lifetime { from: NOW + 1, until: NOW + 2 })),
            "(`kafka.ssl_certificate_file`) counts only from",
        ),
        (at(&ssl, &turned("sslv3 alert handshake failure"), Some(GOOD)), "no way to speak TLS"),
        (at(&ssl, &Found::NoHost("not known".to_owned()), None), "`kafka.brokers`"),
        (at(&ssl, &Found::Closed("refused".to_owned()), None), "whether it runs"),
        (at(&ssl, &Found::Foreign, None), "is no Kafka broker, or hangs"),
        (
            at(&settings("plaintext"), &broker(true, None), None),
            "speaks ssl on this port, and `kafka.security_protocol` is plaintext",
        ),
        (at(&ssl, &broker(false, None), None), "speaks plaintext on this port"),
        (at(&ssl, &broker(true, Some(&["PLAIN"])), None), "speaks sasl_ssl on this port, and `kafka.security_protocol` is ssl"),
        (
            at(&settings("sasl_ssl"), &broker(true, None), None),
            "speaks ssl on this port, and `kafka.security_protocol` is sasl_ssl",
        ),
        (at(&settings("sasl_plaintext"), &broker(true, Some(&["PLAIN"])), None), "is sasl_plaintext: set it to sasl_ssl"),
        (
            at(&settings("sasl_ssl"), &broker(true, Some(&["PLAIN", "OTHER"])), None),
            "set `kafka.sasl_mechanism` to one of its own (PLAIN, OTHER)",
        ),
    ];
    let of_words = |words: &str| Some(of_client(&settings("sasl_ssl"), BROKER, words));
    let of_words = [
        (of_words("SASL authentication error: Authentication failed"), "`kafka.sasl_username`, and `kafka.sasl_password_file`"),
        (of_words("Local: Timed out"), "does not answer the client (Local: Timed out): see its log, and `kafka.brokers`"),
        (Some(of_silence(BROKER)), "nothing was heard of broker kafka.example:9093 in time: see `kafka.brokers`"),
    ];
    // Topic, group and cluster authorization failed.
    let denied = [(29, "`kafka.topic`"), (30, "`kafka.group`"), (31, "with the cluster")];
    let denied = denied.map(|(code, words)| (denial(code).map(|text| Diagnosis::Wrong(text.to_owned())), words));
    let cases: Vec<_> = cases.into_iter().chain(of_words).chain(denied).collect();
    let count = cases.len();
    let texts: BTreeSet<String> = cases
        .into_iter()
        .map(|(diagnosis, words)| {
            let text = said(diagnosis);
            assert!(text.contains(words), "{words}: {text}");
            text
        })
        .collect();
    assert_eq!(texts.len(), count, "{texts:#?}");
}

#[test]
fn a_broker_that_is_as_the_settings_want_it_is_well() {
    for (protocol, tls, mechanisms) in [
        ("plaintext", false, None),
        ("ssl", true, None),
        ("sasl_plaintext", false, Some(&["SCRAM-SHA-512"][..])),
        ("sasl_ssl", true, Some(&["PLAIN", "SCRAM-SHA-512"][..])),
    ] {
        assert_eq!(at(&settings(protocol), &broker(tls, mechanisms), None), None, "{protocol}");
        assert_eq!(at(&settings(protocol), &Found::Broker { tls, sasl: Sasl::Unknown }, None), None, "{protocol}");
    }
}

#[test]
fn a_broker_that_others_name_is_not_looked_for_in_the_configuration() {
    let elsewhere = of_port(&settings("ssl"), "inner:9093", &Found::NoHost("not known".to_owned()), None, NOW);
    assert!(said(elsewhere).contains("`advertised.listeners`"));
}

/// As Apache Kafka 4.3 and librdkafka 2.12 say it.
#[test]
fn a_user_who_is_not_taken_is_told_from_whatever_else_the_client_says() {
    let sasl = settings("sasl_ssl");
    for words in [
        "sasl_ssl://127.0.0.1:31008/bootstrap: SASL authentication error: Authentication failed during authentication due to invalid \
         credentials with SASL mechanism SCRAM-SHA-512 (after 5ms in state AUTH_REQ)",
        "sasl_ssl://127.0.0.1:31008/bootstrap: SASL authentication error: Authentication failed: Invalid username or password",
    ] {
        let text = said(Some(of_client(&sasl, BROKER, words)));
        for part in ["\"worker\"", "does not say which", "`kafka.sasl_username`", "`kafka.sasl_password_file`", "SCRAM-SHA-512"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let refused = "127.0.0.1:31999/bootstrap: Connect to ipv4#127.0.0.1:31999 failed: Connection refused";
    let away = said(Some(of_client(&sasl, BROKER, refused)));
    assert!(away.contains(refused) && !away.contains("takes connections"), "{away}");
}

#[test]
fn a_client_that_cannot_be_made_is_no_fault_of_a_broker() {
    let sasl = Kafka { sasl_username: String::new(), ..settings("sasl_ssl") };
    let mut config = rdkafka::ClientConfig::new();
    for (name, value) in super::super::client::security_settings(&sasl) {
        config.set(name, value);
    }
    let refused = config.create::<rdkafka::consumer::BaseConsumer>().err().map(|error| error.to_string()).unwrap_or_default();
    let text = said(of_creation(&refused));
    assert!(text.starts_with("`kafka.sasl_username` lets no Kafka client be made: kafka.sasl_username and"), "{text}");
    assert_eq!(of_creation("Local: Timed out"), None);
}
