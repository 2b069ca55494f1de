//! Waiting for the queue of outgoing messages, in whatever way the client is driven.

use std::time::{Duration, Instant};

use super::shared::runs_a_loop;
use super::{Runner, BUSY_WAIT};
use crate::client::{Drained, Publication};
use crate::error::{CallerError, Error, Result};
use crate::types::ReasonCode;

impl Runner {
    /// Waits until every message that was accepted so far has its outcome; runs the loop where
    /// nobody does.
    ///
    /// # Errors
    ///
    /// `TimedOut` after the deadline; `InvalidArgument` inside an event handler and on the
    /// thread of a shared loop; what [`Runner::run_once`] has where this runs the loop.
    pub fn drain(&self, deadline: Instant) -> Result<()> {
        self.check_may_wait()?;
        let client = self.client();
        let mut mark = client.drain_mark();
        while client.drained(&mut mark, deadline)? == Drained::RunLoop {
            self.run_once(Some(left(deadline)))?;
        }
        Ok(())
    }

    /// Waits until `is_done`, which changes in an event handler of this client; runs the loop
    /// where nobody does.
    ///
    /// # Errors
    ///
    /// As for [`Runner::drain`].
    pub fn wait_until(&self, is_done: &dyn Fn() -> bool, deadline: Instant) -> Result<()> {
        if is_done() {
            return Ok(());
        }
        self.check_may_wait()?;
        while self.client().wait_until(is_done, deadline)? == Drained::RunLoop {
            self.run_once(Some(left(deadline)))?;
        }
        Ok(())
    }

    /// Makes a request, and waits for its end as [`Runner::wait_until`] does; without that it is
    /// forgotten.
    pub fn request_and_wait(
        &self,
        make: &dyn Fn() -> Result<u64>,
        is_done: &dyn Fn() -> bool,
        deadline: Instant,
    ) -> Result<()> {
        self.check_may_wait()?;
        let id = make()?;
        let waited = self.wait_until(is_done, deadline);
        // What has just come counts.
        match waited {
            Err(_) if !self.client().withdraw(id) && is_done() => Ok(()),
            waited => waited,
        }
    }

    /// Waits as [`Runner::drain`] does, disconnects, and ends the connection after the deadline
    /// whatever the network does.
    ///
    /// # Errors
    ///
    /// `TimedOut` when not everything came to its end; `NotConnected` without a connection;
    /// `InvalidArgument` as for [`Runner::drain`].
    pub fn disconnect_within(&self, deadline: Instant) -> Result<()> {
        self.check_may_wait()?;
        let client = self.client();
        let drained = self.drain(deadline);
        let begun = client.disconnect(ReasonCode::SUCCESS, None);
        let mut ended = begun.is_ok();
        while ended && client.is_closing() {
            if Instant::now() >= deadline {
                ended = false;
            } else if !client.wait_for_end(deadline) {
                // Its error is why the connection ended, which it was to.
                let _ = self.run_once(Some(left(deadline)));
            }
        }
        // Also an attempt to connect, and what is left of a connection.
        client.cut();
        begun?;
        if ended {
            drained
        } else {
            Err(CallerError::TimedOut("the connection was cut").into())
        }
    }

    /// After a message was refused since the queue is full: `publish` tries again while there is
    /// time, where this thread may wait.
    pub fn publish_in_time(
        &self,
        message: &Publication<'_>,
        publish: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        const FULL: Error = Error::Caller(CallerError::QueueFull);
        let client = self.client();
        let wait = client.queue_wait();
        if wait == Duration::ZERO || self.check_may_wait().is_err() {
            return Err(FULL);
        }
        let deadline = Instant::now() + wait;
        while client.wait_for_room(message, deadline) {
            match publish() {
                Err(FULL) => {}
                done => return done,
            }
        }
        Err(FULL)
    }

    /// Whether this thread may wait for what a loop does.
    fn check_may_wait(&self) -> Result<()> {
        if self.client().is_in_handler() || runs_a_loop() {
            return Err(Error::invalid("the thread of a loop cannot wait for it"));
        }
        Ok(())
    }
}

/// How long to run the loop at once: somebody may begin to run it for good meanwhile.
fn left(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .min(BUSY_WAIT)
}
