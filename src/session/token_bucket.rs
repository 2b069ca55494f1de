//! Limits by token buckets: so many messages and bytes a second, and so many at once.
//!
//! A bucket is kept as what it lacks, in time: full is 0, and each unit taken adds the time in
//! which one comes back. With 32 bits behind the nanosecond nothing is lost in hours.

use std::time::{Duration, Instant};

/// The bits behind the nanosecond.
const FRACTION: u32 = 32;

/// No wait is told to be longer: a century, in nanoseconds.
const LONGEST: u128 = 3_155_760_000_000_000_000;

/// What a thread that wakes up late has missed is made up for, if it is no more than this.
const LATEST: Duration = Duration::from_millis(100);

/// How fast messages may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottleOptions {
    /// Messages a second; 0 for no limit.
    pub messages_per_second: f64,
    /// Bytes a second, as PUBLISH packets; 0 for no limit.
    pub bytes_per_second: f64,
    /// How many messages may go at once after a pause; 0 for 1.
    pub burst_messages: u32,
    /// How many bytes; 0 for those of a second.
    pub burst_bytes: usize,
    /// What happens to a message beyond that.
    pub excess: Excess,
}

/// What happens to a message beyond a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// It waits.
    Wait,
    /// It is not accepted.
    Refuse,
    /// It is dropped.
    Drop,
    /// What waits because of the limit is dropped, and it waits itself.
    DropOldest,
}

/// A limit at work.
#[derive(Debug)]
pub(super) struct Limit {
    pub excess: Excess,
    messages: Bucket,
    bytes: Bucket,
    /// The time up to which the buckets are filled again.
    clock: Instant,
    /// Somebody waits for it, and is not to lose by being served late.
    pub waits: bool,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// The time in which a unit comes back; 0 where there is no limit.
    unit: u128,
    capacity: u128,
    lacks: u128,
}

impl Limit {
    /// Full buckets.
    pub fn new(options: &ThrottleOptions, now: Instant) -> Self {
        let second = options.bytes_per_second.ceil() as usize;
        let burst_bytes = match options.burst_bytes {
            0 => second.max(1),
            burst => burst,
        };
        let burst_messages = options.burst_messages.max(1) as usize;
        Limit {
            excess: options.excess,
            messages: Bucket::new(options.messages_per_second, burst_messages),
            bytes: Bucket::new(options.bytes_per_second, burst_bytes),
            clock: now,
            waits: false,
        }
    }

    /// When a message of `len` bytes may go, not after `now` if it may go now.
    pub fn ready_at(&mut self, len: usize, now: Instant) -> Instant {
        let late = if self.waits { LATEST } else { Duration::ZERO };
        self.fill(now.checked_sub(late).unwrap_or(now));
        let wait = self.messages.wait(1).max(self.bytes.wait(len));
        self.clock + Duration::from_nanos(wait)
    }

    /// A message of `len` bytes goes; it might have gone at `at`.
    pub fn take(&mut self, len: usize, at: Instant) {
        self.fill(at);
        self.messages.take(1);
        self.bytes.take(len);
    }

    fn fill(&mut self, at: Instant) {
        if let Some(elapsed) = at.checked_duration_since(self.clock) {
            let elapsed = elapsed.as_nanos() << FRACTION;
            for bucket in [&mut self.messages, &mut self.bytes] {
                bucket.lacks = bucket.lacks.saturating_sub(elapsed);
            }
            self.clock = at;
        }
    }
}

impl Bucket {
    fn new(rate: f64, burst: usize) -> Self {
        let second = 1e9 * (1u64 << FRACTION) as f64;
        let unit = match rate > 0.0 {
            true => (second / rate) as u128,
            false => 0,
        };
        Bucket {
            unit,
            capacity: unit.saturating_mul(burst as u128),
            lacks: 0,
        }
    }

    /// The nanoseconds until so many units may be taken: they are there, or where they are more
    /// than the bucket holds, it is full.
    fn wait(&self, units: usize) -> u64 {
        let spare = self
            .capacity
            .saturating_sub(self.unit.saturating_mul(units as u128));
        let missing = self.lacks.saturating_sub(spare);
        let nanoseconds = (missing >> FRACTION) + u128::from(missing as u32 != 0);
        nanoseconds.min(LONGEST) as u64
    }

    fn take(&mut self, units: usize) {
        let taken = self.unit.saturating_mul(units as u128);
        self.lacks = self.lacks.saturating_add(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(
        messages: f64,
        bytes: f64,
        burst_messages: u32,
        burst_bytes: usize,
    ) -> ThrottleOptions {
        ThrottleOptions {
            messages_per_second: messages,
            bytes_per_second: bytes,
            burst_messages,
            burst_bytes,
            excess: Excess::Wait,
        }
    }

    /// How many messages go until `span` is over, if each goes as soon as it may, and the time is
    /// looked at every `step`.
    fn passed(options: &ThrottleOptions, len: usize, span: Duration, step: Duration) -> u64 {
        let begin = Instant::now();
        let mut limit = Limit::new(options, begin);
        let (mut now, mut count) = (begin, 0);
        while now <= begin + span {
            let at = limit.ready_at(len, now);
            if at <= now {
                limit.take(len, at);
                count += 1;
            } else {
                limit.waits = true;
                now = match step.is_zero() {
                    true => at,
                    false => now + step,
                };
            }
        }
        count
    }

    #[test]
    fn nothing_is_lost_or_gained_in_an_hour_at_an_odd_rate() {
        let hour = Duration::from_secs(3600);
        for rate in [0.01, 1.0 / 3.0, 7.0, 33.3] {
            let count = passed(&limit(rate, 0.0, 1, 0), 10, hour, Duration::ZERO);
            let expected = (rate * 3600.0) as u64 + 1;
            assert!(count.abs_diff(expected) <= 1, "{rate}: {count}");
        }
    }

    #[test]
    fn who_comes_late_each_time_still_gets_the_whole_rate() {
        let span = Duration::from_secs(10);
        for step in [1, 7, 40] {
            let step = Duration::from_millis(step);
            let count = passed(&limit(1000.0, 0.0, 1, 0), 10, span, step);
            assert!((9_900..=10_100).contains(&count), "{step:?}: {count}");
        }
    }

    #[test]
    fn a_pause_earns_no_more_than_the_burst() {
        let begin = Instant::now();
        let mut limit = Limit::new(&limit(10.0, 0.0, 5, 0), begin);
        for round in 0..3u32 {
            let now = begin + round * Duration::from_secs(3600);
            for _ in 0..5 {
                assert!(limit.ready_at(1, now) <= now);
                limit.take(1, now);
            }
            assert_eq!(limit.ready_at(1, now), now + Duration::from_millis(100));
        }
    }

    #[test]
    fn what_is_larger_than_the_burst_goes_when_the_bucket_is_full_and_is_paid_for_after() {
        let begin = Instant::now();
        let mut limit = Limit::new(&limit(0.0, 1000.0, 0, 500), begin);
        assert_eq!(limit.ready_at(3000, begin), begin);
        limit.take(3000, begin);
        assert_eq!(limit.ready_at(3000, begin), begin + Duration::from_secs(3));
        assert_eq!(
            limit.ready_at(100, begin),
            begin + Duration::from_millis(2600)
        );
    }

    #[test]
    fn extreme_rates_neither_overflow_nor_divide_by_nothing() {
        for rate in [f64::MIN_POSITIVE, 1e-300, 1e300, f64::MAX] {
            let begin = Instant::now();
            let mut limit = Limit::new(&limit(rate, rate, u32::MAX, usize::MAX), begin);
            for _ in 0..3 {
                let at = limit.ready_at(usize::MAX, begin);
                limit.take(usize::MAX, at.min(begin));
            }
        }
    }
}
