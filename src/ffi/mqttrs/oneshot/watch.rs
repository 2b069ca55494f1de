//! What happens to the client of a one-shot call: noted down for the call, and passed on to the
//! callbacks that the program has set.

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{mqttrs_received, MQTTRS_CB_received};
use crate::client::{Done, Event, Handler, Message, Outcome, Token};
use crate::codec::Properties;
use crate::error::Result;
use crate::ffi::alloc;
use crate::ffi::constants::mosq_err_t::*;
use crate::ffi::handler::{lent_message, Callbacks, Lent};
use crate::ffi::message::mosquitto_message_copy;
use crate::ffi::property::list::mosquitto_property_copy_all;
use crate::types::{PacketId, ReasonCode};

/// What is done with messages that arrive.
pub(super) enum Sink {
    /// Nothing.
    None,
    /// They are kept until there are as many as wanted.
    Collect { wanted: usize, retained_too: bool },
    /// The program gets each.
    Each {
        on_message: MQTTRS_CB_received,
        userdata: *mut c_void,
    },
}

/// What happens to the client.
pub(super) struct Watch {
    callbacks: Arc<Callbacks>,
    sink: Sink,
    seen: Mutex<Seen>,
}

// SAFETY: the program's pointers in it are used by callbacks only, which never overlap, and those to
// received messages under the mutex.
unsafe impl Send for Watch {}
// SAFETY: as above.
unsafe impl Sync for Watch {}

/// What has happened so far.
pub(super) struct Seen {
    /// The server has accepted the present connection.
    pub(super) up: bool,
    /// It has accepted one ever.
    pub(super) was_up: bool,
    /// A connection it had accepted has ended.
    pub(super) lost: bool,
    /// Something has come to its end since this was last set to false.
    pub(super) progress: bool,
    /// How many messages are on their way.
    pub(super) under_way: usize,
    /// Messages that have to be published again.
    pub(super) again: VecDeque<usize>,
    /// What became of each message.
    pub(super) results: Vec<Option<c_int>>,
    /// SUBSCRIBE was sent on the present connection.
    pub(super) asked: bool,
    /// The server has granted it.
    pub(super) granted: bool,
    /// Or has refused this subscription of it.
    pub(super) refused: Option<(usize, u8)>,
    /// There are enough messages.
    pub(super) enough: bool,
    /// There was no memory for one.
    pub(super) no_memory: bool,
    /// Why the call fails, where that is no error of the client.
    pub(super) text: Option<String>,
    received: *mut mqttrs_received,
    last: *mut mqttrs_received,
    count: usize,
}

impl Watch {
    /// Whether the program has asked for something that can be.
    pub(super) fn can_be(&self) -> bool {
        let impossible = match self.sink {
            Sink::None => false,
            Sink::Collect { wanted, .. } => wanted == 0,
            Sink::Each { on_message, .. } => on_message.is_none(),
        };
        !impossible
    }

    pub(super) fn new(callbacks: Arc<Callbacks>, sink: Sink) -> Watch {
        Watch {
            callbacks,
            sink,
            seen: Mutex::new(Seen {
                up: false,
                was_up: false,
                lost: false,
                progress: false,
                under_way: 0,
                again: VecDeque::new(),
                results: Vec::new(),
                asked: false,
                granted: false,
                refused: None,
                enough: false,
                no_memory: false,
                text: None,
                received: null_mut(),
                last: null_mut(),
                count: 0,
            }),
        }
    }

    /// What has happened so far. The client is not to be called while this is held.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of each message, as far as that is known.
    pub(super) fn results(&self) -> Vec<Option<c_int>> {
        std::mem::take(&mut self.seen().results)
    }

    /// The messages that were kept, which are the caller's from now on.
    pub(super) fn take_received(&self) -> *mut mqttrs_received {
        std::mem::replace(&mut self.seen().received, null_mut())
    }

    fn arrived(&self, message: &Message<'_>) {
        if self.seen().enough {
            return; // too late
        }
        match self.sink {
            Sink::None => return,
            Sink::Collect {
                wanted,
                retained_too,
            } => {
                if retained_too || !message.retain {
                    let kept = keep(message);
                    self.seen().add(kept, wanted);
                }
            }
            Sink::Each {
                on_message,
                userdata,
            } => {
                let (lent, list) = (lent_message(message), Lent::new(message.properties));
                // SAFETY: the program's function with the type it was given with; message and list
                // live until after the call.
                let go_on =
                    on_message.is_some_and(|each| unsafe { each(userdata, &lent, list.as_ptr()) });
                self.seen().enough = !go_on;
            }
        }
        self.seen().progress = true;
    }
}

/// A copy of a message that is the program's to free; `None` where there is no memory for it.
fn keep(message: &Message<'_>) -> Option<*mut mqttrs_received> {
    let kept = alloc::zeroed::<mqttrs_received>()?.as_ptr();
    let list = Lent::new(message.properties);
    let all = message.properties.is_empty() == list.as_ptr().is_null();
    // SAFETY: `kept` is new and zeroed, which is a value of its type; message and list are there until
    // after the calls.
    unsafe {
        (*kept).size = size_of::<mqttrs_received>();
        let copied = mosquitto_message_copy(&mut (*kept).message, &lent_message(message)) == 0
            && mosquitto_property_copy_all(&mut (*kept).properties, list.as_ptr()) == 0;
        if copied && all {
            return Some(kept);
        }
        super::mqttrs_received_free(kept);
    }
    None
}

impl Seen {
    fn add(&mut self, kept: Option<*mut mqttrs_received>, wanted: usize) {
        let Some(kept) = kept else {
            (self.no_memory, self.enough) = (true, true);
            return;
        };
        match self.last.is_null() {
            true => self.received = kept,
            // SAFETY: the last of the list, which is ours until `take_received`, after which the client
            // is gone.
            false => unsafe { (*self.last).next = kept },
        }
        self.last = kept;
        self.count += 1;
        self.enough = self.count >= wanted;
    }

    /// What became of message number `index`, or of the SUBSCRIBE.
    fn settle(&mut self, index: usize, done: &Done) {
        if !done.codes.is_empty() {
            let refused = done.codes.iter().position(|code| *code >= 0x80);
            self.refused = refused.map(|index| (index, done.codes[index]));
            self.granted = refused.is_none();
            return;
        }
        let Some(result) = self.results.get_mut(index) else {
            return; // a SUBSCRIBE that went with its connection
        };
        self.under_way -= 1;
        let code = match done.outcome {
            // Of QoS 0, and the server has no part of it.
            Outcome::ConnectionLost => return self.again.push_back(index),
            _ if done.reason.is_error() => c_int::from(done.reason.value()),
            Outcome::Sent | Outcome::Acknowledged => MOSQ_ERR_SUCCESS as c_int,
            Outcome::Expired => MOSQ_ERR_TIMEOUT as c_int,
            Outcome::TooLarge => MOSQ_ERR_OVERSIZE_PACKET as c_int,
            Outcome::QosNotSupported => MOSQ_ERR_QOS_NOT_SUPPORTED as c_int,
            Outcome::SessionLost => MOSQ_ERR_CONN_LOST as c_int,
            Outcome::Overflow | Outcome::Cleared => MOSQ_ERR_QUOTA_EXCEEDED as c_int,
        };
        *result = Some(code);
        self.progress = true;
    }
}

/// The token of message number `index`; those of the program's own calls begin at the other end.
pub(super) fn token(index: usize) -> Token {
    Token::new(Token::MAX - index as u32)
}

/// How many messages have a token.
pub(super) const MOST: usize = 1 << 22;

/// Each method passes on what it gets.
impl Handler for Watch {
    fn event(&self, event: Event<'_>) {
        match &event {
            Event::Connected { code: 0, .. } => {
                let mut seen = self.seen();
                (seen.up, seen.was_up) = (true, true);
            }
            Event::Disconnected { .. } => {
                let mut seen = self.seen();
                seen.lost |= seen.up;
                (seen.up, seen.granted, seen.asked) = (false, false, false);
            }
            Event::Message(message) => self.arrived(message),
            _ => {}
        }
        self.callbacks.event(event);
    }

    fn message(&self, message: &Message<'_>) {
        self.arrived(message);
        self.callbacks.message(message);
    }

    fn hears_pre_connect(&self) -> bool {
        self.callbacks.hears_pre_connect()
    }

    fn hears_published(&self) -> bool {
        self.callbacks.hears_published()
    }

    fn published(&self, packet_ids: &[PacketId], go_on: &dyn Fn() -> bool) {
        self.callbacks.published(packet_ids, go_on);
    }

    fn outcome(
        &self,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: Properties<'_>,
    ) {
        self.callbacks
            .outcome(packet_id, outcome, reason, properties);
    }

    fn done(&self, done: &Done) {
        let index = (Token::MAX - done.token.number()) as usize;
        match index < MOST {
            true => self.seen().settle(index, done),
            false => self.callbacks.done(done),
        }
    }

    fn key_password(&self, from_file: bool) -> Option<Vec<u8>> {
        self.callbacks.key_password(from_file)
    }

    fn authenticate(
        &self,
        method: &str,
        data: Option<&[u8]>,
        properties: Properties<'_>,
    ) -> Result<()> {
        self.callbacks.authenticate(method, data, properties)
    }
}
