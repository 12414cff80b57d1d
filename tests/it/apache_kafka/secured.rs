//! A broker with a listener for every way to connect, and for every way that must not work.
//!
//! Its authority and certificates are made by the script that people are told to use, `deploy/tls/make.sh`. To add a way: a listener in
//! [`Secured::start`]; whoever connects over it gets [`Secured::brokers_at`] and the files of [`Secured::file`].

mod mistakes;
mod renewals;
mod tokens;
mod ways;

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use super::ApacheKafka;
use super::broker::listeners::Listener;
use crate::demo::succeeded;
use crate::issuer::Keys;
use crate::world::Relay;

/// The user of SASL, its password, and that of the client's locked key.
const USER: &str = "worker";
const PASSWORD: &str = "the user's";
const KEY_PASSWORD: &str = "the key's";

/// Variables of a worker, which win over the configuration of a world.
type Variables = Vec<(&'static str, String)>;

/// The broker, and the folder with what both sides show each other.
struct Secured {
    kafka: Arc<ApacheKafka>,
    /// Those that sign tokens.
    keys: Arc<Keys>,
    folder: TempDir,
    /// In front of the listener `RENEWED`: cuts its connections.
    relay: Relay,
}

/// An authority in a folder, or what one makes there: `make.sh`, with these variables.
pub(crate) fn make(folder: &std::path::Path, what: &[&str], variables: &[(&str, &str)]) {
    let mut script = Command::new("sh");
    script.arg("deploy/tls/make.sh").arg(folder).args(what).envs(variables.iter().copied());
    succeeded(script.output().unwrap());
}

impl Secured {
    /// The one that the tests running now share.
    fn shared() -> Arc<Secured> {
        static SHARED: Mutex<Weak<Secured>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secured) = shared.upgrade() {
            return secured;
        }
        let secured = Arc::new(Secured::start());
        *shared = Arc::downgrade(&secured);
        secured
    }

    fn start() -> Secured {
        let folder = tempfile::tempdir().unwrap();
        let here = "IP:127.0.0.1";
        let make = |what: &[&str], variables: &[(&str, &str)]| make(folder.path(), what, variables);
        make(&["authority"], &[]);
        make(&["server", "broker", here], &[]);
        make(&["server", "elsewhere", "DNS:kafka.example,IP:192.0.2.1"], &[]);
        make(&["server", "expired", here], &[("FROM", "20240101000000Z"), ("UNTIL", "20250101000000Z")]);
        make(&["server", "early", here], &[("FROM", "20990101000000Z"), ("UNTIL", "20990201000000Z")]);
        make(&["server", "revoked", here], &[]);
        make(&["revoke", "revoked"], &[]);
        make(&["client", "worker"], &[]);
        make(&["client", "locked"], &[("KEY_PASSWORD", KEY_PASSWORD)]);
        make(&["client", "late"], &[("FROM", "20240101000000Z"), ("UNTIL", "20250101000000Z")]);
        let others = folder.path().join("others");
        self::make(&others, &["authority", "others"], &[]);
        self::make(&others, &["client", "worker"], &[]);
        let in_folder = |name: &str| folder.path().join(name).display().to_string();
        // A key and its certificate in one file, as Java wants them.
        let tls = |name: &'static str, protocol: &'static str, shown: &str| {
            let both = [".key", ".pem"].map(|end| std::fs::read(in_folder(&format!("{shown}{end}"))).unwrap());
            std::fs::write(in_folder(&format!("{shown}.both")), both.concat()).unwrap();
            Listener::new(name, protocol)
                .with("ssl.keystore.type", "PEM")
                .with("ssl.keystore.location", &in_folder(&format!("{shown}.both")))
                .with("ssl.truststore.type", "PEM")
                .with("ssl.truststore.location", &in_folder("ca.pem"))
        };
        let sasl = |listener: Listener| {
            let module = |name: &str| format!("org.apache.kafka.common.security.{name} required");
            let scram = format!("{};", module("scram.ScramLoginModule"));
            let plain = format!("{} user_{USER}=\"{PASSWORD}\";", module("plain.PlainLoginModule"));
            listener
                .with("sasl.enabled.mechanisms", "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN")
                .with("scram-sha-256.sasl.jaas.config", &scram)
                .with("scram-sha-512.sasl.jaas.config", &scram)
                .with("plain.sasl.jaas.config", &plain)
        };
        let one_mechanism = Listener::new("SCRAMONLY", "SASL_PLAINTEXT")
            .with("sasl.enabled.mechanisms", "SCRAM-SHA-256")
            .with("scram-sha-256.sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required;");
        let keys = Keys::new();
        let relay = Relay::start();
        let renewed = tls("RENEWED", "SSL", "broker").with("ssl.client.auth", "required").advertised_at(relay.port());
        relay.point_to(Some(&renewed.address()));
        let listeners = vec![
            tls("TLS", "SSL", "broker"),
            tls("MUTUAL", "SSL", "broker").with("ssl.client.auth", "required"),
            tls("ELSEWHERE", "SSL", "elsewhere"),
            tls("EXPIRED", "SSL", "expired"),
            tls("EARLY", "SSL", "early"),
            tls("REVOKED", "SSL", "revoked"),
            sasl(tls("SASL", "SASL_SSL", "broker")),
            sasl(Listener::new("CLEARSASL", "SASL_PLAINTEXT")),
            one_mechanism,
            tokens::listener(tls("TOKEN", "SASL_SSL", "broker"), &keys, &in_folder("keys.json")),
            renewed,
        ];
        // Whoever comes without a name is the operator; of others everything is allowed that no rule is about.
        let rights = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             super.users=User:ANONYMOUS\nallow.everyone.if.no.acl.found=true\n";
        let account = |bits| format!("SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]");
        let accounts = [account(256), account(512)];
        let kafka = ApacheKafka::listening(listeners, rights, &accounts.each_ref().map(String::as_str));
        Secured { kafka: Arc::new(kafka), keys, folder, relay }
    }

    /// A file of the authority's folder; those of another authority are in `others/`.
    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// What a worker has to be told to connect to a listener with this protocol, believing the authority.
    fn at(&self, listener: &str, protocol: &str) -> Variables {
        let mut told = vec![
            ("GRAPEVINE_KAFKA_BROKERS", self.kafka.brokers_at(listener)),
            ("GRAPEVINE_KAFKA_SECURITY_PROTOCOL", protocol.to_owned()),
        ];
        if protocol.ends_with("ssl") {
            told.push(("GRAPEVINE_KAFKA_SSL_CA_FILE", self.file("ca.pem")));
        }
        told
    }

    /// The same, showing a certificate of the client's.
    fn showing(&self, listener: &str, name: &str) -> Variables {
        let mut told = self.at(listener, "ssl");
        told.push(("GRAPEVINE_KAFKA_SSL_CERTIFICATE_FILE", self.file(&format!("{name}.pem"))));
        told.push(("GRAPEVINE_KAFKA_SSL_KEY_FILE", self.file(&format!("{name}.key"))));
        told
    }

    /// The same with a user and a password.
    fn as_user(&self, listener: &str, protocol: &str, mechanism: &str) -> Variables {
        let mut told = self.at(listener, protocol);
        told.push(("GRAPEVINE_KAFKA_SASL_MECHANISM", mechanism.to_owned()));
        told.push(("GRAPEVINE_KAFKA_SASL_USERNAME", USER.to_owned()));
        told.push(("GRAPEVINE_KAFKA_SASL_PASSWORD", PASSWORD.to_owned()));
        told
    }
}

/// As [`crate::world::World::start`] takes them.
fn borrowed(variables: &Variables) -> Vec<(&str, &str)> {
    variables.iter().map(|(key, value)| (*key, value.as_str())).collect()
}
