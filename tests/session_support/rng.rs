//! Chance that a seed repeats, or a list of choices.

/// A small generator of pseudo-random numbers (SplitMix64): the same seed gives the
/// same numbers on every machine and in every version.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
    /// What comes instead of numbers from the seed, last first.
    choices: Option<Vec<u8>>,
}

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng {
            state: seed,
            choices: None,
        }
    }

    /// Each byte decides once, each number beyond a byte takes several; then all is 0.
    pub fn of_choices(bytes: &[u8]) -> Rng {
        Rng {
            state: 0,
            choices: Some(bytes.iter().rev().copied().collect()),
        }
    }

    /// Whether no choice is left.
    pub fn is_spent(&self) -> bool {
        self.choices.as_ref().is_some_and(Vec::is_empty)
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = match &mut self.choices {
            None => self.next(),
            Some(bytes) => {
                let mut number = u64::from(bytes.pop().unwrap_or(0));
                let mut reach = 256;
                while reach < bound {
                    number = number << 8 | u64::from(bytes.pop().unwrap_or(0));
                    reach <<= 8;
                }
                number
            }
        };
        (number % bound as u64) as usize
    }

    /// True once in `times` on average.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}
