//! Messages and requests that the host wants to hear of one by one.
//!
//! Packet identifiers would not do: messages of QoS 0 share theirs with whatever comes 65535
//! messages later, and so do those of a long queue.

use std::collections::VecDeque;

use super::{Outcome, Session, SessionEvent};
use crate::codec::PropertyBuf;
use crate::types::{PacketId, ReasonCode};

/// What the host calls a message or a request it wants to hear of: a number from 1 to
/// [`Token::MAX`], or none. It takes three bytes, which fit into a gap of what is kept for
/// each message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Token([u8; 3]);

impl Token {
    /// The host does not want to hear of it.
    pub const NONE: Token = Token([0; 3]);
    /// The largest number but those of [`Token::inner`].
    pub const MAX: u32 = 0x007f_ffff;

    /// One that is not the host's: numbers of its own, of which only the lowest 23 bits count.
    pub const fn inner(number: u32) -> Self {
        Token::new(number | (Token::MAX + 1))
    }

    /// The number given to [`Token::inner`], if that made it.
    pub fn inner_number(self) -> Option<u32> {
        self.number().checked_sub(Token::MAX + 1)
    }

    /// The token with this number, of which only the lowest 24 bits count.
    pub const fn new(number: u32) -> Self {
        let [low, middle, high, _] = number.to_le_bytes();
        Token([low, middle, high])
    }

    /// Its number, 0 for none.
    pub const fn number(self) -> u32 {
        let [low, middle, high] = self.0;
        u32::from_le_bytes([low, middle, high, 0])
    }

    /// Whether the host does not want to hear of it.
    #[inline(always)]
    pub fn is_none(self) -> bool {
        self == Token::NONE
    }
}

/// What became of a message or a request with a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The token.
    pub token: Token,
    /// The packet identifier.
    pub packet_id: PacketId,
    /// What became of it; of a request [`Outcome::Acknowledged`] or [`Outcome::ConnectionLost`].
    pub outcome: Outcome,
    /// The server's verdict on a message; success where it gave none.
    pub reason: ReasonCode,
    /// The answers to a request, as SUBACK and UNSUBACK have them.
    pub codes: Vec<u8>,
    /// Properties of the last acknowledgement.
    pub properties: PropertyBuf,
}

/// The tokens of what has no entry in the queue.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    requests: Vec<(PacketId, Token)>,
    /// Messages of QoS 0 that are not written out: where they end in what was queued on this
    /// connection.
    unwritten: VecDeque<(u64, PacketId, Token)>,
}

impl Session {
    /// The host wants to hear of the request that it has just made.
    pub fn track_request(&mut self, packet_id: PacketId, token: Token) {
        if !token.is_none() {
            let tracked = self.tracked.get_or_insert_default();
            tracked.requests.push((packet_id, token));
        }
    }

    /// A message of QoS 0 was queued last.
    #[inline(always)]
    pub(super) fn track_unwritten(&mut self, packet_id: PacketId, token: Token) {
        if !token.is_none() {
            let tracked = self.tracked.get_or_insert_default();
            tracked.unwritten.push_back((self.queued, packet_id, token));
        }
    }

    /// The network has taken more.
    #[inline(always)]
    pub(super) fn tell_written(&mut self) {
        if self.tracked.is_some() {
            self.tell_written_before(self.sent, Outcome::Sent);
        }
    }

    #[cold]
    fn tell_written_before(&mut self, end: u64, outcome: Outcome) {
        while let Some((packet_id, token)) = self.next_written_before(end) {
            let none = PropertyBuf::new();
            self.tell_done(token, packet_id, outcome, ReasonCode::SUCCESS, &none);
        }
    }

    fn next_written_before(&mut self, end: u64) -> Option<(PacketId, Token)> {
        let unwritten = &mut self.tracked.as_mut()?.unwritten;
        let (at, packet_id, token) = *unwritten.front()?;
        if at > end {
            return None;
        }
        unwritten.pop_front();
        Some((packet_id, token))
    }

    /// The server has answered a request.
    pub(super) fn tell_answered(
        &mut self,
        packet_id: PacketId,
        codes: &[u8],
        properties: PropertyBuf,
    ) {
        let Some(tracked) = &mut self.tracked else {
            return;
        };
        let is_it = |request: &(PacketId, Token)| request.0 == packet_id;
        let Some(place) = tracked.requests.iter().position(is_it) else {
            return;
        };
        let (_, token) = tracked.requests.swap_remove(place);
        self.events.push(SessionEvent::Done(Box::new(Done {
            token,
            packet_id,
            outcome: Outcome::Acknowledged,
            reason: ReasonCode::SUCCESS,
            codes: codes.to_vec(),
            properties,
        })));
    }

    /// The connection ended, and with it the requests and what was not written out.
    pub(super) fn tell_connection_lost(&mut self) {
        if self.tracked.is_none() {
            return;
        }
        self.tell_written_before(u64::MAX, Outcome::ConnectionLost);
        let Some(tracked) = self.tracked.take() else {
            return;
        };
        for (packet_id, token) in tracked.requests {
            let none = PropertyBuf::new();
            let lost = Outcome::ConnectionLost;
            self.tell_done(token, packet_id, lost, ReasonCode::SUCCESS, &none);
        }
    }

    /// This is what became of a message, should the host want to hear of it.
    #[inline(always)]
    pub(super) fn tell_done(
        &mut self,
        token: Token,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: &PropertyBuf,
    ) {
        if !token.is_none() {
            self.push_done(token, packet_id, outcome, reason, properties);
        }
    }

    #[cold]
    fn push_done(
        &mut self,
        token: Token,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: &PropertyBuf,
    ) {
        self.events.push(SessionEvent::Done(Box::new(Done {
            token,
            packet_id,
            outcome,
            reason,
            codes: Vec::new(),
            properties: properties.clone(),
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_number() {
        for number in [0, 1, 255, 256, 65_536, Token::MAX] {
            assert_eq!(Token::new(number).number(), number);
            assert_eq!(Token::new(number).is_none(), number == 0);
            assert_eq!(Token::new(number).inner_number(), None);
            assert_eq!(Token::inner(number).inner_number(), Some(number));
        }
    }
}
