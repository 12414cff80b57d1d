//! Every way to connect that must work: a worker for each, all of one group.

use super::{KEY_PASSWORD, Secured, Variables, borrowed};
use crate::events::Data;
use crate::store::Database;
use crate::world::{Worker, World, until};

/// A worker for each, told how to connect.
fn ways(secured: &Secured) -> Vec<Variables> {
    let mut locked = secured.showing("MUTUAL", "locked");
    locked.push(("GRAPEVINE_KAFKA_SSL_KEY_PASSWORD", KEY_PASSWORD.to_owned()));
    let mut listed = secured.at("TLS", "ssl");
    listed.push(("GRAPEVINE_KAFKA_GROUP_INSTANCE_ID", "listed".to_owned()));
    // The password as editors leave it in a file.
    let mut from_file = secured.as_user("SASL", "sasl_ssl", "SCRAM-SHA-512");
    from_file.retain(|(key, _)| *key != "GRAPEVINE_KAFKA_SASL_PASSWORD");
    std::fs::write(secured.file("password"), format!("{}\n", super::PASSWORD)).unwrap();
    from_file.push(("GRAPEVINE_KAFKA_SASL_PASSWORD_FILE", secured.file("password")));
    vec![
        secured.at("TLS", "ssl"),
        listed,
        secured.showing("MUTUAL", "worker"),
        locked,
        secured.as_user("SASL", "sasl_ssl", "SCRAM-SHA-256"),
        secured.as_user("SASL", "sasl_ssl", "SCRAM-SHA-512"),
        secured.as_user("SASL", "sasl_ssl", "PLAIN"),
        secured.as_user("CLEARSASL", "sasl_plaintext", "SCRAM-SHA-512"),
        from_file,
    ]
}

#[test]
fn a_worker_reads_over_every_listener() {
    let secured = Secured::shared();
    let (ways, data) = (ways(&secured), Data::edge_cases());
    let mut world = World::on(&secured.kafka, ways.len(), Database::absent("secured_ways"));
    let workers: Vec<Worker> = ways.iter().map(|variables| world.start(&borrowed(variables))).collect();
    let open = |worker: &Worker| worker.get("/metrics").1.matches("\ngrapevine_live_roots{").count();
    until("each has a partition", || {
        let shares: Vec<usize> = workers.iter().map(open).collect();
        if shares.iter().all(|share| *share == 1) {
            Ok(())
        } else {
            Err((shares, workers.iter().map(Worker::log).collect::<Vec<_>>()))
        }
    });
    world.publish(&data.lines);
    world.wait_for(data.lines.len());
    for (worker, told) in workers.iter().zip(&ways) {
        assert!(worker.metric("grapevine_records_read_total", "") > 0.0, "{told:?}: {}", worker.log());
        worker.wait_until_ready();
    }
    workers.into_iter().for_each(Worker::stop);
    assert_eq!(world.counts(), data.counts());
}
