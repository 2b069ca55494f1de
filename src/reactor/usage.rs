//! Who runs a client's loop: threads of its own, or a shared loop, never both.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::shared::{Bell, Core};
use super::Shared;
use crate::client::Wake;
use crate::error::{Error, Result};

/// Whether a client is in a shared loop.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// How many threads are inside `run_once` or `run_forever`, or are loop threads.
    threads: usize,
    membership: Option<Arc<Bell>>,
}

impl Usage {
    /// Whether anything runs the client's loop.
    pub(super) const fn is_used(&self) -> bool {
        self.threads > 0 || self.membership.is_some()
    }
}

/// Says that a thread runs the client's loop.
#[derive(Debug)]
pub(super) struct Using(Arc<Shared>);

impl Using {
    /// Fails for a client that is in a shared loop.
    pub(super) fn begin(shared: &Arc<Shared>) -> Result<Using> {
        let mut usage = shared.lock_usage();
        if usage.membership.is_some() {
            return Err(Error::invalid("the client is in a shared loop"));
        }
        usage.threads += 1;
        Ok(Using(Arc::clone(shared)))
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        self.0.lock_usage().threads -= 1;
    }
}

impl Shared {
    /// Makes the client a member of a shared loop.
    pub(super) fn join(self: &Arc<Self>, core: &Arc<Core>) -> Result<()> {
        // Kept until the client knows its new host: who takes the client out again meanwhile waits.
        let mut usage = self.lock_usage();
        if usage.threads > 0 {
            return Err(Error::invalid("the client has a loop already"));
        }
        if usage.membership.is_some() {
            return Err(Error::invalid("the client is in a shared loop already"));
        }
        let bell = core.admit(self)?;
        self.client.set_wake(Some(bell.clone()));
        self.begin_hosting();
        bell.wake();
        usage.membership = Some(bell);
        Ok(())
    }

    /// Takes the client out of its shared loop, which has to be `of` unless that is `None`.
    /// When this returns the loop has done with the client, except inside its callbacks.
    pub(super) fn leave(&self, of: Option<&Arc<Core>>) -> Result<()> {
        let mut usage = self.lock_usage();
        let bell = match &usage.membership {
            Some(bell) if of.is_none_or(|core| Arc::ptr_eq(core, bell.core())) => bell.clone(),
            _ => return Err(Error::invalid("the client is not in this loop")),
        };
        usage.membership = None;
        let own = self.waker.get().map(|waker| waker.clone() as Arc<dyn Wake>);
        self.client.set_wake(own);
        self.end_hosting();
        // The callback that the loop is in may want to know about this client.
        drop(usage);
        bell.core().dismiss(&bell, &self.client);
        Ok(())
    }

    pub(super) fn lock_usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
