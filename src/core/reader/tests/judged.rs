//! The judge of traces, by a trace that is known: what the client does, and what it cannot do.

use super::allowed::judge;
use crate::reader::{Answer, Command, Item, Run, Traced};
use crate::record::{Offset, Partition};

const P: Partition = Partition(3);

fn told(command: Command) -> [Traced; 2] {
    [Traced::Told(command), Traced::Answered(Answer::Done)]
}

/// A member that reads from 5 on, and has read to 9, the end.
fn reading() -> Vec<Traced> {
    let drained = Traced::Drained(P, vec![Run::Records(5, 8), Run::Other(Item::End(9))]);
    [&[Traced::Assigned(vec![P])], &told(Command::Accept)[..], &told(Command::Fetch(P, 5)), &[drained]].concat()
}

fn goes_on(steps: &[Traced]) -> bool {
    judge(&[&reading(), steps].concat(), |_| false).is_ok()
}

fn records(first: Offset, last: Offset) -> Traced {
    Traced::Drained(P, vec![Run::Records(first, last)])
}

fn moved(number: u64, to: Offset) -> [Traced; 2] {
    [Traced::Told(Command::Move { number, places: vec![(P, to)] }), Traced::Moved(number, Vec::new())]
}

#[test]
fn what_the_client_does_is_allowed() {
    assert!(goes_on(&[records(9, 20), records(23, 24)]), "nobody knows of a record between them");
    assert!(goes_on(&[&moved(1, 7)[..], &[records(7, 8), records(9, 20)]].concat()), "it was moved back");
    let end = Traced::Drained(P, vec![Run::Other(Item::End(9))]);
    assert!(goes_on(&[&moved(1, 9)[..], &[end]].concat()), "it was moved, and tells the end again");
    let revoked = Traced::Revoked { partitions: vec![P], lost: false };
    assert!(goes_on(
        &[std::slice::from_ref(&revoked), &told(Command::Unassign(vec![P]))[..], &[Traced::Assigned(vec![P])]].concat()
    ));
    // One too far after the end: 9 was skipped.
    let another = Traced::Assigned(vec![Partition(4)]);
    let skips = [&[another], &told(Command::Accept)[..], &[records(10, 11)], &moved(1, 9)[..], &[records(9, 11)]].concat();
    assert!(goes_on(&skips), "it was resumed where it believed the application to be");
}

#[test]
fn what_the_client_cannot_do_is_not() {
    let end = Traced::Drained(P, vec![Run::Other(Item::End(9))]);
    assert!(!goes_on(&[end]), "the end is told once");
    assert!(!goes_on(&[records(10, 11), Traced::Drained(P, vec![Run::Records(9, 9)])]), "records come back without a reason");
    assert!(!goes_on(&[&[records(10, 11)], &moved(1, 9)[..], &[records(9, 11)]].concat()), "9 was skipped without a reason");
    assert!(!goes_on(&[&moved(1, 5)[..], &[records(7, 8)]].concat()), "5 is where it was moved to");
    assert!(!goes_on(&[Traced::Drained(Partition(4), vec![Run::Records(0, 0)])]), "never assigned");
    assert!(!goes_on(&[Traced::Moved(1, Vec::new())]), "never asked for");
    assert!(!goes_on(&[Traced::Answered(Answer::Done)]), "never asked for");
    assert!(!goes_on(&[Traced::Assigned(vec![P])]), "given already");
    assert!(!goes_on(&[Traced::Revoked { partitions: vec![Partition(4)], lost: false }]), "never given");
    assert!(!goes_on(&told(Command::Fetch(P, 5))), "assigned already");
    assert!(!goes_on(&told(Command::Unassign(vec![Partition(4)]))), "never assigned");
    let revoked = Traced::Revoked { partitions: vec![P], lost: false };
    assert!(!goes_on(&[revoked, Traced::Assigned(vec![P])]), "the revocation was not answered");
}
