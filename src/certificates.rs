//! Certificates, keys and lists of revoked certificates in PEM files: what they hold, whether they fit, until when they count.
//!
//! Read with the library by which the Kafka client reads them, so that what is found well here is found well there. Contacts nobody.

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Crl};

use crate::config::{self, Key, Secret};

/// One of the files, as it was when it was read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct File {
    /// The key of the configuration that names it.
    pub key: Key,
    /// Where it is; nothing if none is named.
    pub path: Option<PathBuf>,
    /// What it held, or why it could not be read.
    held: Option<Result<Vec<u8>, String>>,
}

impl File {
    /// Reads it.
    #[must_use]
    pub fn read(key: Key, path: Option<&Path>) -> File {
        let held = path.map(|path| std::fs::read(path).map_err(|error| error.to_string()));
        File { key, path: path.map(Path::to_owned), held }
    }

    /// Whether the configuration names one.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.path.is_some()
    }

    /// What it held.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.held.as_ref()?.as_deref().ok()
    }

    fn unreadable(&self) -> Option<Flaw> {
        let error = self.held.as_ref()?.as_ref().err()?;
        Some(flaw(self.key, format!("{} cannot be read: {error}", self.shown()), READABLE))
    }

    /// Where it is, for people.
    fn shown(&self) -> String {
        format!("{:?}", self.path.as_deref().unwrap_or(Path::new("")))
    }
}

impl fmt::Debug for File {
    /// Without what it holds, which may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {:?}", self.key.0, self.key.1, self.path)
    }
}

/// The files by which one side of a connection shows itself and believes the other, read once: what is judged is what is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Authorities that are believed.
    pub authorities: File,
    /// What these have revoked.
    pub revoked: File,
    /// What is shown, and what proves it.
    pub certificate: File,
    /// The key of that.
    pub key: File,
    /// What opens the key; empty: nothing.
    pub password: (Key, Secret),
}

impl Files {
    /// Those of the log.
    #[must_use]
    pub fn of_kafka(kafka: &config::Kafka) -> Files {
        let read = |name, path: &Option<PathBuf>| File::read(("kafka", name), path.as_deref());
        Files {
            authorities: read("ssl_ca_file", &kafka.ssl_ca_file),
            revoked: read("ssl_crl_file", &kafka.ssl_crl_file),
            certificate: read("ssl_certificate_file", &kafka.ssl_certificate_file),
            key: read("ssl_key_file", &kafka.ssl_key_file),
            password: (("kafka", "ssl_key_password"), kafka.ssl_key_password.clone()),
        }
    }

    /// Those of the store. Its keys cannot be locked, and nobody says what was revoked.
    #[must_use]
    pub fn of_clickhouse(clickhouse: &config::ClickHouse) -> Files {
        let read = |name, path: &Option<PathBuf>| File::read(("clickhouse", name), path.as_deref());
        Files {
            authorities: read("ca_file", &clickhouse.ca_file),
            revoked: File::default(),
            certificate: read("certificate_file", &clickhouse.certificate_file),
            key: read("key_file", &clickhouse.key_file),
            password: (("clickhouse", ""), Secret::default()),
        }
    }

    /// Those that the configuration names.
    pub fn named(&self) -> impl Iterator<Item = &File> {
        [&self.authorities, &self.revoked, &self.certificate, &self.key].into_iter().filter(|file| file.is_named())
    }

    /// What is wrong with them; empty if a client can be made with them.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws: Vec<Flaw> = self.named().filter_map(File::unreadable).collect();
        let holds_one = |pem: &[u8]| X509::stack_from_pem(pem).is_ok_and(|all| !all.is_empty());
        flaws.extend(lacks(&self.authorities, holds_one, CERTIFICATE));
        flaws.extend(lacks(&self.revoked, |pem| X509Crl::from_pem(pem).is_ok(), LIST));
        flaws.extend(lacks(&self.certificate, holds_one, CERTIFICATE));
        if let Some(pem) = self.key.content() {
            match self.open(pem) {
                Err(flaw) => flaws.push(flaw),
                Ok(key) => flaws.extend(self.no_pair(&key)),
            }
        }
        flaws
    }

    /// The client's key.
    fn open(&self, pem: &[u8]) -> Result<PKey<Private>, Flaw> {
        let (key, file, password) = (self.key.key, self.key.shown(), &self.password.1.0);
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
            (true, _) if name.is_empty() => flaw(key, format!("{file} is locked with a password"), "name one that is not"),
            (true, true) => flaw(key, format!("{file} is locked with a password, and none is given"), set("set")),
            (true, false) => flaw(self.password.0, format!("does not open {}.{}", key.0, key.1), set("correct")),
            (false, _) => lacks(&self.key, |_| false, KEY).unwrap_or_else(|| flaw(key, "", "")),
        })
    }

    /// Whether a key is that of a certificate.
    fn no_pair(&self, key: &PKey<Private>) -> Option<Flaw> {
        // The first of a chain is the one that is shown.
        let shown = X509::stack_from_pem(self.certificate.content()?).ok()?.into_iter().next()?.public_key().ok()?;
        let (section, certificate) = self.certificate.key;
        let problem =
            || format!("{} is the key of another certificate than the one in {section}.{certificate}", self.key.shown());
        (!shown.public_eq(key)).then(|| flaw(self.key.key, problem(), "name the two that were made together"))
    }

    /// From when until when they count, with the keys that name the files: what is shown, and the authority that ends last, because a file
    /// holds the old one beside the new for a while.
    #[must_use]
    pub fn lives(&self) -> Vec<(Key, Lifetime)> {
        let lives = |file: &File| {
            let all = X509::stack_from_pem(file.content()?).ok()?;
            Some(all.iter().map(|one| Lifetime::of(one)).collect::<Vec<_>>())
        };
        let believed = lives(&self.authorities).and_then(|all| all.into_iter().max_by_key(|life| life.until));
        let shown = lives(&self.certificate).and_then(|all| all.into_iter().min_by_key(|life| life.until));
        [(self.authorities.key, believed), (self.certificate.key, shown)]
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

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}.{}` {}; {}", self.key.0, self.key.1, self.problem, self.cure)
    }
}

fn flaw(key: Key, problem: impl Into<String>, cure: impl Into<String>) -> Flaw {
    Flaw { key, problem: problem.into(), cure: cure.into() }
}

/// A file that does not hold what it should.
fn lacks(file: &File, holds: impl Fn(&[u8]) -> bool, (what, begin): (&str, &str)) -> Option<Flaw> {
    let pem = file.content().filter(|pem| !holds(pem))?;
    let problem = if pem.is_empty() { "is empty".to_owned() } else { format!("holds no {what}") };
    Some(flaw(file.key, format!("{} {problem}", file.shown()), format!("name a PEM file with {begin}")))
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

#[cfg(test)]
pub(crate) mod tests;
