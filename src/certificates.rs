//! Certificates, keys and lists of revoked certificates in PEM files: what they hold, whether they fit, until when they count.
//!
//! Read with the library by which the Kafka client reads them, so that what is found well here is found well there. Contacts nobody.

use std::cmp::Ordering;
use std::path::Path;

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Crl};

use crate::config;

/// A key of the configuration: its section and its name.
pub type Key = (&'static str, &'static str);

/// The files by which one side of a connection shows itself and believes the other: each with the key that names it.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// Authorities that are believed.
    pub authorities: (Key, Option<&'a Path>),
    /// What these have revoked.
    pub revoked: (Key, Option<&'a Path>),
    /// What is shown, and what proves it.
    pub certificate: (Key, Option<&'a Path>),
    /// The key of that.
    pub key: (Key, Option<&'a Path>),
    /// What opens the key; empty: nothing.
    pub password: (Key, &'a str),
}

impl<'a> Files<'a> {
    /// Those of the log.
    #[must_use]
    pub fn of_kafka(kafka: &'a config::Kafka) -> Files<'a> {
        Files {
            authorities: (("kafka", "ssl_ca_file"), kafka.ssl_ca_file.as_deref()),
            revoked: (("kafka", "ssl_crl_file"), kafka.ssl_crl_file.as_deref()),
            certificate: (("kafka", "ssl_certificate_file"), kafka.ssl_certificate_file.as_deref()),
            key: (("kafka", "ssl_key_file"), kafka.ssl_key_file.as_deref()),
            password: (("kafka", "ssl_key_password"), &kafka.ssl_key_password.0),
        }
    }

    /// Those of the store. Its keys cannot be locked, and nobody says what was revoked.
    #[must_use]
    pub fn of_clickhouse(clickhouse: &'a config::ClickHouse) -> Files<'a> {
        Files {
            authorities: (("clickhouse", "ca_file"), clickhouse.ca_file.as_deref()),
            revoked: (("clickhouse", ""), None),
            certificate: (("clickhouse", "certificate_file"), clickhouse.certificate_file.as_deref()),
            key: (("clickhouse", "key_file"), clickhouse.key_file.as_deref()),
            password: (("clickhouse", ""), ""),
        }
    }

    fn all(&self) -> [(Key, Option<&'a Path>); 4] {
        [self.authorities, self.revoked, self.certificate, self.key]
    }

    /// A number for what the files hold now; another one when any of it changes, by whatever way.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for (_, file) in self.all() {
            all.extend(digest(file.map(std::fs::read).and_then(Result::ok).as_deref()));
        }
        all
    }

    /// What is wrong with them; empty if a client can be made with them.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut content = |(key, file): (Key, Option<&Path>)| {
            let file = file?;
            let cannot = |error: &std::io::Error| flaw(key, format!("{file:?} cannot be read: {error}"), READABLE);
            std::fs::read(file).inspect_err(|error| flaws.push(cannot(error))).ok()
        };
        let (authorities, revoked) = (content(self.authorities), content(self.revoked));
        let (certificate, secret) = (content(self.certificate), content(self.key));
        let holds_one = |pem: &[u8]| X509::stack_from_pem(pem).is_ok_and(|all| !all.is_empty());
        flaws.extend(authorities.and_then(|pem| lacks(self.authorities, &pem, holds_one(&pem), CERTIFICATE)));
        flaws.extend(revoked.and_then(|pem| lacks(self.revoked, &pem, X509Crl::from_pem(&pem).is_ok(), LIST)));
        flaws.extend(certificate.as_ref().and_then(|pem| lacks(self.certificate, pem, holds_one(pem), CERTIFICATE)));
        if let Some(pem) = secret {
            match self.open(&pem) {
                Err(flaw) => flaws.push(flaw),
                Ok(key) => flaws.extend(certificate.and_then(|pem| self.no_pair(&pem, &key))),
            }
        }
        flaws
    }

    /// The client's key.
    fn open(&self, pem: &[u8]) -> Result<PKey<Private>, Flaw> {
        let ((key, file), password) = (self.key, self.password.1);
        let file = file.unwrap_or(Path::new(""));
        let mut locked = false;
        let opened = PKey::private_key_from_pem_callback(pem, |room| {
            locked = true;
            let length = password.len().min(room.len());
            room[..length].copy_from_slice(&password.as_bytes()[..length]);
            Ok(length)
        });
        let (section, name) = self.password.0;
        let set =
            |cure: &str| format!("{cure} GRAPEVINE_{}_{} or {section}.{name}_file", section.to_uppercase(), name.to_uppercase());
        opened.map_err(|_: ErrorStack| match (locked, password.is_empty()) {
            (true, _) if name.is_empty() => flaw(key, format!("{file:?} is locked with a password"), "name one that is not"),
            (true, true) => flaw(key, format!("{file:?} is locked with a password, and none is given"), set("set")),
            (true, false) => flaw(self.password.0, format!("does not open {}.{}", key.0, key.1), set("correct")),
            (false, _) => lacks(self.key, pem, false, KEY).unwrap_or_else(|| flaw(key, "", "")),
        })
    }

    /// Whether a key is that of a certificate.
    fn no_pair(&self, certificate: &[u8], key: &PKey<Private>) -> Option<Flaw> {
        // The first of a chain is the one that is shown.
        let shown = X509::stack_from_pem(certificate).ok()?.into_iter().next()?.public_key().ok()?;
        let ((section, certificate), own) = (self.certificate.0, self.key.0);
        let file = self.key.1.unwrap_or(Path::new(""));
        let problem = || format!("{file:?} is the key of another certificate than the one in {section}.{certificate}");
        (!shown.public_eq(key)).then(|| flaw(own, problem(), "name the two that were made together"))
    }

    /// From when until when they count, with the keys that name the files: what is shown, and the authority that ends last, because a file
    /// holds the old one beside the new for a while.
    #[must_use]
    pub fn lives(&self) -> Vec<(Key, Lifetime)> {
        let lives = |file: Option<&Path>| {
            let all = X509::stack_from_pem(&std::fs::read(file?).ok()?).ok()?;
            Some(all.iter().map(|one| Lifetime::of(one)).collect::<Vec<_>>())
        };
        let believed = lives(self.authorities.1).and_then(|all| all.into_iter().max_by_key(|life| life.until));
        let shown = lives(self.certificate.1).and_then(|all| all.into_iter().min_by_key(|life| life.until));
        [(self.authorities.0, believed), (self.certificate.0, shown)]
            .into_iter()
            .filter_map(|(key, life)| Some((key, life?)))
            .collect()
    }
}

const READABLE: &str = "name a file that this user may read";

/// What a file may hold, and how that begins there.
const CERTIFICATE: (&str, &str) = ("certificate", "-----BEGIN CERTIFICATE-----");
const KEY: (&str, &str) = ("private key", "-----BEGIN PRIVATE KEY-----");
const LIST: (&str, &str) = ("list of revoked certificates", "-----BEGIN X509 CRL-----");

/// What is wrong with a file, and the cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The key that names the file, or the secret.
    pub key: Key,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}.{}` {}; {}", self.key.0, self.key.1, self.problem, self.cure)
    }
}

fn flaw(key: Key, problem: impl Into<String>, cure: impl Into<String>) -> Flaw {
    Flaw { key, problem: problem.into(), cure: cure.into() }
}

/// A file that does not hold what it should.
fn lacks((key, file): (Key, Option<&Path>), pem: &[u8], holds: bool, (what, begin): (&str, &str)) -> Option<Flaw> {
    let file = file.filter(|_| !holds)?;
    let problem = if pem.is_empty() { format!("{file:?} is empty") } else { format!("{file:?} holds no {what}") };
    Some(flaw(key, problem, format!("name a PEM file with {begin}")))
}

/// From when until when a certificate counts, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Its first second.
    pub from: i64,
    /// Its last.
    pub until: i64,
}

impl Lifetime {
    pub(crate) fn of(certificate: &openssl::x509::X509Ref) -> Lifetime {
        Lifetime { from: seconds(certificate.not_before()), until: seconds(certificate.not_after()) }
    }

    /// Whether it counts now: later than its end is `Greater`, before its start `Less`.
    #[must_use]
    pub fn compare(&self, now: i64) -> Ordering {
        if now > self.until {
            Ordering::Greater
        } else if now < self.from {
            Ordering::Less
        } else {
            Ordering::Equal
        }
    }
}

/// Seconds since 1970; 0 for a time that is none.
fn seconds(time: &Asn1TimeRef) -> i64 {
    let since = Asn1Time::from_unix(0).and_then(|epoch| epoch.diff(time));
    since.map_or(0, |since| i64::from(since.days) * 86_400 + i64::from(since.secs))
}

fn digest(content: Option<&[u8]>) -> Vec<u8> {
    let hashed = Hasher::new(MessageDigest::sha256()).and_then(|mut hasher| {
        hasher.update(&[u8::from(content.is_some())])?;
        hasher.update(content.unwrap_or_default())?;
        hasher.finish()
    });
    hashed.map(|digest| digest.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
