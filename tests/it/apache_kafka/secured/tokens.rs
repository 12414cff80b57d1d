//! Tokens: read on over re-authentications, and every mistake with one.
//!
//! Amazon MSK cannot be had here. That its signatures are those of AWS's own signer is tested beside them; that a token of
//! ours gets through the same mechanism, here.

use std::time::Duration;

use super::super::broker::listeners::Listener;
use super::{Secured, Variables, borrowed};
use crate::events::Data;
use crate::issuer::{AUDIENCE, CLIENT, Grant, ISSUER, Issuer, Keys, SECRET};
use crate::store::Database;
use crate::world::{Worker, World, until};

/// How many seconds a token is said to last where it shall soon be another one.
const SOON: i64 = 3;

/// What the broker writes when somebody has said again who it is.
const AGAIN: &str = "re-authentication";

/// A way in for who shows a token of the issuer, signed by the key in this file.
pub(super) fn listener(listener: Listener, keys: &Keys, file: &str) -> Listener {
    std::fs::write(file, keys.set()).unwrap();
    let (bearer, allowed) = ("org.apache.kafka.common.security.oauthbearer", "-Dorg.apache.kafka.sasl.oauthbearer.allowed");
    listener
        .with("sasl.enabled.mechanisms", "OAUTHBEARER")
        .with("oauthbearer.sasl.jaas.config", &format!("{bearer}.OAuthBearerLoginModule required;"))
        .with("oauthbearer.sasl.server.callback.handler.class", &format!("{bearer}.OAuthBearerValidatorCallbackHandler"))
        .with("sasl.oauthbearer.jwks.endpoint.url", &format!("file:{file}"))
        .with("sasl.oauthbearer.expected.issuer", ISSUER)
        .with("sasl.oauthbearer.expected.audience", AUDIENCE)
        // Whoever is connected has to say again who it is, long before its token ends.
        .with("oauthbearer.connections.max.reauth.ms", "3000")
        .with_java(format!("{allowed}.files={file}"))
        .with_java(format!("{allowed}.urls=file:{file}"))
        .with_java("-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.security.authenticator=debug".to_owned())
}

/// What a worker has to be told to show tokens of an issuer.
fn told(secured: &Secured, issuer: &Issuer) -> Variables {
    let mut told = secured.at("TOKEN", "sasl_ssl");
    told.push(("GRAPEVINE_KAFKA_SASL_MECHANISM", "OAUTHBEARER".to_owned()));
    told.push(("GRAPEVINE_KAFKA_OAUTH_TOKEN_URL", issuer.url()));
    told.push(("GRAPEVINE_KAFKA_OAUTH_CLIENT_ID", CLIENT.to_owned()));
    told.push(("GRAPEVINE_KAFKA_OAUTH_CLIENT_SECRET", SECRET.to_owned()));
    told.push(("GRAPEVINE_KAFKA_OAUTH_SCOPE", "read write".to_owned()));
    told.push(("GRAPEVINE_KAFKA_OAUTH_EXTENSIONS", "logicalCluster=lkc-1".to_owned()));
    told
}

/// The same with another value.
fn but(mut told: Variables, key: &str, value: &str) -> Variables {
    let wrong = told.iter_mut().find(|(name, _)| *name == key).unwrap();
    value.clone_into(&mut wrong.1);
    told
}

#[test]
fn a_worker_reads_on_while_tokens_are_renewed_and_connections_ask_who_it_is() {
    let (secured, data) = (Secured::shared(), Data::edge_cases());
    let mut world = World::on(&secured.kafka, 2, Database::absent("tokens_renewed"));
    let issuer = Issuer::start(&secured.keys, Grant { status: 503, ..Grant::default() });
    let secret = secured.file("oauth_secret");
    std::fs::write(&secret, "of last year").unwrap();
    let mut from_a_file = told(&secured, &issuer);
    from_a_file.retain(|(key, _)| *key != "GRAPEVINE_KAFKA_OAUTH_CLIENT_SECRET");
    from_a_file.push(("GRAPEVINE_KAFKA_OAUTH_CLIENT_SECRET_FILE", secret.clone()));
    let worker = world.start(&borrowed(&from_a_file));
    worker.wait_until_unready("as the endpoint knows them");
    std::fs::write(&secret, SECRET).unwrap();
    worker.wait_until_unready("the endpoint is in trouble");
    issuer.gives(Grant { said_to_last: SOON, ..Grant::default() });
    worker.wait_until_ready();
    assert!(worker.log().contains("there is a token for the brokers again"), "{}", worker.log());
    // The broker lets nobody become somebody else by that.
    let asked_again = || secured.kafka.said().matches(AGAIN).count();
    let mut published = 0;
    for part in data.lines.chunks(data.lines.len().div_ceil(2)) {
        world.publish(part);
        published += part.len();
        world.wait_for(published);
        let before = (issuer.given(), asked_again());
        until("another token was given and shown", || {
            let now = (issuer.given(), asked_again());
            if now.0 > before.0 && now.1 > before.1 + 1 { Ok(()) } else { Err((before, now, worker.log())) }
        });
    }
    let status = world.command("epoch").arg("status").envs(told(&secured, &issuer)).output().unwrap();
    let said = [status.stdout, status.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(said[0].contains("events/0") && !said[1].contains("not known"), "{said:?}");
    let lasts = worker.metric("grapevine_token_lifetime_seconds", "");
    assert!((1.0..=SOON as f64).contains(&lasts), "{lasts}");
    let log = worker.log();
    worker.stop();
    assert_eq!(world.counts(), data.counts());
    assert!(log.contains("was renewed: asking for a token with it") && !log.contains("rejoining the group"), "{log}");
    assert!(!log.contains("another user") && !log.contains(SECRET) && !log.contains("of last year"), "{log}");
}

#[test]
fn every_mistake_with_a_token_names_a_key_and_a_cure() {
    let secured = Secured::shared();
    let world = World::on(&secured.kafka, 1, Database::absent("tokens_wrong"));
    let good = Grant::default;
    let of = |grant: Grant| Issuer::start(&secured.keys, grant);
    let slow = of(Grant { delay: Duration::from_secs(3600), ..good() });
    let (expired, gone) = (of(Grant { lasts: -9, ..good() }), of(Grant { status: 404, ..good() }));
    let sound = of(good());
    let as_aws = [
        ("GRAPEVINE_KAFKA_SASL_MECHANISM", "AWS_MSK_IAM".to_owned()),
        ("GRAPEVINE_KAFKA_AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1".to_owned()),
    ];
    let nobody = "http://127.0.0.1:1/token";
    // What the worker finds out by itself, before it has seen a broker.
    let mistakes: Vec<(Variables, &str)> = vec![
        (told(&secured, &slow), "`kafka.oauth_token_url` gave no token within 10s"),
        (told(&secured, &expired), "s before it was given, by this machine's clock; mend the endpoint"),
        (told(&secured, &gone), "no tokens are given at this address; correct it"),
        (but(told(&secured, &sound), "GRAPEVINE_KAFKA_OAUTH_TOKEN_URL", nobody), "look whether it runs"),
        (
            but(told(&secured, &sound), "GRAPEVINE_KAFKA_OAUTH_TOKEN_URL", &sound.url().replace("http", "https")),
            "no TLS at this port",
        ),
        (
            but(told(&secured, &sound), "GRAPEVINE_KAFKA_OAUTH_CLIENT_SECRET", "wrong"),
            "`kafka.oauth_client_secret_file`) as the endpoint",
        ),
        ([secured.at("TOKEN", "sasl_ssl"), as_aws.to_vec()].concat(), "nothing to sign with (`kafka.sasl_mechanism`"),
    ];
    let workers: Vec<Worker> = mistakes.iter().map(|(told, _)| world.start(&borrowed(told))).collect();
    for (worker, (_, said)) in workers.into_iter().zip(&mistakes) {
        worker.wait_until_unready(said);
        let (code, log) = worker.stopped();
        assert!(code == Some(0) && log.contains(said) && !log.contains(SECRET), "{code:?}: {log}");
    }
}

/// Kafka's validator answers the same to each of them.
#[test]
fn a_token_that_brokers_refuse_is_shown_beside_what_they_compare_it_with() {
    let secured = Secured::shared();
    let world = World::on(&secured.kafka, 1, Database::absent("tokens_refused"));
    let soon = || Grant { said_to_last: SOON, ..Grant::default() };
    let mistakes = [
        (Grant { foreign: true, ..soon() }, "key \"known\" (RS256)"),
        (Grant { issuer: "http://other.test", ..soon() }, "issuer \"http://other.test\""),
        (Grant { audience: "store", ..soon() }, "audience \"store\""),
    ];
    let issuers: Vec<Issuer> = mistakes.iter().map(|(grant, _)| Issuer::start(&secured.keys, grant.clone())).collect();
    let workers: Vec<Worker> = issuers.iter().map(|issuer| world.start(&borrowed(&told(&secured, issuer)))).collect();
    for (worker, (_, said)) in workers.iter().zip(&mistakes) {
        worker.wait_until_unready(said);
        let told = [worker.get("/readyz").1, worker.log().replace("\\\"", "\"")];
        for part in ["`kafka.oauth_token_url`", "`kafka.oauth_scope`", "sasl.oauthbearer.expected.audience", said] {
            assert!(told.iter().all(|text| text.contains(part)), "{part}: {told:?}");
        }
    }
    // The endpoint gives better ones, and nobody has to do anything here.
    issuers.iter().for_each(|issuer| issuer.gives(soon()));
    workers.iter().for_each(Worker::wait_until_ready);
    workers.into_iter().for_each(Worker::stop);
}
