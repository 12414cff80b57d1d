//! Whether a partition's state fits into memory, decided before it is opened: else one worker after another is killed for its memory, and
//! each next one gets what the last one held.

/// An engine takes at least so many times its object: that is compressed, and read as a whole beside it.
const OF_OBJECT: u64 = 3;

/// A state that may take more than one part in so many of what is left is opened alone.
const PARTS: u64 = 8;

/// An engine takes at most about so many times its object.
const OF_OBJECT_AT_MOST: u64 = 32;

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What it may take.
    pub limit: u64,
    /// What it takes now.
    pub taken: u64,
}

impl Memory {
    /// What states may take yet: a tenth of all is for what grows, and for rows on their way.
    fn left(self) -> u64 {
        (self.limit - self.limit / 10).saturating_sub(self.taken)
    }

    /// Whether a state that is kept as an object of so many bytes might not fit together with others that are opened at the same time.
    #[must_use]
    pub fn is_tight(self, object: u64) -> bool {
        object.saturating_mul(OF_OBJECT_AT_MOST) > self.left() / PARTS
    }

    /// The least that the engine of an object of so many bytes takes: known before it is read.
    #[must_use]
    pub fn at_least(object: u64) -> u64 {
        object.saturating_mul(OF_OBJECT)
    }

    /// Whether a state that will take about so many bytes may be opened by a worker. One that takes nothing yet always may.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn fits(self, source: &str, state: u64) -> Result<(), String> {
        self.has_room(source, state, "this worker").map_err(|short| {
            format!(
                "{short}: opened, it would get all of its partitions killed. Nothing of it is read until it fits. Start another worker, \
                 or give this one more memory (its container's limit, or `memory.limit_mib`); it is opened by itself when memory is free \
                 (docs/operations.md, \"GrapevineMemoryShort\")"
            )
        })
    }

    /// The same for a command, which would be killed on its way.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn fits_a_command(self, source: &str, state: u64) -> Result<(), String> {
        self.has_room(source, state, "this command").map_err(|short| {
            format!(
                "{short}: opened, it would get it killed on the way. Nothing of it was done. Run it where there is more memory (its \
                 container's limit, or `memory.limit_mib`)"
            )
        })
    }

    fn has_room(self, source: &str, state: u64, who: &str) -> Result<(), String> {
        if state == 0 || state <= self.left() {
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        Err(format!(
            "the state of {source} takes {} MiB or more, and of the {} MiB that {who} may take it takes {}",
            mib(state),
            mib(self.limit),
            mib(self.taken)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Memory = Memory { limit: 1_000 << 20, taken: 400 << 20 };

    #[test]
    fn what_fits_beside_what_is_taken_is_opened_and_nothing_more() {
        assert_eq!(MEMORY.fits("log/0", 500 << 20), Ok(()));
        let said = MEMORY.fits("log/0", (500 << 20) + 1).unwrap_err();
        assert!(
            said.contains("log/0 takes 501 MiB") && said.contains("of the 1000 MiB") && said.contains("it takes 400:"),
            "{said}"
        );
        let of_command = MEMORY.fits_a_command("log/0", (500 << 20) + 1).unwrap_err();
        assert!(of_command.contains("that this command may take it takes 400: opened"), "{of_command}");
        let full = Memory { taken: u64::MAX, ..MEMORY };
        assert!(full.fits("log/0", 1).is_err() && full.fits("log/0", 0).is_ok(), "a new partition is small");
        assert!(Memory { limit: u64::MAX, taken: 0 }.fits("log/0", u64::MAX).is_err(), "no sum runs over");
    }

    #[test]
    fn small_states_are_opened_side_by_side() {
        assert!(!MEMORY.is_tight(1 << 20) && MEMORY.is_tight(2 << 20));
        assert!(Memory { taken: 900 << 20, ..MEMORY }.is_tight(1));
    }
}
