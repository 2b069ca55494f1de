//! What the session wants to have stored, on its way to the disk, before anything is sent or
//! said that depends on it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::{Client, Guard, Link, State};
use crate::error::{CallerError, Error, Result};
use crate::session::{log, Journal, Replay, WallClock};
use crate::store::{Condense, Durability, Store};

impl Client {
    /// Keeps the session in a folder from now on, and takes up what an earlier process has left
    /// there; before the first connection and the first message.
    pub fn open_store(&self, folder: &Path, durability: Durability, maximum: u64) -> Result<()> {
        let mut st = self.lock();
        let refused = if st.clean_session {
            Some("a store is for a session that is kept: clean_session has to be false")
        } else if !matches!(st.link, Link::Down) || st.session.has_messages() {
            Some("a store is opened before connecting and before publishing")
        } else if st.store.is_some() {
            Some("the client has a store")
        } else {
            None
        };
        if let Some(why) = refused {
            return Err(Error::invalid(why));
        }
        let mut replay = Replay::default();
        let (store, cut) = Store::open(folder, durability, &mut |part| replay.apply(part))?;
        if let (Some(owner), Some(own)) = (replay.client_id(), st.session.client_id()) {
            if owner != own {
                let text = format!(
                    "{}: the session there is that of client identifier {owner}, not {own}",
                    folder.to_string_lossy()
                );
                return Err(CallerError::Store(text).into());
            }
        }
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = WallClock {
            instant: Instant::now(),
            unix_ms: unix.map_or(0, |since| since.as_millis() as u64),
        };
        st.session.restore(replay, Journal::new(wall, maximum))?;
        st.store = Some(Box::new(store));
        if let Err(error) = st.write_journal(false) {
            st.forget_store();
            return Err(error);
        }
        if cut > 0 {
            log!(st.session, STORE_CUT, cut);
        }
        self.kick(st);
        Ok(())
    }

    /// Stores the message just published, and accepts it; afterwards it is as without a store.
    #[inline(never)]
    pub(super) fn store_published<'a>(&'a self, mut st: Guard<'a>) -> Result<Guard<'a>> {
        let (_, number) = st.session.unwritten();
        let written = st.write_journal(true);
        let syncer = match (&written, &st.store) {
            (Ok(()), Some(store)) if store.syncs_every() => Some(Arc::clone(store.syncer())),
            _ => None,
        };
        let mut outcome = written;
        if let Some(syncer) = syncer {
            drop(st); // other threads' messages join the next call of the system
            outcome = syncer.sync(number);
            st = self.lock();
        }
        match outcome {
            Ok(()) => {
                st.session.stored(number);
                st.session.accept(number, Instant::now());
                Ok(st)
            }
            Err(error) => {
                st.session.refuse(number);
                Err(error)
            }
        }
    }
}

impl State {
    /// Whether the session is kept in a folder.
    pub(super) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Stores what has to be before anything more is sent.
    #[inline(always)]
    pub(super) fn store_first(&mut self) -> Result<()> {
        match self.session.must_store() {
            true => self.store_now(),
            false => Ok(()),
        }
    }

    #[inline(never)]
    fn store_now(&mut self) -> Result<()> {
        let (_, number) = self.session.unwritten();
        self.write_journal(false)?;
        if let Some(store) = self.store.as_ref().filter(|store| store.syncs_every()) {
            store.syncer().sync(number)?;
        }
        self.session.stored(number);
        Ok(())
    }

    /// Hands the journal to the system; it ends with a `message`, or does not.
    fn write_journal(&mut self, message: bool) -> Result<()> {
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let (operations, number) = self.session.unwritten();
        let needed = self.session.stored_size();
        if !operations.is_empty() {
            let mut tries = 0;
            while let Err(error) = store.append(operations, number, message) {
                tries += 1;
                // Where there is no room there may be, when an older log has gone, and when what
                // is superfluous has.
                if tries > 2 || !store.make_room(needed, condenser) {
                    return Err(error);
                }
            }
            self.session.written();
        }
        store.condense(needed, condenser);
        if !store.syncs_every() {
            self.session.stored(number);
        }
        Ok(())
    }

    /// Writes what is left and lets go of the folder.
    pub(super) fn close_store(&mut self) {
        // What cannot be written costs a resend.
        let _ = self.write_journal(false);
        self.forget_store();
    }

    /// In the child of a fork: the folder stays the parent's, and nothing is written.
    pub(super) fn inherit_store(&mut self) {
        if let Some(store) = self.store.take() {
            store.inherit();
        }
        self.session.forget_journal();
    }

    fn forget_store(&mut self) {
        self.store = None;
        self.session.forget_journal();
    }
}

fn condenser() -> Box<dyn Condense> {
    Box::new(Condenser(Replay::without_bodies()))
}

/// Finds out which operations of a journal are needed.
struct Condenser(Replay);

impl Condense for Condenser {
    fn note(&mut self, operations: &[u8]) -> Result<()> {
        self.0.apply(operations)
    }

    fn keep(&mut self, operations: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.0.keep(operations, out)
    }
}
