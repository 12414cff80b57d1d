//! Certificates and passwords that are renewed under a worker: taken over, as a pair that fits, and no row is another one for it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::PATIENT;
use super::super::verdict::assert_sound;
use super::{PASSWORD, Secured, borrowed, make};
use crate::events::Data;
use crate::store::Database;
use crate::world::{Worker, World, until};

/// A folder whose files are seen through a link, as Kubernetes shows a Secret's.
struct Mounted(tempfile::TempDir);

impl Mounted {
    /// Shows these files by names of their own, all at once.
    fn show(&self, version: usize, files: [(&str, PathBuf); 2]) {
        let folder = self.0.path().join(format!("version-{version}"));
        std::fs::create_dir(&folder).unwrap();
        for (name, from) in files {
            std::fs::copy(from, folder.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(&folder, self.0.path().join("next")).unwrap();
        std::fs::rename(self.0.path().join("next"), self.0.path().join("current")).unwrap();
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join("current").join(name).display().to_string()
    }
}

fn pair(folder: &Path, certificate: &str, key: &str) -> [(&'static str, PathBuf); 2] {
    [("tls.crt", folder.join(format!("{certificate}.pem"))), ("tls.key", folder.join(format!("{key}.key")))]
}

/// A time in so many seconds, as openssl writes it.
fn in_seconds(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let at = time::OffsetDateTime::UNIX_EPOCH + now + Duration::from_secs(seconds);
    let day = format!("{}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
    format!("{day}{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second())
}

fn times(worker: &Worker, words: &str) -> usize {
    worker.log().matches(words).count()
}

#[test]
fn three_renewals_under_load_change_no_row_and_a_pair_that_does_not_fit_is_refused() {
    const FIRST_LIVES: u64 = 15;
    const TAKEN: &str = "rejoining the group of";
    let secured = Secured::shared();
    let (mut world, data) = (World::on(&secured.kafka, 3, Database::absent("secured_renewals")), Data::edge_cases());
    let mounted = Mounted(tempfile::tempdir().unwrap());
    let folder = secured.folder.path();
    make(folder, &["client", "first"], &[("UNTIL", &in_seconds(FIRST_LIVES))]);
    let ends = SystemTime::now() + Duration::from_secs(FIRST_LIVES + 1);
    for name in ["second", "third", "fourth"] {
        make(folder, &["client", name], &[]);
    }
    mounted.show(0, pair(folder, "first", "first"));
    let mut told = secured.at("RENEWED", "ssl");
    told.push(("GRAPEVINE_KAFKA_SSL_CERTIFICATE_FILE", mounted.file("tls.crt")));
    told.push(("GRAPEVINE_KAFKA_SSL_KEY_FILE", mounted.file("tls.key")));
    let named = |mut told: super::Variables, name: &str| {
        told.push(("GRAPEVINE_KAFKA_GROUP_INSTANCE_ID", name.to_owned()));
        told.extend(PATIENT.map(|(key, value)| (key, value.to_owned())));
        told
    };
    let renewed = world.start(&borrowed(&named(told, "renewed")));
    let beside = world.start(&borrowed(&named(secured.at("TLS", "ssl"), "beside")));
    for worker in [&renewed, &beside] {
        until("both have partitions", || {
            let page = worker.get("/metrics").1;
            if page.contains("grapevine_live_roots{") { Ok(()) } else { Err(worker.log()) }
        });
    }
    let rebalances = beside.metric("grapevine_rebalances_total", "");
    let mut load = world.load(&data.lines);
    for (number, name) in [(1, "second"), (2, "third"), (3, "fourth")] {
        load.release_one_of(5);
        mounted.show(2 * number, pair(folder, name, "late"));
        until("it is refused", || {
            let refused = times(&renewed, "renewed files are refused") == number
                && renewed.log().contains("the key of another certificate");
            if refused { Ok(()) } else { Err(renewed.log()) }
        });
        assert!(renewed.metric("grapevine_renewal_refused", "") > 0.0);
        let left = renewed.metric("grapevine_certificate_expiry_seconds", "kafka.ssl_certificate_file");
        assert_eq!(left > 80.0 * 86_400.0, number > 1, "the metric tells of the one in use: {left}");
        mounted.show(2 * number + 1, pair(folder, name, name));
        until("it is taken over", || if times(&renewed, TAKEN) == number { Ok(()) } else { Err(renewed.log()) });
    }
    let left = renewed.metric("grapevine_certificate_expiry_seconds", "kafka.ssl_certificate_file");
    assert!(left > 80.0 * 86_400.0, "{left}");
    // By then nobody would be let in with the first one.
    std::thread::sleep(ends.duration_since(SystemTime::now()).unwrap_or_default());
    secured.relay.cut();
    world.finish(load);
    world.wait_for(data.lines.len());
    assert_eq!(beside.metric("grapevine_rebalances_total", "").to_bits(), rebalances.to_bits(), "{}", beside.log());
    renewed.stop();
    beside.stop();
    assert_sound(&world, &data);
}

#[test]
fn a_password_that_is_corrected_in_its_file_is_taken_over() {
    let secured = Secured::shared();
    let world = World::on(&secured.kafka, 1, Database::absent("secured_password"));
    let file = secured.file("corrected");
    std::fs::write(&file, "wrong").unwrap();
    let mut told = secured.as_user("SASL", "sasl_ssl", "SCRAM-SHA-256");
    told.retain(|(key, _)| *key != "GRAPEVINE_KAFKA_SASL_PASSWORD");
    told.push(("GRAPEVINE_KAFKA_SASL_PASSWORD_FILE", file.clone()));
    let worker = world.start(&borrowed(&told));
    worker.wait_until_unready("`kafka.sasl_password_file`");
    std::fs::write(&file, PASSWORD).unwrap();
    worker.wait_until_ready();
    worker.stop();
}
