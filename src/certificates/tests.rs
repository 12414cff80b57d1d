//! Files made by the script that people are told to use, and what is found wrong with them.

use std::path::PathBuf;
use std::process::Command;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::X509;
use openssl::x509::extension::SubjectAlternativeName;

use super::*;

/// A certificate of this machine that nobody else has signed, and its key; of so many bits, for so many days from now.
pub(crate) fn self_signed(bits: u32, days: u32) -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let mut made = X509::builder().unwrap();
    made.set_version(2).unwrap();
    made.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    made.set_not_after(&Asn1Time::days_from_now(days).unwrap()).unwrap();
    made.set_pubkey(&key).unwrap();
    let name = SubjectAlternativeName::new().ip("127.0.0.1").build(&made.x509v3_context(None, None)).unwrap();
    made.append_extension(name).unwrap();
    made.sign(&key, MessageDigest::sha256()).unwrap();
    (made.build(), key)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.make(&["authority"], &[]);
        folder.make(&["client", "worker"], &[("UNTIL", "20300101000000Z")]);
        folder.make(&["client", "locked"], &[("KEY_PASSWORD", "opens")]);
        std::fs::write(folder.path("empty"), "").unwrap();
        folder
    }

    fn make(&self, what: &[&str], variables: &[(&str, &str)]) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/tls/make.sh");
        let made = Command::new("sh").arg(script).arg(self.0.path()).args(what).envs(variables.iter().copied()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What is wrong with these: authorities, list, certificate, key, password.
    fn flaws(&self, names: [&str; 4], password: &str) -> Vec<String> {
        let read = |key, name: &str| {
            let path = (!name.is_empty()).then(|| self.path(name));
            File::read(("kafka", key), path.as_deref())
        };
        let files = Files {
            authorities: read("ssl_ca_file", names[0]),
            revoked: read("ssl_crl_file", names[1]),
            certificate: read("ssl_certificate_file", names[2]),
            key: read("ssl_key_file", names[3]),
            password: (("kafka", "ssl_key_password"), Secret(password.to_owned())),
        };
        files.flaws().iter().map(|flaw| flaw.to_string().replace(&self.0.path().display().to_string(), "")).collect()
    }
}

#[test]
fn files_that_fit_have_no_flaw() {
    let folder = Folder::new();
    assert!(folder.flaws(["ca.pem", "crl.pem", "worker.pem", "worker.key"], "").is_empty());
    assert!(folder.flaws(["ca.pem", "", "locked.pem", "locked.key"], "opens").is_empty());
    assert!(folder.flaws(["", "", "worker.pem", "worker.key"], "for nothing").is_empty(), "a password that no key asks for");
    let both = [".pem", ".key"].map(|end| std::fs::read(folder.path(&format!("worker{end}"))).unwrap()).concat();
    std::fs::write(folder.path("both"), both).unwrap();
    assert!(folder.flaws(["", "", "both", "both"], "").is_empty(), "certificate and key in one file");
}

#[test]
fn each_flaw_names_its_key_and_the_cure_and_no_two_are_the_same() {
    let folder = Folder::new();
    let cases: [([&str; 4], &str, &str, &str); 9] = [
        (["nowhere", "", "", ""], "", "`kafka.ssl_ca_file`", "cannot be read"),
        (["empty", "", "", ""], "", "`kafka.ssl_ca_file`", "is empty; name a PEM file with -----BEGIN CERTIFICATE-----"),
        (["worker.key", "", "", ""], "", "`kafka.ssl_ca_file`", "holds no certificate"),
        (["", "ca.pem", "", ""], "", "`kafka.ssl_crl_file`", "holds no list of revoked certificates"),
        (["", "", "worker.key", "worker.key"], "", "`kafka.ssl_certificate_file`", "holds no certificate"),
        (["", "", "worker.pem", "worker.pem"], "", "`kafka.ssl_key_file`", "holds no private key"),
        (
            ["", "", "worker.pem", "locked.key"],
            "opens",
            "`kafka.ssl_key_file`",
            "is the key of another certificate than the one in",
        ),
        (
            ["", "", "locked.pem", "locked.key"],
            "",
            "`kafka.ssl_key_file`",
            "locked with a password, and none is given; set GRAPEVINE_KAFKA_SSL_KEY_PASSWORD",
        ),
        (["", "", "locked.pem", "locked.key"], "wrong", "`kafka.ssl_key_password`", "does not open kafka.ssl_key_file; correct"),
    ];
    let mut all = Vec::new();
    for (names, password, key, words) in cases {
        let flaws = folder.flaws(names, password);
        let [flaw] = flaws.as_slice() else { panic!("{names:?}: {flaws:?}") };
        assert!(flaw.starts_with(key) && flaw.contains(words), "{names:?}: {flaw}");
        assert!(!flaw.contains("opens") && !flaw.contains("wrong"), "a password is said: {flaw}");
        all.push(flaw.clone());
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), cases.len());
}

#[test]
fn a_life_ends_when_the_certificate_says() {
    let folder = Folder::new();
    let path = folder.path("worker.pem");
    let files = Files { certificate: File::read(("kafka", "c"), Some(&path)), ..Files::default() };
    let [(key, life)] = files.lives()[..] else { panic!() };
    assert_eq!((key, life.until), (("kafka", "c"), 1_893_456_000));
    let compared = [life.from - 1, life.from, life.until, life.until + 1].map(|now| life.compare(now));
    assert_eq!(compared, [Ordering::Less, Ordering::Equal, Ordering::Equal, Ordering::Greater]);
}

#[test]
fn what_changed_is_seen_by_what_the_files_hold() {
    let folder = Folder::new();
    let link = folder.path("current");
    std::os::unix::fs::symlink(folder.path("worker.pem"), &link).unwrap();
    let files = || Files { certificate: File::read(("", ""), Some(&link)), ..Files::default() };
    let before = files();
    assert_eq!(files(), before);
    std::fs::remove_file(&link).unwrap();
    let missing = files();
    std::os::unix::fs::symlink(folder.path("locked.pem"), &link).unwrap();
    let swapped = files();
    assert!(missing != before && swapped != before && swapped != missing);
    assert!(!format!("{before:?}").contains("BEGIN"), "what a file holds may be a key");
}
