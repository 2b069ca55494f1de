//! When to connect again.

use std::time::{Duration, Instant};

use super::options::ReconnectDelay;

/// The state of automatic reconnection. It only acts while somebody runs the loop
/// for the client (`loop_start`, `loop_forever`).
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    /// The program asked for a connection and not for its end.
    pub(super) wanted: bool,
    /// The program asked for the end of the connection, or for none.
    pub(super) ended: bool,
    /// A connection to the present target was accepted at least once.
    pub(super) was_connected: bool,
    /// Attempts since the last accepted connection.
    attempts: u32,
    /// When the next attempt is due.
    pub(super) next_attempt: Option<Instant>,
}

impl Lifecycle {
    /// The program asks for a connection to a (new) target.
    pub(super) fn wish(&mut self) {
        *self = Lifecycle {
            wanted: true,
            ..Lifecycle::default()
        };
    }

    /// No connection is to be made any more.
    pub(super) fn give_up(&mut self) {
        self.wanted = false;
        self.next_attempt = None;
    }

    /// The program asks for the end of the connection.
    pub(super) fn end(&mut self) {
        self.give_up();
        self.ended = true;
    }

    /// CONNACK accepted us.
    pub(super) fn connected(&mut self) {
        self.was_connected = true;
        self.attempts = 0;
    }

    /// A connection or an attempt failed: plans the next one.
    pub(super) fn plan(&mut self, delay: &ReconnectDelay, now: Instant) {
        self.next_attempt = Some(now + delay.after(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
    }
}

impl ReconnectDelay {
    /// The delay before the attempt that follows `failed` others.
    fn after(&self, failed: u32) -> Duration {
        let delay = if self.exponential {
            self.min
                .saturating_mul(1u32.checked_shl(failed).unwrap_or(u32::MAX))
        } else {
            self.min.saturating_mul(failed.saturating_add(1))
        };
        delay.min(self.max.max(self.min))
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
}
