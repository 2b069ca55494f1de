//! The DNS messages of one question, as bytes (RFC 1035).

use simple_dns::rdata::{RData, OPT};
use simple_dns::{Name, Packet, PacketFlag, CLASS, QCLASS, QTYPE, RCODE, TYPE};

use super::order::Record;
use super::{SrvTarget, MOST_ALIASES};

/// The size of a datagram that reaches everywhere in one piece (DNS flag day 2020).
pub(super) const DATAGRAM: u16 = 1232;

const HEADER: usize = 12;
/// The least size of a record: an empty name, type, class, time to live, length.
const LEAST_RECORD: usize = 11;

/// Asks for the SRV records of a name.
#[derive(Debug)]
pub(super) struct Question<'a> {
    id: u16,
    name: &'a Name<'static>,
    edns: bool,
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// No answer to this question; the answer may still come.
    Foreign,
    /// No DNS message.
    Malformed,
    /// More than fits in a datagram.
    Truncated,
    /// The server cannot answer; its code.
    Refused(String),
    /// There is no such name.
    NoSuchName,
    /// The name is another name for this one, and what that has is not said.
    Alias(Name<'static>),
    /// The records of the name, which may be none.
    Records(Vec<Record>),
}

impl<'a> Question<'a> {
    pub(super) const fn new(id: u16, name: &'a Name<'static>, edns: bool) -> Self {
        Question { id, name, edns }
    }

    /// The message that asks.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(simple_dns::Question::new(
            self.name.clone(),
            QTYPE::TYPE(TYPE::SRV),
            QCLASS::CLASS(CLASS::IN),
            false,
        ));
        if self.edns {
            *packet.opt_mut() = Some(OPT {
                opt_codes: Vec::new(),
                udp_packet_size: DATAGRAM,
                version: 0,
            });
        }
        packet.build_bytes_vec().ok()
    }

    /// Judges a message that came from the server.
    pub(super) fn judge(&self, message: &[u8]) -> Reply {
        let Some((header, body)) = message.split_first_chunk::<HEADER>() else {
            return Reply::Foreign;
        };
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let (flags, questions, answers) = (word(2), word(4), usize::from(word(6)));
        let is_response = flags & 0x8000 != 0;
        if word(0) != self.id || !is_response || questions > 1 {
            return Reply::Foreign;
        }
        let truncated = flags & 0x0200 != 0;
        if !truncated && answers > body.len() / LEAST_RECORD {
            return Reply::Malformed; // before room is made for so many
        }
        let mut message = message.to_vec();
        // The other sections are not needed, so nothing strange in them can do harm; and
        // what was cut off cannot be read at all. The reserved bits are not for us either.
        message[8..HEADER].fill(0);
        message[3] &= 0x8f;
        if truncated {
            message[6..8].fill(0);
        }
        let Ok(packet) = Packet::parse(&message) else {
            return Reply::Malformed;
        };
        let asked = packet.questions.first().map(|question| {
            question.qname == *self.name
                && question.qtype == QTYPE::TYPE(TYPE::SRV)
                && question.qclass == QCLASS::CLASS(CLASS::IN)
        });
        let available = flags & 0x0480 != 0; // authoritative, or recursion available
        match (packet.rcode(), asked) {
            (_, Some(false)) => Reply::Foreign,
            // A server that did not understand the question need not repeat it.
            (RCODE::NoError | RCODE::NameError, None) => Reply::Foreign,
            (RCODE::NoError | RCODE::NameError, Some(true)) if truncated => Reply::Truncated,
            (RCODE::NoError, Some(true)) if answers == 0 && !available => {
                Reply::Refused("that it does not look up names of others".to_owned())
            }
            (RCODE::NoError, Some(true)) => self.follow(&packet),
            (RCODE::NameError, Some(true)) => Reply::NoSuchName,
            (code, _) => Reply::Refused(format!("{code:?}")),
        }
    }

    /// The records of the name, or of what it is an alias of.
    fn follow(&self, packet: &Packet<'_>) -> Reply {
        let mut name = self.name.clone();
        for _ in 0..=MOST_ALIASES {
            let mut own = packet
                .answers
                .iter()
                .filter(|answer| answer.name == name && answer.class == CLASS::IN)
                .peekable();
            if own.peek().is_none() {
                break;
            }
            let mut alias = None;
            let mut records = Vec::new();
            for answer in own {
                match &answer.rdata {
                    RData::CNAME(target) => alias = Some(target.0.clone().into_owned()),
                    RData::SRV(srv) => records.push(Record {
                        priority: srv.priority,
                        weight: srv.weight,
                        target: SrvTarget {
                            host: srv.target.to_string(),
                            port: srv.port,
                        },
                    }),
                    _ => {}
                }
            }
            match alias {
                Some(target) if records.is_empty() => name = target,
                _ => return Reply::Records(records),
            }
        }
        if name == *self.name {
            Reply::Records(Vec::new())
        } else {
            Reply::Alias(name)
        }
    }
}
