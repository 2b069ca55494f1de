//! Log records: an event of the table in `log_events`, its words and its values.

use std::fmt::{self, Write};

use super::log_events::*;
use super::{Outcome, Session, SessionEvent};
use crate::codec::AckKind;
use crate::error::Error;
use crate::types::{LogLevel, PacketId, QoS, ReasonCode};

/// What of the log somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logging {
    /// Nothing: then nothing is made.
    Off,
    /// Lines: no fields are made, and no events that are none of libmosquitto's lines.
    Lines,
    /// All of it.
    Records,
}

impl Logging {
    /// Whether something is made.
    pub const fn is_on(self) -> bool {
        !matches!(self, Logging::Off)
    }
}

/// Something that was logged.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    event: &'static LogEvent,
    /// Texts with NUL behind each, for C; see [`LogRecord::texts_nul`].
    texts: String,
}

impl LogRecord {
    /// What happened.
    pub const fn event(&self) -> &'static LogEvent {
        self.event
    }

    /// How important it is.
    pub const fn level(&self) -> LogLevel {
        self.event.level
    }

    /// It in words, one line.
    pub fn text(&self) -> &str {
        self.texts.split('\0').next().unwrap_or("")
    }

    /// The client identifier; empty where there is none.
    pub fn client_id(&self) -> &str {
        self.texts.split('\0').nth(2).unwrap_or("")
    }

    /// The keys that have a value, and the values.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.texts.split_terminator('\0').skip(3);
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }

    /// The same with a NUL behind it.
    pub(crate) fn text_nul(&self) -> &str {
        self.texts_nul().next().unwrap_or("\0")
    }

    /// The words, and where there are fields, the name of the event, the client identifier, and a
    /// key and a value by turns: each with a NUL behind it.
    pub(crate) fn texts_nul(&self) -> impl Iterator<Item = &str> {
        self.texts.split_inclusive('\0')
    }
}

/// The value of a key.
#[derive(Clone, Copy)]
pub enum LogValue<'a> {
    /// The key is left out.
    None,
    /// In decimal.
    Number(u64),
    /// As `0x0c`.
    Hex(u8),
    /// In decimal, with commas.
    List(&'a [u8]),
    /// As it is.
    Text(&'a str),
    /// As it describes itself.
    Shown(&'a dyn fmt::Display),
}

impl LogValue<'_> {
    fn write(&self, out: &mut String) {
        // Writing to a string does not fail.
        let _ = match *self {
            LogValue::None => Ok(()),
            LogValue::Number(number) => write!(out, "{number}"),
            LogValue::Hex(byte) => write!(out, "{byte:#04x}"),
            LogValue::List(numbers) => numbers.iter().enumerate().try_for_each(|(at, number)| {
                let comma = if at > 0 { "," } else { "" };
                write!(out, "{comma}{number}")
            }),
            LogValue::Text(text) => out.write_str(text),
            LogValue::Shown(shown) => write!(out, "{shown}"),
        };
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for LogValue<'_> {
            fn from(number: $number) -> Self {
                LogValue::Number(number as u64)
            }
        }
    )*};
}

numbers!(bool, u8, u16, u32, u64, usize);

impl From<Option<u64>> for LogValue<'_> {
    fn from(number: Option<u64>) -> Self {
        number.map_or(LogValue::None, LogValue::Number)
    }
}

impl<'a> From<Option<&'a str>> for LogValue<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(LogValue::None, LogValue::Text)
    }
}

impl From<PacketId> for LogValue<'_> {
    fn from(id: PacketId) -> Self {
        id.number().into()
    }
}

impl From<QoS> for LogValue<'_> {
    fn from(qos: QoS) -> Self {
        qos.number().into()
    }
}

impl From<ReasonCode> for LogValue<'_> {
    fn from(reason: ReasonCode) -> Self {
        reason.value().into()
    }
}

impl<'a> From<&'a [u8]> for LogValue<'a> {
    fn from(numbers: &'a [u8]) -> Self {
        LogValue::List(numbers)
    }
}

impl<'a> From<&'a str> for LogValue<'a> {
    fn from(text: &'a str) -> Self {
        LogValue::Text(text)
    }
}

impl<'a> From<&'a String> for LogValue<'a> {
    fn from(text: &'a String) -> Self {
        LogValue::Text(text)
    }
}

impl<'a> From<&'a Error> for LogValue<'a> {
    fn from(error: &'a Error) -> Self {
        LogValue::Shown(error)
    }
}

impl From<Outcome> for LogValue<'_> {
    fn from(outcome: Outcome) -> Self {
        LogValue::Text(match outcome {
            Outcome::Sent => "sent",
            Outcome::Acknowledged => "acknowledged",
            Outcome::Expired => "expired",
            Outcome::Overflow => "overflow",
            Outcome::Cleared => "cleared",
            Outcome::TooLarge => "too_large",
            Outcome::QosNotSupported => "qos_not_supported",
            Outcome::ConnectionLost => "connection_lost",
            Outcome::SessionLost => "session_lost",
        })
    }
}

/// `log!(session, EVENT, value, ...)` logs an event of the table with the values of its keys, in
/// their order. Nothing of it is evaluated where nobody reads the log.
macro_rules! log {
    ($session:expr, $event:ident $(, $value:expr)* $(,)?) => {
        if $session.is_logging() {
            const {
                let values: &[&str] = &[$(stringify!($value)),*];
                assert!($crate::session::log_events::$event.key_count() == values.len());
            }
            let event = &$crate::session::log_events::$event;
            $session.log(event, &[$($crate::session::LogValue::from($value)),*]);
        }
    };
}
pub(crate) use log;

impl Session {
    /// Whether somebody reads the log.
    #[inline(always)]
    pub(crate) const fn is_logging(&self) -> bool {
        self.logging
    }

    /// Logs an event with the values of its keys; see [`log!`].
    #[cold]
    #[inline(never)]
    pub(crate) fn log(&mut self, event: &'static LogEvent, values: &[LogValue<'_>]) {
        if !self.log_records && !event.is_line {
            return;
        }
        debug_assert_eq!(event.key_count(), values.len(), "{}", event.name());
        let client_id = self.client_id.as_deref();
        let mut texts = String::new();
        event.write_text(values, client_id, &mut texts);
        end_text(&mut texts, 0);
        if self.log_records {
            let fields = event.keys().zip(values);
            push_text(&mut texts, &event.name().into());
            push_text(&mut texts, &client_id.unwrap_or_default().into());
            for (key, value) in fields.filter(|(_, value)| !matches!(value, LogValue::None)) {
                push_text(&mut texts, &key.into());
                push_text(&mut texts, value);
            }
        }
        self.events
            .push(SessionEvent::Log(LogRecord { event, texts }));
    }
}

impl Session {
    #[cold]
    pub(super) fn log_ack_sent(&mut self, kind: AckKind, id: PacketId, reason: ReasonCode) {
        let event = match kind {
            AckKind::Puback => &PUBACK_SENT,
            AckKind::Pubrec => &PUBREC_SENT,
            AckKind::Pubrel => &PUBREL_SENT,
            AckKind::Pubcomp => &PUBCOMP_SENT,
        };
        self.log(event, &[id.into(), reason.into()]);
    }

    #[cold]
    pub(super) fn log_ack_received(&mut self, kind: AckKind, id: PacketId, reason: ReasonCode) {
        let event = match kind {
            AckKind::Puback => &PUBACK_RECEIVED,
            AckKind::Pubrec => &PUBREC_RECEIVED,
            AckKind::Pubrel => &PUBREL_RECEIVED,
            AckKind::Pubcomp => &PUBCOMP_RECEIVED,
        };
        self.log(event, &[id.into(), reason.into()]);
    }
}

impl LogEvent {
    /// Writes what happened in words.
    fn write_text(&self, values: &[LogValue<'_>], client_id: Option<&str>, out: &mut String) {
        let mut rest = self.text();
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}').unwrap_or((behind, ""));
            out.push_str(before);
            match self.keys().position(|key| key == name) {
                Some(at) => values[at].write(out),
                // As libmosquitto has it.
                None => out.push_str(client_id.unwrap_or("(null)")),
            }
            rest = behind;
        }
        out.push_str(rest);
    }
}

fn push_text(texts: &mut String, value: &LogValue<'_>) {
    let start = texts.len();
    value.write(texts);
    end_text(texts, start);
}

/// Ends the text that begins at `start`. A NUL that a peer has put into it is its end for C.
fn end_text(texts: &mut String, start: usize) {
    if let Some(len) = texts[start..].find('\0') {
        texts.truncate(start + len);
    }
    texts.push('\0');
}
