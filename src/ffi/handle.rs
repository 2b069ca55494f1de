//! The handle, `struct mosquitto`: what a C program holds of a client.
//!
//! The address C gets is a slot's (see [`super::slots`]), so NULL and a handle that was
//! destroyed are recognised and answered with an error code.

use std::ffi::c_int;
use std::sync::Arc;

use super::errno;
use super::fork::prepare_for_forks;
use super::handler::Callbacks;
use super::slots::{Entered, Pool, Slot};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::reactor::Runner;

/// An MQTT client. Programs hold pointers to it and know nothing of its inside.
pub struct mosquitto {
    // C's name for the address of a `Slot<Contents>`; there is never a value of this type.
    _never: std::convert::Infallible,
}

/// What a handle stands for.
pub(super) struct Contents {
    pub(super) runner: Runner,
    pub(super) callbacks: Arc<Callbacks>,
}

/// The slot a handle's address leads to.
pub(super) type HandleSlot = &'static Slot<Contents>;

/// The only memory of the C API that is still there when a process ends: some words for
/// each handle that existed at the same time, and reachable from here.
pub(super) static HANDLES: Pool<Contents> = Pool::new();

impl Contents {
    /// The client.
    pub(super) fn client(&self) -> &Client {
        self.runner.client()
    }
}

/// A new handle with what `make` makes.
pub(super) fn open(make: impl FnOnce(HandleSlot) -> Contents) -> *mut mosquitto {
    prepare_for_forks();
    address(HANDLES.open(make))
}

/// What C calls the handle in `slot`.
pub(super) fn address(slot: HandleSlot) -> *mut mosquitto {
    std::ptr::from_ref(slot).cast_mut().cast()
}

/// Enters a call on a handle; `None` for NULL and for a destroyed handle.
///
/// # Safety
/// `mosq` is NULL or came from [`open`], however long ago.
#[inline(always)]
pub(super) unsafe fn enter(mosq: *const mosquitto) -> Option<Entered<Contents>> {
    if mosq.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { slot_of(mosq) }.enter()
}

/// The slot that a handle's address leads to.
///
/// # Safety
/// `mosq` came from [`open`], however long ago.
pub(super) unsafe fn slot_of(mosq: *const mosquitto) -> HandleSlot {
    // SAFETY: such addresses are those of slots, which live as long as the process.
    unsafe { &*mosq.cast::<Slot<Contents>>() }
}

/// Why functions answer with an error on a handle that nobody enters because of a fork.
///
/// # Safety
/// As for [`enter`].
pub(super) unsafe fn why_disowned(mosq: *const mosquitto) -> Option<&'static str> {
    if mosq.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let slot = unsafe { slot_of(mosq) };
    let text = "the client belongs to the process that this one was forked from";
    slot.is_disowned().then_some(text)
}

/// Runs the body of an exported function on a handle: `MOSQ_ERR_SUCCESS`, or the error as
/// C wants it.
///
/// # Safety
/// As for [`enter`].
#[inline(always)]
pub(super) unsafe fn call(
    mosq: *const mosquitto,
    body: impl FnOnce(&Contents) -> Result<()>,
) -> c_int {
    // SAFETY: the caller's promise.
    let entered = unsafe { enter(mosq) };
    let done = match &entered {
        Some(contents) => body(contents).inspect_err(|error| {
            contents.client().note_error(error);
        }),
        None => Err(Error::invalid("no client, or one that was destroyed")),
    };
    // First leave, which may free a client, and then touch errno.
    drop(entered);
    errno::answer(done)
}
