//! Limits of speed: those of the session, and received messages that wait for theirs.

use std::time::Instant;

use super::driver::Share;
use super::{Client, Guard, Link};
use crate::session::ThrottleOptions;

impl Client {
    /// Limits the messages to the topics that `filter` matches, or all, see
    /// [`crate::session::Session::set_throttle`].
    pub fn set_throttle(&self, filter: Option<&str>, options: Option<&ThrottleOptions>) {
        let mut st = self.lock();
        st.session.set_throttle(filter, options, Instant::now());
        self.kick(st);
    }

    /// Limits what is received.
    pub fn set_receive_throttle(&self, options: Option<&ThrottleOptions>) {
        let mut st = self.lock();
        st.session.set_receive_throttle(options, Instant::now());
        self.kick(st);
    }

    /// Whether the descriptor is worth looking at for something to read.
    pub fn wants_read(&self) -> bool {
        let st = self.lock();
        let held = st.session.input_held_until();
        match st.link {
            Link::Up(_) => held.is_none_or(|due| due <= Instant::now()),
            Link::Dialing(_) => true,
            Link::Down | Link::Resolving => false,
        }
    }

    /// When [`Client::handle_timeout`] has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.lock().deadline()
    }

    /// Received messages have waited for their limit: takes what may be taken by now.
    pub(super) fn take_held<'a>(&'a self, mut st: Guard<'a>, share: Share) -> Guard<'a> {
        if !st.session.resume_input(Instant::now()) {
            return st;
        }
        let _right = self.take_dispatch(&mut st);
        st = self.take_packets(st);
        if st.session.input_held_until().is_none() {
            st.received.rest();
        }
        self.release_dispatch(&mut st);
        // What a buffering stream has inside makes no descriptor readable.
        if share.reads == 0 && st.readable && st.dispatcher.is_none() {
            st = self.read_and_deliver(st, Share::NO_READS);
        }
        st
    }
}
