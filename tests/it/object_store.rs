//! Checkpoints in object stores: a server of S3's own protocol on loopback, and what is said where an object store
//! cannot be used.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::commands::{Said, UNSEEN_GROUP, say, table};
use crate::events::distinct;
use crate::world::{World, until};

/// How curl says who asks.
const SIGNED: [&str; 4] = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "somebody:a secret for tests only"];

/// A server of the S3 protocol.
pub(crate) struct ObjectServer {
    process: Child,
    url: String,
}

impl ObjectServer {
    pub(crate) fn start() -> ObjectServer {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python-venv/bin/moto_server");
        assert!(program.is_file(), "{} is missing: run .ci/setup python", program.display());
        let mut process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("Running on ")).expect("the server says where it runs");
        // Nobody reads what it says afterwards; a closed pipe would end it.
        std::thread::spawn(move || lines.count());
        let url = line.split("Running on ").nth(1).unwrap().trim().to_owned();
        let server = ObjectServer { process, url };
        server.curl(&["-X", "PUT", &format!("{}/states", server.url)]);
        server
    }

    fn curl(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("curl").args(["-sS", "--fail", "--noproxy", "*"]).args(SIGNED).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Where ClickHouse may put a backup of this name, as its statements say it.
    pub(crate) fn backup(&self, name: &str) -> String {
        format!("S3('{}/states/{name}', 'somebody', 'a secret for tests only')", self.url)
    }

    /// The variables of whoever uses its bucket.
    fn environment(&self) -> [(&str, &str); 6] {
        [
            ("GRAPEVINE_CHECKPOINT_URL", "s3://states/grapevine"),
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "somebody"),
            ("AWS_SECRET_ACCESS_KEY", "a secret for tests only"),
            ("NO_PROXY", "127.0.0.1"),
        ]
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Lets a worker read lines, and stops it.
fn read(world: &mut World, environment: &[(&str, &str)], lines: &[Vec<u8>], total: usize) -> String {
    let worker = world.start(environment);
    world.publish(lines);
    world.wait_for(total);
    let log = worker.log();
    worker.stop();
    log
}

/// The names of a source's checkpoints, newest first, with where they continue.
fn checkpoints(world: &World, environment: &[(&str, &str)]) -> Vec<u64> {
    let listed = say(world, &["checkpoint", "ls", "--source", "events/0"], environment).done();
    table(&listed).iter().map(|row| row[2].parse().unwrap()).collect()
}

#[test]
fn a_worker_restores_from_s3_what_it_published_there_and_keeps_three() {
    let server = ObjectServer::start();
    let environment = server.environment();
    let mut world = World::migrated(1, "object_store_s3");
    for (part, lines) in (1..).zip(distinct(2000).chunks(500)) {
        read(&mut world, &environment, lines, 500 * part);
    }
    let kept = checkpoints(&world, &environment);
    assert_eq!((kept.len(), kept[0]), (3, 2000), "{kept:?}");
    assert!(kept.is_sorted_by(|newer, older| newer > older), "{kept:?}");
    say(&world, &["checkpoint", "verify"], &environment).done();

    // What is there is never created again: the rules that the epoch began with stand.
    let refused = world.refused(&[environment.as_slice(), &[("GRAPEVINE_RULES_WINDOW_MINUTES", "30")]].concat());
    assert!(refused.contains("this epoch began with other rules (s3://states/grapevine/"), "{refused}");

    // The newest is cut off in the middle: the one before is restored, and what is read again changes nothing.
    // When progress was written, and where the log ended, may differ.
    let content = || {
        let tables = world.content();
        tables.into_iter().filter(|table| table["name"] != "progress").collect::<Vec<_>>()
    };
    let (before, counts) = (content(), world.counts());
    let newest = format!("{}/states/{}", server.url, object(&world, &environment));
    server.curl(&["-o", "/dev/null", "-X", "PUT", "--data-binary", "GRPVCKPT, or some of it", &newest]);
    let worker = world.start(&environment);
    until("the one before is restored", || {
        let log = worker.log();
        if log.contains("skipped a checkpoint, trying the one before") && log.contains("\"message\":\"started\"") {
            Ok(())
        } else {
            Err(log)
        }
    });
    worker.stop();
    assert_eq!((content(), world.counts()), (before, counts));
    say(&world, &["checkpoint", "verify"], &environment).done();
}

/// The name of the newest object.
fn object(world: &World, environment: &[(&str, &str)]) -> String {
    let shown = say(world, &["checkpoint", "show", "events/0"], environment).done();
    let line = shown.lines().find_map(|line| line.strip_prefix("object")).unwrap();
    line.trim().to_owned()
}

#[test]
fn an_object_that_is_there_is_not_written_again_unless_it_is_damaged() {
    let server = ObjectServer::start();
    let environment = server.environment();
    let mut world = World::migrated(1, "object_store_create");
    read(&mut world, &environment, &distinct(500), 500);
    let resumed: Vec<(&str, &str)> = [environment.as_slice(), &[UNSEEN_GROUP]].concat();
    for damaged in [false, true] {
        let listed = server.curl(&[&format!("{}/states?list-type=2&prefix=grapevine/epoch-0/events", server.url)]);
        for name in listed.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap()) {
            let place = format!("{}/states/{name}", server.url);
            if damaged {
                server.curl(&["-o", "/dev/null", "-X", "PUT", "--data-binary", "damaged", &place]);
            } else {
                server.curl(&["-X", "DELETE", &place]);
            }
        }
        say(&world, &["resume"], &resumed).done();
        assert_eq!(checkpoints(&world, &environment), [500], "damaged: {damaged}");
    }
}

#[test]
fn wrong_credentials_and_a_missing_bucket_are_for_somebody_to_mend() {
    let server = ObjectServer::start();
    let environment = server.environment();
    let world = World::migrated(1, "object_store_refused");
    let elsewhere = [environment.as_slice(), &[("GRAPEVINE_CHECKPOINT_URL", "s3://nobodys/grapevine")]].concat();
    let missing = world.refused(&elsewhere);
    assert!(missing.contains("s3://nobodys/grapevine") && missing.contains("NoSuchBucket"), "{missing}");
    // From now on it looks at who asks.
    server.curl(&["-X", "POST", "-H", "Content-Type: text/plain", "--data", "0", &format!("{}/moto-api/reset-auth", server.url)]);
    let refused = world.refused(&environment);
    assert!(refused.contains("could not read what the epoch began with at s3://states/grapevine"), "{refused}");
    assert!(
        refused.contains("InvalidAccessKeyId") && refused.contains("must be able to list, read, write and delete"),
        "{refused}"
    );
}

/// What a listing says about a place, with nothing else in the environment than this.
fn looked_at(url: &str, environment: &[(&str, &str)]) -> Said {
    let home = tempfile::tempdir().unwrap();
    let mut command = crate::demo::grapevine();
    command.args(["checkpoint", "ls"]).env_clear().env("HOME", home.path()).env("GRAPEVINE_CHECKPOINT_URL", url);
    Said::of(command.envs(environment.iter().copied()).output().unwrap())
}

#[test]
fn missing_credentials_are_named_by_the_variables_of_the_store() {
    // Nobody listens there, as where no cloud is.
    let nowhere = "http://127.0.0.1:1";
    let cases = [
        ("s3://bucket/folder", vec![("AWS_METADATA_ENDPOINT", nowhere)], "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (
            "gs://bucket/folder",
            vec![("GCE_METADATA_HOST", "127.0.0.1:1"), ("GCE_METADATA_IP", "127.0.0.1:1")],
            "GOOGLE_SERVICE_ACCOUNT",
        ),
        (
            "az://container/folder",
            vec![
                ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
                ("IDENTITY_ENDPOINT", "http://127.0.0.1:1/metadata/identity/oauth2/token"),
            ],
            "AZURE_STORAGE_ACCOUNT_KEY",
        ),
    ];
    for (url, environment, variables) in cases {
        let said = looked_at(url, &environment).refused();
        assert!(said.contains(url) && said.contains("no credentials are set") && said.contains(variables), "{said}");
    }
    let account = looked_at("az://container/folder", &[]).refused();
    assert!(account.contains("Account must be specified"), "{account}");
    let half = looked_at("s3://bucket/folder", &[("AWS_ACCESS_KEY_ID", "somebody")]).refused();
    assert!(half.contains("`checkpoint.url`") && half.to_lowercase().contains("secretaccesskey"), "{half}");
    // Azure's other form has the container where others have a user.
    let key = [("AZURE_STORAGE_ACCOUNT_KEY", "not base64!")];
    let wrong = looked_at("abfss://container@account.dfs.core.windows.net/folder", &key).refused();
    assert!(wrong.contains("`checkpoint.url`"), "{wrong}");
}

#[test]
fn a_place_that_is_no_object_store_is_a_mistake_of_the_configuration() {
    for url in ["http://somewhere/folder", "https://somewhere/folder", "ftp://place", "s3://user:password@bucket/folder"] {
        let said = looked_at(url, &[]);
        assert_eq!(said.code, 64, "{url}: {said:?}");
        assert!(said.errors.contains("GRAPEVINE_CHECKPOINT_URL"), "{said:?}");
    }
}
