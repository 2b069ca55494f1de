//! When output is left to gather: while threads of the program publish without pause, a loop
//! thread that wrote whatever had come since its last write would spend most of its time on
//! system calls for a few messages each, and on meeting the publishers at the mutex.

use std::time::{Duration, Instant};

/// How long the loop thread lets output gather.
pub const PAUSE: Duration = Duration::from_micros(50);

/// Writes smaller than this are no stream.
const SMALL: u32 = 256;
/// Writes of this size and more are large enough.
const LARGE: u32 = 128 * 1024;
/// In a stream writes follow one another sooner than this.
const GAP: Duration = Duration::from_micros(500);
/// So many writes in a row make a stream.
const ROW: u8 = 16;

/// The latest writes.
#[derive(Debug)]
pub(super) struct Pace {
    last: Instant,
    len: u32,
    /// Something else had happened on the socket so many times, cut to what tells two from each
    /// other.
    reports: u16,
    row: u8,
    /// There was one since the loop's turn began.
    has_written: bool,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Pace {
            last: now,
            len: 0,
            reports: 0,
            row: 0,
            has_written: false,
        }
    }

    /// So many bytes were written, after so many reports about the socket: who is waiting for
    /// answers does not stream.
    pub(super) fn written(&mut self, len: usize, reports: u64, now: Instant) {
        let (len, reports) = (u32::try_from(len).unwrap_or(u32::MAX), reports as u16);
        let goes_on = len >= SMALL
            && reports == self.reports
            && now.saturating_duration_since(self.last) < GAP;
        self.row = if goes_on {
            self.row.saturating_add(1)
        } else {
            0
        };
        (self.last, self.len, self.reports) = (now, len, reports);
        self.has_written = true;
    }

    /// The loop's next turn begins.
    pub(super) fn turn(&mut self) {
        self.has_written = false;
    }

    /// There was nothing more to write.
    pub(super) fn rest(&mut self) {
        self.row = 0;
    }

    /// Whether the next write had better wait for [`PAUSE`].
    pub(super) fn is_too_fast(&self) -> bool {
        self.has_written && self.row >= ROW && self.len < LARGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_micros(10);

    fn after_a_stream(now: &mut Instant) -> Pace {
        let mut pace = Pace::new(*now);
        for _ in 0..ROW {
            assert!(!pace.is_too_fast());
            *now += STEP;
            pace.written(SMALL as usize, 0, *now);
        }
        pace
    }

    #[test]
    fn a_row_of_writes_is_a_stream_until_one_is_small_or_late_or_there_was_an_answer() {
        let mut now = Instant::now();
        for (len, reports, pause) in [(SMALL - 1, 0, STEP), (SMALL, 1, STEP), (SMALL, 0, GAP)] {
            let mut pace = after_a_stream(&mut now);
            assert!(pace.is_too_fast());
            now += pause;
            pace.written(len as usize, reports, now);
            assert!(!pace.is_too_fast());
        }
        let mut pace = after_a_stream(&mut now);
        pace.rest();
        assert!(!pace.is_too_fast());
    }

    #[test]
    fn each_turn_writes_once() {
        let mut now = Instant::now();
        let mut pace = after_a_stream(&mut now);
        pace.turn();
        assert!(!pace.is_too_fast());
        pace.written(SMALL as usize, 0, now);
        assert!(pace.is_too_fast());
    }

    #[test]
    fn large_writes_need_no_pause_and_do_not_end_the_stream() {
        let mut now = Instant::now();
        let mut pace = after_a_stream(&mut now);
        pace.written(LARGE as usize, 0, now);
        assert!(!pace.is_too_fast());
        pace.written(SMALL as usize, 0, now);
        assert!(pace.is_too_fast());
    }
}
