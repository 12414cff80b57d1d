//! The restore drill, with ClickHouse's own BACKUP and RESTORE: states that were copied first and rows afterwards come back as if
//! nothing had happened, whatever came while they were copied; copies made in the other order are refused, with a cure that works.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use tempfile::TempDir;

use crate::commands::say;
use crate::forgotten::{EVENTS, in_peace};
use crate::object_store::ObjectServer;
use crate::world::{World, files_in, until};

/// Copies a folder that workers write to: what they prune meanwhile is not copied.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for found in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (found.path(), to.join(found.file_name()));
        if found.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else if let Err(error) = fs::copy(&from, &to) {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}: {}", from.display());
        }
    }
}

fn copied(world: &World) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&world.checkpoints(), folder.path());
    folder
}

/// Where the states in a folder continue, the oldest first.
fn states(folder: &Path) -> Vec<u64> {
    let name = |path: &Path| path.file_name()?.to_str()?.split('-').next()?.parse().ok();
    let mut states: Vec<u64> = files_in(folder).iter().filter_map(|path| name(path)).collect();
    states.sort_unstable();
    states
}

/// Waits until the newest state continues so far, or further.
pub(crate) fn wait_for_a_state(world: &World, next: u64) {
    until("a state is published", || match states(&world.checkpoints()).last() {
        Some(newest) if *newest >= next => Ok(()),
        newest => Err(format!("{newest:?}")),
    });
}

/// Loses rows and states, and brings back copies of both: rows first.
fn lose_and_restore(world: &World, rows: &str, states: &Path) {
    let name = &world.database.rows();
    world.elsewhere(&format!("DROP DATABASE {name} SYNC"));
    fs::remove_dir_all(world.checkpoints()).unwrap();
    world.elsewhere(&format!("RESTORE DATABASE {name} FROM {rows}"));
    copy(states, &world.checkpoints());
}

fn back_up(world: &World, server: &ObjectServer) -> String {
    let name = &world.database.rows();
    let place = server.backup(name);
    world.elsewhere(&format!("BACKUP DATABASE {name} TO {place}"));
    place
}

#[test]
fn states_copied_first_and_rows_afterwards_come_back_as_if_nothing_had_happened() {
    let ([first, rest], rows) = in_peace(2, "drill_in_peace");
    let server = ObjectServer::start();
    let mut world = World::migrated(2, "drill");
    let worker = world.start(&[]);
    let (early, late) = first.split_at(first.len() / 2);
    world.publish(early);
    world.wait_for(early.len());
    wait_for_a_state(&world, 1);
    // The worker goes on all the while: tables are copied one after another, and know more than the states.
    let states = copied(&world);
    world.publish(late);
    let backup = back_up(&world, &server);
    world.publish(&rest);
    world.wait_for(EVENTS);
    worker.kill();

    lose_and_restore(&world, &backup, states.path());
    let restored = world.counts()[0];
    assert!((early.len() as u64..EVENTS as u64).contains(&restored), "{restored}");
    let place = states.path().to_str().unwrap();
    say(&world, &["checkpoint", "verify"], &[("GRAPEVINE_CHECKPOINT_URL", place)]).done();
    let worker = world.start(&[]);
    world.wait_for(EVENTS);
    assert!(worker.metric("grapevine_store_forgotten_total", "") < 1.0, "{}", worker.log());
    worker.stop();
    assert_eq!(world.every_row(), rows);
}

#[test]
fn rows_copied_before_the_states_are_refused_until_older_states_are_beside_them() {
    let ([first, rest], rows) = in_peace(1, "drill_reversed_in_peace");
    let server = ObjectServer::start();
    let mut world = World::migrated(1, "drill_reversed");
    let worker = world.start(&[]);
    world.publish(&first);
    wait_for_a_state(&world, first.len() as u64);
    let older = copied(&world);
    let backup = back_up(&world, &server);
    let mut published = first.len();
    // Until no state that is kept is as old as the copy of the rows.
    for part in rest.chunks(rest.len() / 4) {
        world.publish(part);
        published += part.len();
        wait_for_a_state(&world, published as u64);
    }
    let newer = copied(&world);
    assert!(states(newer.path())[0] > first.len() as u64, "{:?}", states(newer.path()));
    worker.stop();

    lose_and_restore(&world, &backup, newer.path());
    let restored = world.content();
    let worker = world.start(&[]);
    worker.wait_until_unready("came back from an older copy, or has lost rows");
    let (_, said) = worker.get("/readyz");
    assert!(said.contains("or put older checkpoints beside those that are kept"), "{said}");
    assert_eq!(world.content(), restored, "nothing is written");
    copy(older.path(), &world.checkpoints());
    worker.wait_until_ready();
    world.wait_for(EVENTS);
    worker.stop();
    assert_eq!(world.every_row(), rows);
}
