//! Shares that are made up, each out of its root and its number: the same ones in every run.

/// People who share; so many are distinct, whatever the number of shares.
const PEOPLE: u64 = 1_000_000;

/// Scatters numbers: the same for every run.
pub(crate) fn scattered(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// The key and the line of a share of a root that hangs from the root or from an earlier share of it. The first million of a
/// root are by distinct people.
pub(crate) fn share(root: &str, number: u64, time: i64) -> (String, Vec<u8>) {
    let parent = match scattered(number) % (number + 1) {
        0 => root.to_owned(),
        earlier => format!("{root}-{}", earlier - 1),
    };
    let actor = number % PEOPLE;
    let line = format!(
        "{{\"id\":\"{root}-{number}\",\"type\":\"share\",\"time\":{time},\"actor\":\"user-{actor:010}\",\"root\":\"{root}\",\
         \"parent\":\"{parent}\",\"channel\":\"made\"}}"
    );
    (root.to_owned(), line.into_bytes())
}
