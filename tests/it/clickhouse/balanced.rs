//! Two plain servers behind one address, as a load balancer of several would have them: what a worker writes goes now to this
//! one, now to that. It names what it finds, no state is published on the strength of rows that lie elsewhere, and once the
//! address leads to one of them, that one is made whole.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::forgotten::in_peace;
use crate::store::Database;
use crate::world::{Worker, World, files_in, has_checkpoint, until};

/// Each request goes to one database or, every so many requests, to another one: two stores, as far as their clients can tell.
pub(crate) struct Balancer {
    pub(crate) url: String,
    /// After so many requests one goes to the other; none, if it is 0.
    every: Arc<AtomicUsize>,
}

impl Balancer {
    pub(crate) fn start(store: &str, one: &str, other: &str) -> Balancer {
        assert_eq!(one.len(), other.len());
        let store = store.trim_start_matches("http://").to_owned();
        let named = [one, other].map(|database| format!("database={database}"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let every = Arc::new(AtomicUsize::new(0));
        let (turn, requests) = (Arc::clone(&every), Arc::new(AtomicUsize::new(1)));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (store, named) = (store.clone(), named.clone());
                let (turn, requests) = (Arc::clone(&turn), Arc::clone(&requests));
                // Whoever hangs up has been killed.
                thread::spawn(move || {
                    let Some(head) = head(&client) else { return };
                    let every = turn.load(Ordering::Relaxed);
                    let is_turn = every > 0 && requests.fetch_add(1, Ordering::Relaxed) % every == 0;
                    let head = if is_turn { head.replacen(&named[0], &named[1], 1) } else { head };
                    pass(&client, &TcpStream::connect(&store).unwrap(), &head).ok();
                });
            }
        });
        Balancer { url, every }
    }

    pub(crate) fn every(&self, requests: usize) {
        self.every.store(requests, Ordering::Relaxed);
    }
}

/// What a request says before its body. The connection is for one request, so that the next may go elsewhere.
fn head(mut client: &TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap().replacen("\r\n", "\r\nConnection: close\r\n", 1))
}

fn pass(client: &TcpStream, mut store: &TcpStream, head: &str) -> std::io::Result<()> {
    store.write_all(head.as_bytes())?;
    let (mut from, mut to) = (client.try_clone()?, store.try_clone()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to).ok());
    std::io::copy(&mut store, &mut &*client).ok();
    store.shutdown(Shutdown::Both).ok();
    client.shutdown(Shutdown::Both)
}

/// A world with a store and another one, both at one address, and the name of the other's database; asked is the first.
fn two_stores(one: &str, other: &str) -> (World, Balancer, String) {
    let mut database = Database::absent(one);
    let other = Database::absent(other);
    let balancer = Balancer::start(&database.config.urls[0], &database.rows(), &other.rows());
    database.config.urls = vec![balancer.url.clone()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        database.migrate().await;
        other.migrate().await;
        let id = format!("ALTER TABLE store MODIFY COMMENT '{:032x}'", 7);
        other.run(&id).await;
    });
    (World::with(1, database), balancer, other.rows())
}

type Peace = ([Vec<Vec<u8>>; 2], BTreeMap<String, String>);

/// The lines, and their rows, of a store that is alone.
fn peace() -> &'static Peace {
    static PEACE: OnceLock<Peace> = OnceLock::new();
    PEACE.get_or_init(|| in_peace(1, "balanced_peace"))
}

const CONTRADICTED: &str = "two servers that are no copies of each other answer at clickhouse.urls";

/// How many warnings of a worker say this.
fn warnings(worker: &Worker, words: &str) -> usize {
    worker.log().lines().filter(|line| line.contains(words)).count()
}

#[test]
fn two_stores_behind_one_address_are_named_and_the_right_one_is_whole_in_the_end() {
    let ([first, rest], rows) = peace();
    let (mut world, balancer, other) = two_stores("balanced_one", "balanced_two");
    let worker = world.start(&[]);
    // It has begun in the first.
    until("there is a first state", || if has_checkpoint(&world.checkpoints()) { Ok(()) } else { Err("not yet") });
    balancer.every(2);
    world.publish(first);
    // Whatever answers first, the opening or the append, says it.
    let named = |worker: &Worker| {
        [CONTRADICTED, "is another store than the one that events/0 was written to"].map(|said| warnings(worker, said))
    };
    until("it is named", || if named(&worker).iter().sum::<usize>() > 0 { Ok(()) } else { Err(worker.log()) });
    world.publish(rest);
    until("it has tried for a while", || if named(&worker).iter().sum::<usize>() > 5 { Ok(()) } else { Err(worker.log()) });
    assert!(worker.metric("grapevine_store_forgotten_total", "") > 0.0, "{}", worker.log());
    let said =
        format!("SELECT (SELECT count() FROM {other}.progress) + (SELECT count() FROM {other}.cascade WHERE epoch = 65535) AS n");
    assert_eq!(world.ask(&said)[0]["n"], 0, "nothing there says that it is complete");
    balancer.every(0);
    worker.wait_until_ready();
    until("all rows are there", || if world.every_row() == *rows { Ok(()) } else { Err("not yet") });
    worker.stop();
    assert_eq!(world.every_row(), *rows);
}

#[test]
fn an_old_copy_that_answers_now_and_then_is_named_and_what_went_there_is_written_again() {
    let ([first, rest], rows) = peace();
    let (mut world, balancer, other) = two_stores("aged_newer", "aged_older");
    let worker = world.start(&[]);
    let (early, late) = first.split_at(first.len() / 2);
    world.publish(early);
    world.wait_for(early.len());
    let id = world.ask("SELECT comment AS id FROM system.tables WHERE database = currentDatabase() AND name = 'store'");
    world.run(&format!("ALTER TABLE {other}.store MODIFY COMMENT '{}'", id[0]["id"].as_str().unwrap()));
    for table in ["root", "activity_window", "cascade", "thread", "rejects", "progress"] {
        world.run(&format!("INSERT INTO {other}.{table} SELECT * FROM {table}"));
    }
    world.publish(late);
    world.wait_for(first.len());
    // A copy that is as young as the last state is told from the right one only by the next.
    let is_state = |path: &PathBuf| path.to_string_lossy().contains(&format!("/{:020}-", first.len()));
    until("its state is published", || if files_in(&world.checkpoints()).iter().any(is_state) { Ok(()) } else { Err("not yet") });
    let said = format!("SELECT max(version) AS version FROM {other}.progress");
    let before = world.ask(&said);
    balancer.every(3);
    world.publish(rest);
    until("it is named", || if warnings(&worker, CONTRADICTED) > 1 { Ok(()) } else { Err(worker.log()) });
    assert!(worker.metric("grapevine_store_forgotten_total", "") > 1.0, "{}", worker.log());
    assert_eq!(world.ask(&said), before, "nothing there says that it is complete");
    balancer.every(0);
    until("all rows are there", || if world.every_row() == *rows { Ok(()) } else { Err("not yet") });
    worker.stop();
    assert_eq!(world.every_row(), *rows);
}
