//! Who takes part: communities have regulars, who come again and again, and strangers, most of whom come once.

use super::dice::Dice;
use super::plan::Account;
use super::world::{self, Channel};

/// How many of 1,000 come from another community of the channel.
const GUESTS: u64 = 150;
/// Ranks from one power of two to the next take part equally often: regulars are the first of them, strangers all others.
const REGULARS: [u64; 2] = [4, 13];
const STRANGERS: [u64; 2] = [13, 22];

/// Somebody who takes part in a community; so many of 1,000 have deleted their account since.
pub(crate) fn somebody(dice: &mut Dice, channel: &Channel, community: &str, deleted: u64) -> Account {
    if dice.permille(deleted) {
        return Account::Deleted;
    }
    let home = if dice.permille(GUESTS) { dice.pick(channel.communities) } else { community };
    let [from, to] = if dice.permille(channel.regulars) { REGULARS } else { STRANGERS };
    let doubled = from + dice.below(to - from);
    let rank = (1 << doubled) + dice.below(1 << doubled);
    Account::Person(u32::try_from(first_member(home) + rank).unwrap_or(0))
}

/// Below the numbers of a community's members; of thousands some share theirs.
fn first_member(community: &str) -> u64 {
    (hash(community) % 1_000) << STRANGERS[1]
}

/// Somebody's followers: as many wherever they are told.
pub(crate) fn followers(account: Account) -> u64 {
    match account {
        Account::Person(person) => Dice::keyed(0, 0, [person.into(), 0]).draw(world::FOLLOWERS),
        Account::Deleted | Account::Brand | Account::Bot(_) => 0,
    }
}

/// The same on every machine and for ever (FNV-1a).
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
