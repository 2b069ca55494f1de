//! The clients of a loop, and who of them has news.

use std::sync::Arc;

use super::{Bell, Turn};
use crate::error::{Error, Result};
use crate::reactor::Shared;

/// A deadline that does not come.
pub(super) const NEVER: u64 = u64::MAX;

/// No connection is polled for.
const NONE: u64 = u64::MAX;

/// Everything that is changed by several threads.
#[derive(Debug)]
pub(super) struct Members {
    members: Vec<Option<Member>>,
    /// The places without a member.
    free: Vec<u32>,
    /// Who has rung since the loop last looked.
    pub(super) rung: Vec<u32>,
    /// What the thread that runs the loop works with; absent while one does.
    turn: Option<Box<Turn>>,
    /// That thread.
    pub(super) runner: Option<usize>,
    /// The client it serves at the moment.
    served: Option<Arc<Bell>>,
    /// Counts the runs.
    pub(super) run: u64,
    /// The run is to end.
    pub(super) stop: bool,
    /// The loop was destroyed.
    pub(super) closed: bool,
    /// Somebody waits in `poll` or for the descriptor, and has not been roused.
    pub(super) sleeping: bool,
    /// A foreign loop watches the descriptor.
    pub(super) watched: bool,
    /// How many threads wait for a change.
    pub(super) waiting: usize,
    /// Clients were left to the next run.
    unfinished: bool,
    /// When a timer was due next as the last run ended.
    pub(super) next_deadline: u64,
}

/// A client in the loop.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) client: Arc<Shared>,
    pub(super) bell: Arc<Bell>,
    /// The number of the connection that is polled for.
    connection: u64,
    /// When there is something to do.
    pub(super) deadline: u64,
    /// The timer that is set: at `deadline`, or before it where that has moved on, as
    /// those of the keep alive do with every packet.
    pub(super) timer: u64,
    /// Stands in a queue.
    queued: bool,
    pub(super) news: News,
}

/// What the descriptor was reported to be, and is not told to the client yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) read_closed: bool,
}

impl Members {
    pub(super) fn new(turn: Turn) -> Members {
        Members {
            members: Vec::new(),
            free: Vec::new(),
            rung: Vec::new(),
            turn: Some(Box::new(turn)),
            runner: None,
            served: None,
            run: 0,
            stop: false,
            closed: false,
            sleeping: false,
            watched: false,
            waiting: 0,
            unfinished: false,
            next_deadline: NEVER,
        }
    }

    pub(super) fn admit(
        &mut self,
        client: &Arc<Shared>,
        bell: impl FnOnce(u32) -> Arc<Bell>,
    ) -> Result<Arc<Bell>> {
        if self.closed {
            return Err(Error::invalid("the loop was destroyed"));
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.members.len());
                self.members.push(None);
                index.map_err(|_| Error::invalid("the loop is full"))?
            }
        };
        let bell = bell(index);
        self.members[index as usize] = Some(Member {
            client: Arc::clone(client),
            bell: Arc::clone(&bell),
            connection: NONE,
            deadline: NEVER,
            timer: NEVER,
            queued: false,
            news: News::default(),
        });
        Ok(bell)
    }

    /// Takes a client out, once.
    pub(super) fn dismiss(&mut self, bell: &Arc<Bell>) -> Option<Member> {
        let place = self.members.get_mut(bell.index as usize)?;
        let member = place.take_if(|member| Arc::ptr_eq(&member.bell, bell))?;
        self.free.push(bell.index);
        Some(member)
    }

    pub(super) fn member(&mut self, index: u32) -> Option<&mut Member> {
        self.members.get_mut(index as usize)?.as_mut()
    }

    /// The clients that are in the loop now.
    pub(super) fn clients(&self) -> Vec<Arc<Shared>> {
        let members = self.members.iter().flatten();
        members.map(|member| Arc::clone(&member.client)).collect()
    }

    /// The timers that are set, and whose they are.
    pub(super) fn timers(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let members = self.members.iter().flatten();
        members
            .filter(|member| member.timer != NEVER)
            .map(|member| (member.timer, member.bell.index))
    }

    /// How many places there are, with or without a client.
    pub(super) fn places(&self) -> usize {
        self.members.len()
    }

    /// Notes that a client has news; whether that was not known yet.
    pub(super) fn ring(&mut self, index: u32) -> bool {
        let is_new = self.member(index).is_some_and(Member::enqueue);
        if is_new {
            self.rung.push(index);
        }
        is_new
    }

    /// The client that is served from now on, until [`Members::served`].
    pub(super) fn serve(&mut self, bell: Arc<Bell>) {
        self.served = Some(bell);
    }

    pub(super) fn served(&mut self) {
        self.served = None;
    }

    pub(super) fn serves(&self, bell: &Arc<Bell>) -> bool {
        self.served
            .as_ref()
            .is_some_and(|served| Arc::ptr_eq(served, bell))
    }

    pub(super) fn is_running(&self) -> bool {
        self.turn.is_none()
    }

    /// Whether the next turn has something to do at once.
    pub(super) fn has_work(&self) -> bool {
        self.unfinished || !self.rung.is_empty()
    }

    /// A run begins.
    pub(super) fn begin(&mut self) -> Result<Box<Turn>> {
        if self.closed {
            return Err(Error::invalid("the loop was destroyed"));
        }
        let turn = self.turn.take();
        let turn = turn.ok_or(Error::invalid("the loop runs already"))?;
        self.run += 1;
        self.stop = false;
        self.unfinished = false;
        Ok(turn)
    }

    /// A run has ended.
    pub(super) fn end(&mut self, mut turn: Box<Turn>) {
        self.unfinished = turn.has_work();
        self.next_deadline = turn.next_deadline(self);
        self.turn = Some(turn);
        self.runner = None;
        self.served = None;
    }
}

impl Member {
    /// Notes that the client is in a queue; whether it was not.
    pub(super) fn enqueue(&mut self) -> bool {
        !std::mem::replace(&mut self.queued, true)
    }

    /// Takes the client out of the queue: what it is told.
    pub(super) fn dequeue(&mut self) -> News {
        self.queued = false;
        std::mem::take(&mut self.news)
    }

    /// The number of the connection that is polled for.
    pub(super) fn connection(&self) -> Option<u64> {
        (self.connection != NONE).then_some(self.connection)
    }

    pub(super) fn set_connection(&mut self, number: Option<u64>) {
        self.connection = number.unwrap_or(NONE);
    }
}
