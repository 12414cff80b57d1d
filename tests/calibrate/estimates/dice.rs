//! Chance by seed: the same numbers in every run, on every machine.

/// A stream of random numbers (splitmix64: Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(stream: u64, seed: u64) -> Dice {
        let mut dice = Dice(stream.wrapping_mul(0xD134_2543_DE82_EF95) ^ seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        dice.roll();
        dice
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1, neither of them.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.roll() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Lognormal with mean 1.
    pub(crate) fn skewed(&mut self, spread: f64) -> f64 {
        (spread * self.normal() - spread * spread / 2.0).exp()
    }

    /// A Poisson number: arrivals of unit rate until the mean is over.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (mut number, mut time) = (0, -self.unit().ln());
        while time < mean {
            number += 1;
            time -= self.unit().ln();
        }
        number
    }
}
