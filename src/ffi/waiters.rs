//! Who wants to hear what became of a message or a request: a callback, a token, or both.

use std::ffi::{c_int, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::handle::{address, HandleSlot};
use super::mqttrs::completion::{mqttrs_result, MQTTRS_CB_done};
use super::mqttrs::queue::outcome_code;
use super::property::OwnedList;
use crate::client::{Done, Outcome, Token};
use crate::error::{CallerError, Error, Result};

/// Those of one client; a client without any has none of their memory.
#[derive(Default)]
pub(super) struct Waiters(Mutex<Option<Box<Slab>>>);

/// Those of one client while they do not change.
pub(super) type FrozenWaiters<'a> = MutexGuard<'a, Option<Box<Slab>>>;

/// Places that are used again; a token's number is one more than that of its place.
#[derive(Default)]
pub(super) struct Slab {
    places: Vec<Option<Waiter>>,
    empty: Vec<u32>,
}

/// Who wants to hear of one message or request.
pub(super) struct Waiter {
    pub(super) on_done: MQTTRS_CB_done,
    pub(super) userdata: *mut c_void,
    pub(super) result: Option<Arc<Pending>>,
}

// SAFETY: the user data is only handed on, and the program knows that any thread may call it.
unsafe impl Send for Waiter {}

/// What a token of C leads to: the result, once there is one.
pub(super) struct Pending {
    pub(super) client: HandleSlot,
    result: OnceLock<Finished>,
}

/// A result as C gets it.
pub(super) struct Finished {
    mid: c_int,
    outcome: c_int,
    reason_code: c_int,
    codes: Vec<c_int>,
    properties: Option<OwnedList>,
}

// SAFETY: the list is not changed any more, and belongs to this alone.
unsafe impl Send for Finished {}
// SAFETY: as above.
unsafe impl Sync for Finished {}

impl Waiters {
    /// Notes one; gives the token to publish or ask with.
    ///
    /// # Errors
    ///
    /// `QueueFull` when there are more than [`Token::MAX`].
    pub(super) fn add(&self, waiter: Waiter) -> Result<Token> {
        let mut slab = self.lock();
        let slab = slab.get_or_insert_default();
        let number = match slab.empty.pop() {
            Some(number) => number,
            None if slab.places.len() < Token::MAX as usize => {
                slab.places.push(None);
                slab.places.len() as u32
            }
            None => return Err(Error::Caller(CallerError::QueueFull)),
        };
        slab.places[number as usize - 1] = Some(waiter);
        Ok(Token::new(number))
    }

    /// Takes out the one with this token.
    pub(super) fn take(&self, token: Token) -> Option<Waiter> {
        let mut guard = self.lock();
        let slab = guard.as_mut()?;
        let number = token.number();
        let place = slab.places.get_mut((number as usize).checked_sub(1)?)?;
        let waiter = place.take()?;
        slab.empty.push(number);
        if slab.empty.len() == slab.places.len() {
            *guard = None;
        }
        Some(waiter)
    }

    /// Tells all that the client ends.
    pub(super) fn end(&self, client: HandleSlot) {
        let slab = self.lock().take().unwrap_or_default();
        for waiter in slab.places.into_iter().flatten() {
            waiter.tell(client, Finished::cleared());
        }
        drop(freeze_ends());
        ENDED.notify_all();
    }

    /// Whether there are any.
    pub(super) fn are_there(&self) -> bool {
        self.lock().is_some()
    }

    /// Keeps them as they are, for the time of a fork.
    pub(super) fn freeze(&self) -> FrozenWaiters<'_> {
        self.lock()
    }

    fn lock(&self) -> FrozenWaiters<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Taken when a client that ends has told who waits, and signalled then: nobody can wait for such a
/// client itself.
static ENDING: Mutex<()> = Mutex::new(());
static ENDED: Condvar = Condvar::new();

/// Keeps clients from ending, for the time of a fork.
pub(super) fn freeze_ends() -> MutexGuard<'static, ()> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiter {
    /// Tells it. The callback is through when the token has its result.
    pub(super) fn tell(self, client: HandleSlot, finished: Finished) {
        if let Some(on_done) = self.on_done {
            let lent = finished.lent();
            // SAFETY: the program's function with the type it was given with; what is lent
            // lives until after the call.
            unsafe { on_done(address(client), self.userdata, &lent) };
        }
        if let Some(pending) = self.result {
            let _ = pending.result.set(finished); // there is one waiter for each
        }
    }
}

impl Pending {
    /// Nothing is known yet.
    pub(super) fn new(client: HandleSlot) -> Self {
        Pending {
            client,
            result: OnceLock::new(),
        }
    }

    /// Waits for the result that the client, which is being destroyed, leaves soon; whether it came
    /// before the deadline.
    pub(super) fn wait_for_end(&self, deadline: Instant) -> bool {
        let mut ending = freeze_ends();
        while self.result().is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.client.is_disowned() {
                return false;
            }
            let woken = ENDED.wait_timeout(ending, left);
            (ending, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// The result, if there is one.
    pub(super) fn result(&self) -> Option<&Finished> {
        self.result.get()
    }
}

impl Finished {
    /// What the client says.
    pub(super) fn new(done: &Done) -> Self {
        let codes: Vec<c_int> = done.codes.iter().copied().map(c_int::from).collect();
        let worst = codes.iter().max().copied();
        let properties = done.properties.as_properties();
        Finished {
            mid: done.packet_id.number().into(),
            outcome: outcome_code(done.outcome),
            reason_code: worst.unwrap_or(done.reason.value().into()),
            codes,
            properties: match properties.is_empty() {
                true => None,
                false => OwnedList::from_wire(properties),
            },
        }
    }

    /// It ends with its client.
    fn cleared() -> Self {
        Finished {
            mid: 0,
            outcome: outcome_code(Outcome::Cleared),
            reason_code: 0,
            codes: Vec::new(),
            properties: None,
        }
    }

    /// As C sees it, for as long as this lives.
    pub(super) fn lent(&self) -> mqttrs_result {
        mqttrs_result {
            size: size_of::<mqttrs_result>(),
            mid: self.mid,
            outcome: self.outcome,
            reason_code: self.reason_code,
            // As many as topic filters in one packet.
            reason_code_count: c_int::try_from(self.codes.len()).unwrap_or(c_int::MAX),
            reason_codes: match self.codes.is_empty() {
                true => std::ptr::null(),
                false => self.codes.as_ptr(),
            },
            properties: self
                .properties
                .as_ref()
                .map_or(std::ptr::null(), OwnedList::as_ptr),
        }
    }
}
