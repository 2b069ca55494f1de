//! Keep alive: when to ping, and when the peer counts as gone (MQTT 5.0 section 3.1.2.10).

use std::time::{Duration, Instant};

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// A PINGREQ.
    Ping,
    /// The peer was silent for too long.
    PeerGone,
}

/// The timers of one connection.
#[derive(Debug, Clone, Copy)]
pub struct KeepAlive {
    interval: Duration,
    last_sent: Instant,
    last_received: Instant,
    /// Set while an answer (PINGRESP, or CONNACK at the beginning) is owed to us.
    asked: Option<Instant>,
    /// When PINGREQ was last queued; `None` before CONNACK, when none may be.
    pinged: Option<Instant>,
    /// How long the answer may take that is owed now, where the program has less patience
    /// than the interval.
    patience: Option<Duration>,
}

impl KeepAlive {
    /// A connection begins with CONNECT, which CONNACK has to answer within the interval;
    /// 0 seconds switch everything off.
    pub const fn new(seconds: u16, now: Instant) -> Self {
        KeepAlive {
            interval: Duration::from_secs(seconds as u64),
            last_sent: now,
            last_received: now,
            asked: Some(now),
            pinged: None,
            patience: None,
        }
    }

    /// CONNACK arrived, maybe with the server's own interval.
    pub fn connected(&mut self, server_seconds: Option<u16>) {
        self.pinged = Some(self.last_sent);
        if let Some(seconds) = server_seconds {
            self.interval = Duration::from_secs(u64::from(seconds));
        }
        self.asked = None;
        self.patience = None;
    }

    /// Bytes went out.
    pub fn sent(&mut self, now: Instant) {
        self.last_sent = now;
    }

    /// Bytes came in.
    pub fn received(&mut self, now: Instant) {
        self.last_received = now;
    }

    /// When bytes last went out.
    pub const fn last_sent(&self) -> Instant {
        self.last_sent
    }

    /// PINGREQ was queued.
    pub fn pinged(&mut self, now: Instant) {
        self.asked.get_or_insert(now);
        self.pinged = Some(now);
    }

    /// PINGREQ was queued out of turn: without a sign of life within `patience`, counted from
    /// now or from the last one, the peer is gone, whatever the interval.
    pub fn probed(&mut self, patience: Duration, now: Instant) {
        self.asked = Some(now);
        self.pinged = Some(now);
        self.patience = Some(patience);
    }

    /// Since when PINGREQ, or CONNECT, has had no answer.
    pub const fn asked(&self) -> Option<Instant> {
        self.asked
    }

    /// PINGRESP arrived.
    pub fn answered(&mut self) {
        self.asked = None;
        self.patience = None;
    }

    /// When something is due, `None` for never.
    pub fn deadline(&self) -> Option<Instant> {
        let due = [self.peer_gone_at(), self.ping_at()];
        due.into_iter().flatten().min()
    }

    /// What is due now.
    pub fn due(&self, now: Instant) -> Due {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        if is_due(self.peer_gone_at()) {
            Due::PeerGone
        } else if is_due(self.ping_at()) {
            Due::Ping
        } else {
            Due::Nothing
        }
    }

    fn peer_gone_at(&self) -> Option<Instant> {
        // A peer that is sending a long packet cannot answer, and is alive.
        let since = self.asked?.max(self.last_received);
        match (self.patience, self.after_interval(since)) {
            (Some(patience), Some(end)) => Some(end.min(since + patience)),
            (Some(patience), None) => Some(since + patience),
            (None, end) => end,
        }
    }

    fn ping_at(&self) -> Option<Instant> {
        let since = match self.asked {
            // A side that is silent is asked: one-way traffic must not hide a dead peer.
            None => self.last_sent.min(self.last_received),
            // The peer owes an answer and sends something else. It must not find us
            // silent meanwhile (MQTT-3.1.2-20, in 3.1.1 MQTT-3.1.2-23).
            Some(_) => self.last_sent.max(self.pinged?),
        };
        self.after_interval(since)
    }

    fn after_interval(&self, since: Instant) -> Option<Instant> {
        (!self.interval.is_zero()).then(|| since + self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_silent_connection_is_pinged_and_then_given_up() {
        let start = Instant::now();
        let mut timers = KeepAlive::new(10, start);
        timers.connected(None);
        assert_eq!(timers.due(start + 9 * SECOND), Due::Nothing);
        assert_eq!(timers.due(start + 10 * SECOND), Due::Ping);
        timers.pinged(start + 10 * SECOND);
        timers.sent(start + 10 * SECOND);
        assert_eq!(timers.due(start + 19 * SECOND), Due::Nothing);
        assert_eq!(timers.due(start + 20 * SECOND), Due::PeerGone);
        timers.received(start + 15 * SECOND);
        assert_eq!(
            timers.due(start + 20 * SECOND),
            Due::Ping,
            "it is alive, and must see that we are"
        );
        timers.answered();
        assert_eq!(
            timers.due(start + 20 * SECOND),
            Due::Ping,
            "we were silent ourselves"
        );
    }

    #[test]
    fn sending_alone_does_not_hide_a_dead_peer() {
        let start = Instant::now();
        let mut timers = KeepAlive::new(10, start);
        timers.connected(None);
        timers.sent(start + 9 * SECOND);
        assert_eq!(timers.due(start + 10 * SECOND), Due::Ping);
    }

    #[test]
    fn the_servers_interval_replaces_ours_and_zero_means_never() {
        let start = Instant::now();
        let mut timers = KeepAlive::new(60, start);
        timers.connected(Some(5));
        assert_eq!(timers.due(start + 5 * SECOND), Due::Ping);
        timers.connected(Some(0));
        assert_eq!(timers.deadline(), None);
    }

    #[test]
    fn a_probe_shortens_the_patience_until_it_is_answered() {
        let start = Instant::now();
        for (seconds, next) in [(60, Some(start + 61 * SECOND)), (0, None)] {
            let mut timers = KeepAlive::new(seconds, start);
            timers.connected(None);
            timers.sent(start + SECOND);
            timers.probed(2 * SECOND, start + SECOND);
            assert_eq!(timers.deadline(), Some(start + 3 * SECOND));
            timers.received(start + 2 * SECOND);
            assert_eq!(timers.due(start + 3 * SECOND), Due::Nothing);
            assert_eq!(timers.due(start + 4 * SECOND), Due::PeerGone);
            timers.answered();
            assert_eq!(timers.deadline(), next);
        }
    }

    #[test]
    fn a_connack_that_never_comes_counts_as_silence() {
        let start = Instant::now();
        let timers = KeepAlive::new(10, start);
        assert_eq!(timers.due(start + 10 * SECOND), Due::PeerGone);
    }
}
