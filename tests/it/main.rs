//! The parts that talk to the outside world, against real protocols.

mod kafka;
