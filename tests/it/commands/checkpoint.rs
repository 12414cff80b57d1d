//! `grapevine checkpoint`.

use std::path::{Path, PathBuf};

use crate::commands::{say, table};
use crate::events::distinct;
use crate::world::World;

/// A world whose worker has read some events and was stopped.
fn world(name: &str) -> World {
    let lines = distinct(1500);
    let mut world = World::migrated(2, name);
    let worker = world.start(&[]);
    world.publish(&lines);
    world.wait_for(lines.len());
    worker.stop();
    world
}

/// The objects of a source, the newest first.
fn objects(folder: &Path, source: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("epoch-0").join(source)).unwrap();
    let mut objects: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    objects.sort();
    objects.reverse();
    objects
}

#[test]
fn checkpoints_are_listed_shown_and_verified() {
    let world = world("checkpoint_sound");
    let listed = say(&world, &["checkpoint", "ls"], &[]).done();
    let rows = table(&listed);
    assert!(rows.len() >= 2 && rows.iter().all(|row| row[0] == "0" && row[5] == "whole"), "{listed}");
    let newest = rows.iter().find(|row| row[1] == "events/1").unwrap();
    let counted =
        world.ask("SELECT toString(version) AS next, toString(read) AS read FROM progress FINAL WHERE source = 'events/1'");
    assert_eq!(counted[0]["next"], newest[2], "the newest stands first");

    let shown = say(&world, &["checkpoint", "show", "events/1"], &[]).done();
    let value = |name: &str| {
        let line =
            shown.lines().find(|line| line.starts_with(&format!("{name:<22}"))).unwrap_or_else(|| panic!("{name}: {shown}"));
        line[22..].to_owned()
    };
    assert_eq!((value("next"), value("read")), (newest[2].to_owned(), counted[0]["read"].as_str().unwrap().to_owned()));
    let last: u64 = newest[2].parse::<u64>().unwrap() - 1;
    assert!(value("last record read").starts_with(&format!("offset {last}, ")), "{shown}");
    let nodes = "SELECT toString((SELECT sum(size) - count() FROM cascade FINAL WHERE source = 'events/1') \
                 + (SELECT sum(size) - count() FROM thread FINAL WHERE source = 'events/1')) AS nodes";
    assert_eq!(world.ask(nodes)[0]["nodes"], value("nodes"));

    let verified = say(&world, &["checkpoint", "verify", "--source", "events/0"], &[]).done();
    assert!(table(&verified).iter().all(|row| row[1] == "events/0" && row[4] == "sound"), "{verified}");
    assert_eq!(table(&say(&world, &["checkpoint", "ls", "--epoch", "9"], &[]).done()), Vec::<Vec<&str>>::new());
}

#[test]
fn torn_and_corrupt_checkpoints_are_told_from_sound_ones() {
    let world = world("checkpoint_unsound");
    let folder = world.checkpoints();
    let torn = &objects(&folder, "events=2f0")[0];
    let bytes = std::fs::read(torn).unwrap();
    std::fs::write(torn, &bytes[..bytes.len() - 7]).unwrap();
    for corrupt in objects(&folder, "events=2f1") {
        let mut bytes = std::fs::read(&corrupt).unwrap();
        let middle = bytes.len() - 20;
        bytes[middle] ^= 1;
        std::fs::write(&corrupt, bytes).unwrap();
    }
    let listed = say(&world, &["checkpoint", "ls"], &[]).done();
    let rows = table(&listed);
    let state = |source: &str| rows.iter().find(|row| row[1] == source).unwrap()[5];
    assert!(state("events/0").contains("torn or corrupt"), "{listed}");
    assert_eq!(state("events/1"), "whole", "a listing does not read what is inside");

    let verified = say(&world, &["checkpoint", "verify"], &[]);
    assert!(verified.printed.contains("its checksum differs"), "{verified:?}");
    let refused = verified.refused();
    assert!(refused.contains("no sound checkpoint of events/1 in epoch 0:"), "{refused}");
    assert!(refused.contains("Lost checkpoints"), "{refused}");
    let shown = say(&world, &["checkpoint", "show", "events/1"], &[]).refused();
    assert!(shown.contains("no sound checkpoint of events/1 in epoch 0") && shown.contains("checksum"), "{shown}");
    let older = say(&world, &["checkpoint", "show", "events/0"], &[]).done();
    assert!(!older.contains(torn.file_name().unwrap().to_str().unwrap()), "the newest sound one is shown: {older}");
}

#[test]
fn looking_at_a_wrong_place_creates_nothing_and_says_so() {
    let world = World::new(1, "checkpoint_nowhere");
    for action in ["ls", "verify"] {
        let refused = say(&world, &["checkpoint", action], &[]).refused();
        assert!(refused.contains("checkpoint.url") && refused.contains("No such file"), "{refused}");
    }
    assert!(!world.checkpoints().exists());
    std::fs::create_dir(world.checkpoints()).unwrap();
    let refused = say(&world, &["checkpoint", "verify"], &[]).refused();
    assert!(refused.contains("there is no checkpoint at"), "{refused}");
}
