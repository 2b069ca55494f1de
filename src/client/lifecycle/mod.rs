//! When to connect again, and to which server: pure, with the time and a seed as arguments.

mod backoff;
mod servers;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::options::ReconnectDelay;
use crate::error::Error;
use backoff::Chance;
use servers::{parse_references, AfterFailure, Servers};
pub use servers::{Address, ServerOrder};

/// A connection that stood so long may be followed by a server reference again: two servers
/// that name each other are no quick circle.
const SETTLED: Duration = Duration::from_secs(10);

/// Where the life of a connection stands.
///
/// | from | to | because |
/// |---|---|---|
/// | any | `Connecting` | an attempt begins: a call asked for it, or its time has come |
/// | `Connecting` | `Up` | CONNACK accepted us |
/// | `Connecting`, `Up` | `Waiting` | the attempt failed or the connection is gone, and a loop connects again |
/// | `Connecting`, `Up` | `GivenUp` | the same, but another attempt cannot fare better, was one too many, or is switched off |
/// | `Connecting`, `Up` | `Idle` | the same, but nobody runs a loop that connects again, or the program disconnected |
/// | `Waiting` | `Idle` | the loop ended, or the program disconnected |
/// | `Waiting` | `Waiting` | the program asked for an attempt at once |
/// | `Waiting`, `GivenUp` | `Waiting`, `GivenUp` | with the settings of the program the attempt that it asked for, or whose time has come, cannot even begin |
/// | `Idle` | `Waiting`, `GivenUp` | a loop that connects again begins to run, after a failure |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// There is no connection, and none comes by itself.
    #[default]
    Idle,
    /// An attempt is going on: look-up, dialling, handshakes, CONNECT.
    Connecting,
    /// CONNACK accepted us.
    Up,
    /// The next attempt has its time.
    Waiting,
    /// There are no further attempts until the program asks for one.
    GivenUp,
}

/// What the program hears of the life of its connection.
#[derive(Debug, Clone)]
pub struct LifecycleEvent {
    /// Where it stands now.
    pub phase: Phase,
    /// What went wrong before that.
    pub error: Option<Error>,
    /// The server of the present or last attempt; port 0 for a Unix socket or a domain.
    pub server: Option<Address>,
    /// How many attempts were made in a row, this one included.
    pub attempt: u32,
    /// How long until the next attempt.
    pub delay: Duration,
}

/// For fuzzing: the servers that a server reference names.
#[cfg(fuzzing)]
pub fn read_references(text: &str, port: u16) -> Vec<Address> {
    parse_references(text, port).into()
}

/// What a program can ask for beyond the delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconnectRules {
    /// Each delay is by chance between nothing and what it would be.
    pub jitter: bool,
    /// How long a connection has to stand for delays and attempts to be counted anew.
    pub stable: Duration,
    /// How many attempts may fail in a row; 0 for no limit.
    pub attempts: u32,
    /// Whether a loop connects again at all.
    pub automatic: bool,
    /// Whether servers that an MQTT 5 server names are connected to.
    pub follow_references: bool,
}

impl Default for ReconnectRules {
    fn default() -> Self {
        ReconnectRules {
            jitter: false,
            stable: Duration::ZERO,
            attempts: 0,
            automatic: true,
            follow_references: false,
        }
    }
}

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
    phase: Phase,
    /// Delays since they were last counted anew.
    delays: u32,
    /// Attempts since the same.
    tries: u32,
    /// When the next attempt is due.
    pub(super) next_attempt: Option<Instant>,
    /// What most clients do not use.
    more: Option<Box<More>>,
}

#[derive(Debug)]
struct More {
    rules: ReconnectRules,
    chance: Chance,
    up_since: Option<Instant>,
    servers: Servers,
    /// The program connects to one of `servers`.
    listed: bool,
    /// Servers that a server named; the first is that of the present or next attempt.
    referred: VecDeque<Address>,
    /// Servers that were named just now.
    fresh: VecDeque<Address>,
    /// A reference was followed since the last delay.
    followed: bool,
    observed: bool,
    server: Option<Address>,
    untold: VecDeque<LifecycleEvent>,
}

impl Lifecycle {
    /// The program asks for a connection, to a new target or again to the old one.
    pub(super) fn wish(&mut self) {
        *self = Lifecycle {
            wanted: true,
            phase: self.phase,
            more: self.more.take(),
            ..Lifecycle::default()
        };
    }

    /// The program asks for a connection to a target, which may be its list of servers.
    pub(super) fn wish_anew(&mut self, listed: bool) {
        self.wish();
        if let Some(more) = &mut self.more {
            more.listed = listed;
            more.referred.clear();
            more.followed = false;
            more.servers.restart();
        }
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

    /// Sets the rules; `seed` decides all chance there will be.
    pub(super) fn set_rules(&mut self, rules: ReconnectRules, seed: u64) {
        self.more(seed).rules = rules;
    }

    /// Sets the servers that the target may stand for.
    pub(super) fn set_servers(&mut self, list: Vec<(Address, i32)>, order: ServerOrder, seed: u64) {
        self.more(seed).servers = Servers::new(list, order);
    }

    /// Whether there are servers in the list.
    pub(super) fn has_servers(&self) -> bool {
        let more = self.more.as_ref();
        more.is_some_and(|more| more.servers.current().is_some())
    }

    /// Whether [`Lifecycle::tell`] keeps what it gets.
    pub(super) fn observe(&mut self, on: bool, seed: u64) {
        self.more(seed).observed = on;
    }

    fn more(&mut self, seed: u64) -> &mut More {
        self.more.get_or_insert_with(|| {
            Box::new(More {
                rules: ReconnectRules::default(),
                chance: Chance(seed),
                up_since: None,
                servers: Servers::default(),
                listed: false,
                referred: VecDeque::new(),
                fresh: VecDeque::new(),
                followed: false,
                observed: false,
                server: None,
                untold: VecDeque::new(),
            })
        })
    }

    fn rules(&self) -> ReconnectRules {
        self.more
            .as_ref()
            .map_or_else(Default::default, |m| m.rules)
    }

    /// The server for the next attempt, where it is not the target's own.
    pub(super) fn server(&self) -> Option<&Address> {
        let more = self.more.as_ref()?;
        let listed = more.servers.current().filter(|_| more.listed);
        more.referred.front().or(listed)
    }

    /// An attempt begins, at this server.
    pub(super) fn begin(&mut self, server: impl FnOnce() -> Address) {
        self.phase = Phase::Connecting;
        self.tries = self.tries.saturating_add(1);
        if let Some(more) = &mut self.more {
            more.server = Some(server());
            more.fresh.clear();
        }
    }

    /// CONNACK accepted us.
    pub(super) fn accepted(&mut self, now: Instant) {
        self.was_connected = true;
        self.phase = Phase::Up;
        if let Some(more) = &mut self.more {
            more.up_since = Some(now);
        }
    }

    /// The server named others; `port` is for those without one.
    pub(super) fn refer(&mut self, reference: &str, port: u16) {
        if let Some(more) = &mut self.more {
            if more.rules.follow_references {
                more.fresh = parse_references(reference, port);
            }
        }
    }

    /// The connection ended as the program asked for.
    pub(super) fn closed(&mut self) {
        self.phase = Phase::Idle;
    }

    /// The connection is gone, or an attempt failed; `is_final` if another one there cannot
    /// fare better, `hosted` if somebody connects again.
    pub(super) fn failed(
        &mut self,
        is_final: bool,
        hosted: bool,
        delay: &ReconnectDelay,
        now: Instant,
    ) {
        let was_up = self.phase == Phase::Up;
        let (mut at_once, mut is_final) = (false, is_final);
        let mut stable = was_up;
        if let Some(more) = &mut self.more {
            let up = more.up_since.take().filter(|_| was_up);
            let time = up.map_or(Duration::ZERO, |up| now.saturating_duration_since(up));
            stable = was_up && time >= more.rules.stable;
            more.followed &= time < SETTLED;
            (at_once, is_final) = more.next_server(was_up, is_final);
        }
        if stable {
            self.delays = 0;
            self.tries = 0;
        }
        self.phase = Phase::Idle;
        if !hosted || !self.wanted {
            return;
        }
        if is_final {
            self.phase = Phase::GivenUp;
            self.give_up();
        } else {
            self.plan(at_once, delay, now);
        }
    }

    /// Somebody connects again from now on, and there is neither connection nor attempt;
    /// `failed` if there was one.
    pub(super) fn resume(&mut self, failed: bool, delay: &ReconnectDelay, now: Instant) {
        if failed || (self.tries > 0 && !self.rules().automatic) {
            self.plan(false, delay, now);
        } else {
            self.next_attempt = Some(now);
        }
    }

    /// Nobody connects again any more; whether that changes something.
    pub(super) fn pause(&mut self) -> bool {
        self.next_attempt = None;
        let waited = self.phase == Phase::Waiting;
        if waited {
            self.phase = Phase::Idle;
        }
        waited
    }

    /// The program disconnected where there was no connection; whether that changes something.
    pub(super) fn leave(&mut self) -> bool {
        let changes = !matches!(self.phase, Phase::Idle | Phase::GivenUp);
        self.phase = Phase::Idle;
        changes
    }

    /// Whether the target stands for the list of servers.
    pub(super) fn set_listed(&mut self, listed: bool) {
        if let Some(more) = &mut self.more {
            more.listed = listed;
        }
    }

    /// The next attempt is due now, and the delay after it the shortest.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.delays = 0;
        self.next_attempt = Some(now);
        self.phase = Phase::Waiting;
    }

    fn plan(&mut self, at_once: bool, delay: &ReconnectDelay, now: Instant) {
        let rules = self.rules();
        if !rules.automatic || (rules.attempts > 0 && self.tries >= rules.attempts) {
            self.phase = Phase::GivenUp;
            return self.give_up();
        }
        self.phase = Phase::Waiting;
        let mut wait = Duration::ZERO;
        if !at_once {
            wait = delay.after(self.delays);
            self.delays = self.delays.saturating_add(1);
            if let (true, Some(more)) = (rules.jitter, &mut self.more) {
                wait = more.chance.jitter(wait);
            }
        }
        self.next_attempt = Some(now + wait);
    }

    /// Keeps for the program where the connection stands; whether it wants to know.
    pub(super) fn tell(&mut self, error: Option<&Error>, now: Instant) -> bool {
        let event = self.describe(error, now);
        match (&mut self.more, event) {
            (Some(more), Some(event)) => more.untold.push_back(event),
            _ => return false,
        }
        true
    }

    /// What [`Lifecycle::tell`] keeps, for who wants to know.
    pub(super) fn describe(&self, error: Option<&Error>, now: Instant) -> Option<LifecycleEvent> {
        let more = self.more.as_ref().filter(|more| more.observed)?;
        let (phase, attempt, delay) = self.step(now);
        Some(LifecycleEvent {
            phase,
            error: error.cloned(),
            server: more.server.clone(),
            attempt,
            delay,
        })
    }

    /// Where the connection stands, how many attempts were made in a row, and how long until the
    /// next one.
    pub(super) fn step(&self, now: Instant) -> (Phase, u32, Duration) {
        let next = self.next_attempt.filter(|_| self.phase == Phase::Waiting);
        let delay = next.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        (self.phase, self.tries, delay)
    }

    /// What was kept first.
    pub(super) fn poll_untold(&mut self) -> Option<LifecycleEvent> {
        self.more.as_mut()?.untold.pop_front()
    }
}

impl More {
    /// Goes on to the next server: whether at once, and whether there is no hope.
    fn next_server(&mut self, was_up: bool, is_final: bool) -> (bool, bool) {
        let fresh = std::mem::take(&mut self.fresh);
        if !fresh.is_empty() && !self.followed {
            self.referred = fresh;
            self.followed = true;
            return (true, false);
        }
        if was_up {
            // The delay comes next.
            self.followed = false;
            self.referred.clear();
            self.servers.lost();
            return (false, is_final);
        }
        if self.referred.pop_front().is_some() {
            // Behind the last of them it is the program's own server's turn again.
            self.followed &= !self.referred.is_empty();
            return (self.followed, false);
        }
        if !self.listed {
            self.followed = false;
            return (false, is_final);
        }
        match self.servers.failed(is_final) {
            AfterFailure::NextServer => (true, false),
            AfterFailure::Delay => {
                self.followed = false;
                (false, false)
            }
            AfterFailure::GiveUp => (false, true),
        }
    }
}

#[cfg(test)]
mod tests;
