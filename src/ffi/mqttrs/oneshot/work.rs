//! What a one-shot call does with its connection: it publishes, or it subscribes.

use std::ffi::{c_int, CStr};
use std::ptr::null_mut;

use super::run::failed;
use super::watch::{token, Watch, MOST};
use super::{mqttrs_message, mqttrs_subscription};
use crate::codec::{Properties, SubscriptionOptions};
use crate::error::{CallerError, Error};
use crate::ffi::arguments::write_mid;
use crate::ffi::constants::mosq_err_t::*;
use crate::ffi::errno::code;
use crate::ffi::handle::Contents;
use crate::ffi::mqttrs::completion;
use crate::ffi::strings::{mosquitto_reason_string, mosquitto_strerror};

/// How many messages are given to the client at once; the others wait with the program.
const WINDOW: usize = 200;

/// What is to be done.
pub(super) enum Work<'a> {
    /// `count` messages are to be published, of which the client got so many.
    Publish {
        messages: *const mqttrs_message,
        count: usize,
        next: usize,
    },
    /// Messages for `count` subscriptions are to be received.
    Receive {
        subscriptions: *const mqttrs_subscription,
        count: usize,
        /// They, once they were looked at.
        filters: Vec<(&'a str, SubscriptionOptions)>,
        /// The time limit is for the way to the subscriptions only.
        endless: bool,
    },
}

impl Work<'_> {
    pub(super) fn receive(
        subscriptions: *const mqttrs_subscription,
        count: usize,
        endless: bool,
    ) -> Self {
        Work::Receive {
            subscriptions,
            count,
            filters: Vec::new(),
            endless,
        }
    }

    /// Gets ready.
    ///
    /// # Safety
    /// Messages and subscriptions are as for `mqttrs_publish_once` and `mqttrs_receive_once`.
    pub(super) unsafe fn begin(&mut self, contents: &Contents, watch: &Watch) -> Result<(), Error> {
        if !watch.can_be() {
            return Err(Error::invalid("wanted is 0 or on_message NULL"));
        }
        match self {
            Work::Publish {
                messages, count, ..
            } => {
                if messages.is_null() || !(1..=MOST).contains(count) {
                    return Err(Error::invalid("no messages, or too many"));
                }
                watch.seen().results = vec![None; *count];
            }
            Work::Receive {
                subscriptions,
                count,
                filters,
                ..
            } => {
                // SAFETY: the caller's promise.
                *filters = unsafe { completion::filters(contents, *subscriptions, *count) }?;
            }
        }
        Ok(())
    }

    /// Does what can be done now; whether all is done.
    ///
    /// # Safety
    /// As for [`Work::begin`].
    pub(super) unsafe fn step(
        &mut self,
        contents: &Contents,
        watch: &Watch,
    ) -> Result<bool, c_int> {
        match self {
            Work::Publish {
                messages,
                count,
                next,
            } => {
                // SAFETY: the caller's promise.
                while unsafe { publish_next(contents, watch, *messages, *count, next) } {}
                let seen = watch.seen();
                Ok(*next == *count && seen.under_way == 0 && seen.again.is_empty())
            }
            Work::Receive { filters, .. } => subscribe(contents, watch, filters),
        }
    }

    /// Whether the time limit is over with: what is waited for now may take any time.
    pub(super) fn is_unlimited(&self, watch: &Watch) -> bool {
        matches!(self, Work::Receive { endless: true, .. }) && watch.seen().granted
    }

    /// What it means that the program disconnects.
    pub(super) fn when_disconnected(&self) -> Result<(), c_int> {
        match self {
            Work::Receive { endless: true, .. } => Ok(()),
            _ => Err(MOSQ_ERR_NO_CONN as c_int),
        }
    }

    /// Once all is done: what failed first.
    pub(super) fn verdict(&self, watch: &Watch) -> Result<(), c_int> {
        let mut seen = watch.seen();
        let mut results = seen.results.iter().enumerate();
        let Some((index, code)) = results.find_map(|(index, result)| {
            let code = result.unwrap_or_default();
            (code != 0).then_some((index, code))
        }) else {
            return Ok(());
        };
        seen.text = Some(format!("message {}: {}", index + 1, words(code)));
        Err(code)
    }
}

/// A reason code or a member of `mosq_err_t`.
fn words(code: c_int) -> String {
    // SAFETY: both give C strings that live for ever.
    let words = unsafe {
        CStr::from_ptr(match code >= 128 {
            true => mosquitto_reason_string(code),
            false => mosquitto_strerror(code),
        })
    };
    words.to_string_lossy().into_owned()
}

/// Gives the client a message, if there is a connection and not too many are under way; whether there
/// may be more.
///
/// # Safety
/// As for [`Work::begin`].
unsafe fn publish_next(
    contents: &Contents,
    watch: &Watch,
    messages: *const mqttrs_message,
    count: usize,
    next: &mut usize,
) -> bool {
    let mut seen = watch.seen();
    if !seen.up || seen.under_way >= WINDOW {
        return false;
    }
    let index = match seen.again.pop_front() {
        Some(index) => index,
        None if *next < count => {
            *next += 1;
            *next - 1
        }
        None => return false,
    };
    // Before its end may be told.
    seen.under_way += 1;
    drop(seen);
    // SAFETY: the caller's promise: they lie as far from each other as the first one's size says.
    let published = unsafe {
        let message = messages.byte_add(index * (*messages).size);
        completion::publish(contents, null_mut(), message, &|make| make(token(index)))
    };
    let Err(error) = published else {
        return true;
    };
    let mut seen = watch.seen();
    seen.under_way -= 1;
    let may_wait = match error {
        Error::Caller(CallerError::NotConnected) => true,
        Error::Caller(CallerError::QueueFull) => seen.under_way > 0,
        _ => false,
    };
    match may_wait {
        true => seen.again.push_front(index),
        false => seen.results[index] = Some(code(&error)),
    }
    !may_wait
}

/// Subscribes if that was not done on this connection; whether enough messages are there.
fn subscribe(
    contents: &Contents,
    watch: &Watch,
    filters: &[(&str, SubscriptionOptions)],
) -> Result<bool, c_int> {
    let mut seen = watch.seen();
    if let Some((index, reason)) = seen.refused {
        let reason = c_int::from(reason);
        let filter = filters.get(index).map_or("", |(filter, _)| filter);
        seen.text = Some(format!("{filter}: refused: {}", words(reason)));
        return Err(reason);
    }
    if seen.no_memory {
        seen.text = Some(words(MOSQ_ERR_NOMEM as c_int));
        return Err(MOSQ_ERR_NOMEM as c_int);
    }
    if seen.enough || !seen.up || seen.asked {
        return Ok(seen.enough);
    }
    seen.asked = true;
    drop(seen);
    // SAFETY: NULL.
    let on_id = unsafe { write_mid(null_mut()) };
    let client = contents.client();
    match client.subscribe(filters, Properties::EMPTY, token(0), on_id) {
        Ok(_) | Err(Error::Caller(CallerError::NotConnected)) => Ok(false),
        Err(error) => Err(failed(client, &error)),
    }
}
