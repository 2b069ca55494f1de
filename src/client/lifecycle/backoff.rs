//! How long to wait before the next attempt.

use std::time::Duration;

use crate::client::options::ReconnectDelay;

impl ReconnectDelay {
    /// The delay before the attempt that follows `failed` others.
    pub(super) fn after(&self, failed: u32) -> Duration {
        let delay = if self.exponential {
            self.min
                .saturating_mul(1u32.checked_shl(failed).unwrap_or(u32::MAX))
        } else {
            self.min.saturating_mul(failed.saturating_add(1))
        };
        delay.min(self.max.max(self.min))
    }
}

/// Chance, from a seed: the same seed, the same delays. (Steele, Lea, Flood: Fast Splittable
/// Pseudorandom Number Generators, 2014.)
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// Full jitter: a duration from zero to `delay`, each as likely as the others, so that
    /// clients which lost the same server do not come back at the same time.
    pub(super) fn jitter(&mut self, delay: Duration) -> Duration {
        let most = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        let span = u128::from(most) + 1;
        Duration::from_nanos(((span * u128::from(self.next())) >> 64) as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(min: u64, max: u64, exponential: bool) -> Vec<u64> {
        let delay = ReconnectDelay {
            min: Duration::from_secs(min),
            max: Duration::from_secs(max),
            exponential,
        };
        (0..6).map(|failed| delay.after(failed).as_secs()).collect()
    }

    #[test]
    fn delays_grow_to_the_maximum_as_the_c_header_promises() {
        assert_eq!(delays(2, 10, false), [2, 4, 6, 8, 10, 10]);
        assert_eq!(delays(3, 30, true), [3, 6, 12, 24, 30, 30]);
        assert_eq!(delays(1, 1, false), [1; 6]);
    }

    #[test]
    fn a_long_outage_does_not_overflow() {
        let delay = ReconnectDelay {
            min: Duration::from_secs(u64::MAX / 2),
            max: Duration::MAX,
            exponential: true,
        };
        assert_eq!(delay.after(u32::MAX), Duration::MAX);
    }

    #[test]
    fn jitter_reaches_both_ends_and_every_tenth_between_equally() {
        for seed in [0, 1, u64::MAX] {
            let mut chance = Chance(seed);
            let delay = Duration::from_millis(1000);
            let mut tenths = [0u32; 10];
            for _ in 0..10_000 {
                let wait = chance.jitter(delay);
                assert!(wait <= delay);
                tenths[(wait.as_millis() as usize / 100).min(9)] += 1;
            }
            // Of 1000 expected; seven standard deviations are 210.
            assert!(
                tenths.iter().all(|n| (790..=1210).contains(n)),
                "{tenths:?}"
            );
        }
        let ends: Vec<_> = (0..64)
            .map(|seed| Chance(seed).jitter(Duration::from_nanos(1)))
            .collect();
        assert!(ends.contains(&Duration::ZERO) && ends.contains(&Duration::from_nanos(1)));
        assert_eq!(Chance(3).jitter(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_seed_repeats_its_delays_and_another_has_others() {
        let row = |seed| {
            let mut chance = Chance(seed);
            [(); 8].map(|()| chance.jitter(Duration::from_secs(60)))
        };
        assert_eq!(row(7), row(7));
        assert_ne!(row(7), row(8));
    }
}
