//! What the publisher and the subscriber have said, and what that amounts to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Which of the two programs has said something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Publisher,
    Subscriber,
}

/// Everything about one message.
#[derive(Default, Debug)]
pub(crate) struct Message {
    pub(crate) qos: u8,
    pub(crate) accepted: bool,
    /// The outcomes that the publisher was told, as `enum mqttrs_outcome_t` and reason code.
    pub(crate) outcomes: Vec<(u32, u32)>,
    /// In which sessions of the subscriber with the broker it came, and with which packet
    /// identifiers.
    pub(crate) delivered: Vec<(usize, u16)>,
}

/// What one program has said, apart from messages.
#[derive(Default, Debug)]
pub(crate) struct Said {
    pub(crate) ups: usize,
    pub(crate) downs: usize,
    /// Those that the client has ended, since the broker sent more at once than it may.
    pub(crate) quota_exceeded: usize,
    pub(crate) failed_attempts: usize,
    /// How many connections found no session at the broker.
    pub(crate) sessions: usize,
    /// How often each other word came: "subscribed", "drained", "end" and the like.
    words: BTreeMap<String, usize>,
    pub(crate) clock_reads: usize,
}

#[derive(Default, Debug)]
pub(crate) struct Entries {
    pub(crate) messages: BTreeMap<String, Message>,
    said: [Said; 2],
    pub(crate) accepted: usize,
    pub(crate) delivered: usize,
    /// Accepted, and not delivered so far.
    pub(crate) undelivered: usize,
    pub(crate) complaints: Vec<String>,
}

/// Shared between those who read and the test that waits.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<(Mutex<Entries>, Condvar)>);

impl Ledger {
    pub(crate) fn note(&self, role: Role, line: &str) {
        let (entries, changed) = &*self.0;
        let mut entries = entries.lock().unwrap();
        if entries.note(role, line).is_none() {
            entries.complaints.push(format!("{role:?}: {line}"));
        }
        changed.notify_all();
    }

    /// Waits until something holds; false when the time is over, or when something is wrong.
    #[must_use]
    pub(crate) fn wait(&self, patience: Duration, mut done: impl FnMut(&Entries) -> bool) -> bool {
        let (entries, changed) = &*self.0;
        let guard = entries.lock().unwrap();
        let waiting = |entries: &mut Entries| !done(entries) && entries.complaints.is_empty();
        let (guard, result) = changed
            .wait_timeout_while(guard, patience, waiting)
            .unwrap();
        !result.timed_out() && guard.complaints.is_empty()
    }

    pub(crate) fn read<T>(&self, with: impl FnOnce(&Entries) -> T) -> T {
        with(&self.0 .0.lock().unwrap())
    }
}

impl Entries {
    pub(crate) fn of(&self, role: Role) -> &Said {
        &self.said[role as usize]
    }

    /// How often a program has said this.
    pub(crate) fn count(&self, role: Role, word: &str) -> usize {
        self.of(role).words.get(word).copied().unwrap_or(0)
    }

    /// None for a line that no program should say.
    fn note(&mut self, role: Role, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let first = words.next()?;
        let number = |what: &mut std::str::Split<char>| what.next()?.parse::<u32>().ok();
        match first {
            "+" => {
                let qos = number(&mut words)?;
                let message = self.messages.entry(words.next()?.to_owned()).or_default();
                (message.qos, message.accepted) = (qos as u8, true);
                self.accepted += 1;
                self.undelivered += usize::from(message.delivered.is_empty());
            }
            "=" => {
                number(&mut words)?;
                let name = words.next()?;
                let outcome = (number(&mut words)?, number(&mut words)?);
                // Of a message that an earlier process has published only this much is known.
                if name != "earlier" {
                    self.messages.get_mut(name)?.outcomes.push(outcome);
                }
            }
            "-" => {
                let qos = number(&mut words)?;
                let session = self.of(role).sessions;
                let message = self.messages.entry(words.next()?.to_owned()).or_default();
                message.qos = qos as u8;
                let first = message.delivered.is_empty();
                self.undelivered -= usize::from(first && message.accepted);
                let id = number(&mut words)?;
                message.delivered.push((session, u16::try_from(id).ok()?));
                self.delivered += 1;
            }
            "up" => {
                let present = number(&mut words)?;
                self.said[role as usize].ups += 1;
                self.said[role as usize].sessions += usize::from(present == 0);
            }
            "down" => {
                let reason = number(&mut words)?;
                self.said[role as usize].downs += 1;
                self.said[role as usize].quota_exceeded +=
                    usize::from(reason == RECEIVE_MAXIMUM_EXCEEDED);
            }
            "waiting" => {
                let attempt = number(&mut words)?;
                self.said[role as usize].failed_attempts += usize::from(attempt > 0);
            }
            "clock" => self.said[role as usize].clock_reads += number(&mut words)? as usize,
            "subscribed" | "draining" | "drained" | "end" | "exhausted" | "released" | "jumped" => {
                *self.said[role as usize]
                    .words
                    .entry(first.to_owned())
                    .or_default() += 1;
            }
            _ => return None,
        }
        Some(())
    }

    /// What all messages of this QoS amount to.
    pub(crate) fn totals(&self, qos: u8, taken_back: &BTreeSet<u16>) -> Totals {
        let mut totals = Totals::default();
        for (name, message) in &self.messages {
            if message.qos == qos {
                totals.add(name, message, taken_back);
            }
        }
        totals
    }
}

const RECEIVE_MAXIMUM_EXCEEDED: u32 = 147;
/// The outcome "acknowledged", as `enum mqttrs_outcome_t` has it.
const ACKNOWLEDGED: u32 = 1;
/// The outcome "unknown, since the server has lost the session".
const SESSION_LOST: u32 = 8;

/// Numbers of messages.
#[derive(Default, Debug)]
pub(crate) struct Totals {
    pub(crate) accepted: usize,
    /// Different ones.
    pub(crate) delivered: usize,
    /// Accepted and never delivered.
    pub(crate) missing: Vec<String>,
    /// Those among them that the broker had acknowledged.
    pub(crate) missing_acknowledged: usize,
    /// Those among them of which the publisher was told that the session was lost.
    pub(crate) missing_unknown: usize,
    /// Came more often than once within one session of the subscriber.
    pub(crate) doubled: Vec<String>,
    /// Came again under the packet identifier under which the broker has taken a release back.
    pub(crate) doubled_by_broker: usize,
    /// Came more often than once, at all.
    pub(crate) repeated: usize,
    /// Accepted, and not with exactly one outcome.
    pub(crate) not_one_outcome: Vec<String>,
    /// With an outcome that means that it was not sent, or refused.
    pub(crate) dropped: Vec<String>,
}

impl Totals {
    fn add(&mut self, name: &str, message: &Message, taken_back: &BTreeSet<u16>) {
        self.accepted += usize::from(message.accepted);
        self.delivered += usize::from(!message.delivered.is_empty());
        let outcome = message.outcomes.first();
        let acknowledged =
            outcome.is_some_and(|(kind, reason)| *kind == ACKNOWLEDGED && *reason < 128);
        let unknown = outcome.is_some_and(|(kind, _)| *kind == SESSION_LOST);
        if message.accepted && message.delivered.is_empty() {
            self.missing.push(name.to_owned());
            self.missing_acknowledged += usize::from(acknowledged);
            self.missing_unknown += usize::from(unknown);
        }
        let mut by_broker = false;
        for two in message
            .delivered
            .windows(2)
            .filter(|two| two[0].0 == two[1].0)
        {
            if two[0] == two[1] && taken_back.contains(&two[0].1) {
                by_broker = true;
            } else {
                self.doubled.push(name.to_owned());
            }
        }
        self.doubled_by_broker += usize::from(by_broker);
        self.repeated += usize::from(message.delivered.len() > 1);
        if message.accepted && message.outcomes.len() != 1 {
            self.not_one_outcome.push(name.to_owned());
        }
        if outcome.is_some() && !acknowledged && !unknown {
            self.dropped.push(format!("{name} {outcome:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(lines: &[(Role, &str)], taken_back: &[u16]) -> [Totals; 2] {
        let mut entries = Entries::default();
        for (role, line) in lines {
            entries.note(*role, line).unwrap();
        }
        [1, 2].map(|qos| entries.totals(qos, &taken_back.iter().copied().collect()))
    }

    #[test]
    fn what_is_lost_or_doubled_is_seen() {
        use Role::{Publisher as P, Subscriber as S};
        let lines = [
            (S, "up 0"),
            (P, "+ 1 0:0"),
            (P, "+ 2 0:1"),
            (P, "= 1 0:0 1 0"),
            (S, "- 2 0:1 7"),
            (S, "up 1"),
            (S, "- 2 0:1 7"),
        ];
        let [one, two] = totals(&lines, &[]);
        assert_eq!(one.missing, ["0:0"]);
        assert_eq!(one.missing_acknowledged, 1);
        assert!(one.not_one_outcome.is_empty());
        assert_eq!((two.missing.len(), two.delivered), (0, 1));
        assert_eq!(two.doubled, ["0:1"]);
        assert_eq!(two.not_one_outcome, ["0:1"]);
        // The broker has sent it again after its release, and says so itself.
        let [_, two] = totals(&lines, &[7]);
        assert_eq!((two.doubled.len(), two.doubled_by_broker), (0, 1));
    }

    #[test]
    fn the_same_message_under_two_identifiers_is_never_excused() {
        use Role::Subscriber as S;
        let lines = [(S, "up 0"), (S, "- 2 0:1 7"), (S, "- 2 0:1 8")];
        let [_, two] = totals(&lines, &[7, 8]);
        assert_eq!((two.doubled.len(), two.doubled_by_broker), (1, 0));
        // Sessions that the broker has lost begin anew.
        let lines = [(S, "up 0"), (S, "- 2 0:1 7"), (S, "up 0"), (S, "- 2 0:1 8")];
        let [_, two] = totals(&lines, &[]);
        assert_eq!((two.doubled.len(), two.repeated), (0, 1));
    }
}
