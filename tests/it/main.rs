//! The parts that talk to the outside world, against real protocols.

// The attribute is what tells the lints that helpers, too, may unwrap.
#[cfg(test)]
mod kafka;
