//! The events that wait for the host, in order.

use std::collections::VecDeque;

use super::{Outcome, SessionEvent};
use crate::codec::PropertyBuf;
use crate::types::{PacketId, ReasonCode};

/// A queue of events in which a message that simply succeeded takes no more room than its
/// packet identifier: nearly all events are of that kind, and they come in crowds.
#[derive(Debug, Default)]
pub struct EventQueue {
    queue: VecDeque<Queued>,
    /// How many entries were taken out.
    taken: u64,
}

#[derive(Debug)]
enum Queued {
    /// Messages published with success and without properties; never none.
    Published(VecDeque<PacketId>),
    /// The outcome of messages of which there is nothing more to say; never none.
    Outcomes(Outcome, VecDeque<PacketId>),
    Other(SessionEvent),
}

impl EventQueue {
    /// Appends an event.
    pub fn push(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Published {
                packet_id,
                reason: ReasonCode::SUCCESS,
                properties,
            } if properties.as_properties().is_empty() => self.push_published([packet_id]),
            event => self.queue.push_back(Queued::Other(event)),
        }
    }

    /// Appends the success of a message.
    #[inline(always)]
    pub fn push_success(&mut self, id: PacketId) {
        match self.queue.back_mut() {
            Some(Queued::Published(run)) => run.push_back(id),
            _ => self.push_published([id]),
        }
    }

    /// Appends the success of some messages.
    pub fn push_published(&mut self, ids: impl IntoIterator<Item = PacketId>) {
        if let Some(Queued::Published(run)) = self.queue.back_mut() {
            run.extend(ids);
            return;
        }
        let run: VecDeque<_> = ids.into_iter().collect();
        if !run.is_empty() {
            self.queue.push_back(Queued::Published(run));
        }
    }

    /// Appends the outcome of some messages of which there is nothing more to say.
    pub fn push_outcomes(&mut self, outcome: Outcome, ids: impl IntoIterator<Item = PacketId>) {
        if let Some(Queued::Outcomes(last, run)) = self.queue.back_mut() {
            if *last == outcome {
                run.extend(ids);
                return;
            }
        }
        let run: VecDeque<_> = ids.into_iter().collect();
        if !run.is_empty() {
            self.queue.push_back(Queued::Outcomes(outcome, run));
        }
    }

    /// How many entries were appended so far; several events may share one.
    pub fn appended(&self) -> u64 {
        self.taken + self.queue.len() as u64
    }

    /// How many of these were taken out as a whole.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// The next event.
    pub fn pop(&mut self) -> Option<SessionEvent> {
        if let Some(Queued::Published(run)) = self.queue.front_mut() {
            let packet_id = run.pop_front()?;
            if run.is_empty() {
                self.queue.pop_front();
                self.taken += 1;
            }
            return Some(SessionEvent::Published {
                packet_id,
                reason: ReasonCode::SUCCESS,
                properties: PropertyBuf::new(),
            });
        }
        if let Some(Queued::Outcomes(outcome, run)) = self.queue.front_mut() {
            let (outcome, packet_id) = (*outcome, run.pop_front()?);
            if run.is_empty() {
                self.queue.pop_front();
                self.taken += 1;
            }
            return Some(SessionEvent::Outcome {
                packet_id,
                outcome,
                reason: ReasonCode::SUCCESS,
                properties: PropertyBuf::new(),
            });
        }
        let event = match self.queue.pop_front()? {
            Queued::Other(event) => event,
            Queued::Published(_) | Queued::Outcomes(..) => return None,
        };
        self.taken += 1;
        if self.queue.is_empty() {
            // Such events are rare: a client that waits for the next one holds no memory for it.
            self.queue = VecDeque::new();
        }
        Some(event)
    }

    /// The messages that simply succeeded, if these are the next events.
    pub fn pop_published(&mut self) -> Option<VecDeque<PacketId>> {
        match self.queue.front_mut()? {
            Queued::Published(run) => {
                let run = std::mem::take(run);
                self.queue.pop_front();
                self.taken += 1;
                Some(run)
            }
            Queued::Outcomes(..) | Queued::Other(_) => None,
        }
    }

    /// Whether nothing waits but messages that simply succeeded.
    pub fn has_only_published(&self) -> bool {
        self.queue.len() == 1 && matches!(self.queue.front(), Some(Queued::Published(_)))
    }

    /// Whether the next event is a log line.
    pub fn next_is_log(&self) -> bool {
        matches!(
            self.queue.front(),
            Some(Queued::Other(SessionEvent::Log(_)))
        )
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    fn published(number: u16, reason: ReasonCode) -> SessionEvent {
        SessionEvent::Published {
            packet_id: id(number),
            reason,
            properties: PropertyBuf::new(),
        }
    }

    #[test]
    fn events_come_out_in_the_order_in_which_they_went_in() {
        let events = [
            published(1, ReasonCode::SUCCESS),
            published(2, ReasonCode::SUCCESS),
            published(3, ReasonCode::NOT_AUTHORIZED),
            published(4, ReasonCode::SUCCESS),
        ];
        let mut queue = EventQueue::default();
        for event in events.clone() {
            queue.push(event);
        }
        for event in events {
            assert!(!queue.is_empty());
            assert_eq!(queue.pop(), Some(event));
        }
        assert!(queue.is_empty());
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_run_of_successes_is_handed_out_whole_and_nothing_behind_it() {
        let mut queue = EventQueue::default();
        queue.push_published([]);
        assert!(queue.is_empty());
        queue.push_published([id(1), id(2)]);
        queue.push(published(3, ReasonCode::SUCCESS));
        queue.push(published(4, ReasonCode::QUOTA_EXCEEDED));
        queue.push_published([id(5)]);
        assert_eq!(queue.pop_published().unwrap(), [id(1), id(2), id(3)]);
        assert_eq!(queue.pop_published(), None);
        assert!(queue.pop().is_some());
        assert_eq!(queue.pop_published().unwrap(), [id(5)]);
        assert!(queue.is_empty());
    }
}
