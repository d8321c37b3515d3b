//! Repeatable chance: xorshift64*, the distributions the demo needs, and Walker's alias method for drawing
//! from a large weighted table in constant time. The same seed always gives the same site.

use std::f64::consts::TAU;

#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Neighbouring seeds give unrelated sequences (one step of splitmix64).
    pub fn new(seed: u64) -> Self {
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform in `0..limit`; zero when `limit` is zero.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.number()) * limit as u128) >> 64) as usize
    }

    /// Uniform in `low..high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as usize) as i64
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (TAU * self.unit()).cos()
    }

    /// `count` random hexadecimal digits.
    pub fn hex(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect()
    }
}

/// Draws an index with probability in proportion to its weight.
pub struct Alias {
    /// For each index: the chance (of 2^32) to stay there, and where to go otherwise.
    slots: Vec<(u32, u32)>,
}

impl Alias {
    /// `weights` must not be empty.
    pub fn new(weights: &[f64]) -> Self {
        let scale = weights.len() as f64 / weights.iter().sum::<f64>();
        let mut share: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut slots: Vec<(u32, u32)> = (0..share.len() as u32).map(|index| (u32::MAX, index)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..share.len()).partition(|index| share[*index] < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.pop()) {
            slots[poor] = ((share[poor] * f64::from(u32::MAX)) as u32, rich as u32);
            share[rich] -= 1.0 - share[poor];
            if share[rich] < 1.0 {
                small.push(rich);
            } else {
                large.push(rich);
            }
        }
        Self { slots }
    }

    pub fn draw(&self, random: &mut Random) -> usize {
        let number = random.number();
        let index = (((number >> 32) * self.slots.len() as u64) >> 32) as usize;
        let (stay, other) = self.slots[index];
        if number as u32 <= stay { index } else { other as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let (mut one, mut two) = (Random::new(7), Random::new(7));
        assert!((0..100).all(|_| one.number() == two.number()));
        assert_ne!(Random::new(7).number(), Random::new(8).number());
    }

    #[test]
    fn a_table_is_drawn_in_proportion_to_its_weights() {
        let alias = Alias::new(&[5.0, 3.0, 1.0, 1.0]);
        let mut random = Random::new(1);
        let mut counts = [0_i32; 4];
        for _ in 0..100_000 {
            counts[alias.draw(&mut random)] += 1;
        }
        for (count, expected) in counts.iter().zip([50_000, 30_000, 10_000, 10_000]) {
            assert!((count - expected).abs() < 1_000, "{counts:?}");
        }
    }
}
