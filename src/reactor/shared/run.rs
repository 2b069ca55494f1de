//! The thread that runs the loop: it waits for news and serves who has some, each client a
//! share at a time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};

use super::members::{Member, Members, NEVER};
use super::{failed, this_thread, Core, RUNS_A_LOOP, WAKE};
use crate::client::{Share, Wait};
use crate::error::Result;

/// How many events one poll fetches.
const EVENTS: usize = 512;

/// What a client gets before it is another's turn: little enough that who waits behind a
/// client that is flooded does not notice.
const SHARE: Share = Share {
    reads: 2,
    bytes: 16 * 1024,
};

/// How long a client waits that the system would not poll for, in nanoseconds.
const UNPOLLED_WAIT: u64 = 1_000_000_000;

/// What is kept from turn to turn.
#[derive(Debug)]
pub(super) struct Turn {
    poll: Poll,
    events: Events,
    /// When, and whose. One that is not its member's any more is passed over.
    timers: BinaryHeap<Reverse<(u64, u32)>>,
    queue: VecDeque<u32>,
    /// Those who have had their share and are not done. Who has news goes before them.
    unfinished: Vec<u32>,
}

/// A thread runs the loop.
#[derive(Debug)]
pub(super) struct Run {
    core: Arc<Core>,
    /// Present until this is dropped.
    turn: Option<Box<Turn>>,
    number: u64,
}

impl Run {
    pub(super) fn begin(core: &Arc<Core>) -> Result<Run> {
        let mut members = core.lock();
        let turn = Some(members.begin()?);
        let number = members.run;
        drop(members);
        Ok(Run {
            core: Arc::clone(core),
            turn,
            number,
        })
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Turns until the loop is stopped.
    pub(super) fn until_stopped(mut self) -> Result<()> {
        let _here = Here::begin(&self.core);
        while self.one(None)? {}
        self.write_out();
        Ok(())
    }

    /// One turn.
    pub(super) fn turn(mut self, limit: Option<Duration>) -> Result<()> {
        let _here = Here::begin(&self.core);
        self.one(limit).map(drop)
    }

    /// Waits for news at most `limit`, and gives everyone who has some a share; whether
    /// another turn may follow.
    fn one(&mut self, limit: Option<Duration>) -> Result<bool> {
        let core = &*self.core;
        let Some(turn) = &mut self.turn else {
            return Ok(false);
        };
        let mut members = core.lock();
        let timeout = turn.prepare(core, &mut members, limit);
        drop(members);
        match turn.poll.poll(&mut turn.events, timeout) {
            // A signal's handler may have changed what there is to do.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(failed(error)),
            _ => {}
        }
        members = core.lock();
        members.sleeping = false;
        turn.gather(&mut members);
        for _ in 0..turn.queue.len() {
            if members.stop {
                break; // what is left is for the next run
            }
            members = turn.serve_next(core, members, SHARE);
        }
        Ok(!members.stop)
    }

    /// What was accepted before the stop is not left unsent where the network takes it, and
    /// what happened is told.
    fn write_out(&mut self) {
        let core = &*self.core;
        if let Some(turn) = &mut self.turn {
            let mut members = core.lock();
            turn.events.clear();
            turn.gather(&mut members);
            for _ in 0..turn.queue.len() {
                members = turn.serve_next(core, members, Share::NO_READS);
            }
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            let mut members = self.core.lock();
            members.end(turn);
            members.sleeping = false;
            if members.watched {
                self.core.watch(&mut members);
            }
            if members.waiting > 0 {
                self.core.changed.notify_all();
            }
        }
    }
}

/// Says which thread runs the loop.
struct Here {
    /// It was inside a callback of another loop.
    nested: bool,
}

impl Here {
    fn begin(core: &Core) -> Here {
        core.lock().runner = Some(this_thread());
        Here {
            nested: RUNS_A_LOOP.replace(true),
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        RUNS_A_LOOP.set(self.nested);
    }
}

impl Turn {
    pub(super) fn new() -> io::Result<Turn> {
        Ok(Turn {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            timers: BinaryHeap::new(),
            queue: VecDeque::new(),
            unfinished: Vec::new(),
        })
    }

    pub(super) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    pub(super) fn fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }

    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty() || !self.unfinished.is_empty()
    }

    /// When the next timer is due.
    pub(super) fn next_deadline(&mut self, members: &mut Members) -> u64 {
        while let Some(&Reverse((due, index))) = self.timers.peek() {
            if members.member(index).is_some_and(|m| m.timer == due) {
                return due;
            }
            self.timers.pop();
        }
        NEVER
    }

    /// Queues who has rung or whose time has come; gives how long to wait for others.
    fn prepare(
        &mut self,
        core: &Core,
        members: &mut Members,
        mut limit: Option<Duration>,
    ) -> Option<Duration> {
        self.queue.extend(members.rung.drain(..));
        let mut due = self.next_deadline(members);
        if due != NEVER {
            let now = core.now();
            while due <= now {
                self.fire(members, now);
                due = self.next_deadline(members);
            }
            if due != NEVER {
                let wait = Duration::from_nanos(due - now);
                limit = Some(limit.map_or(wait, |limit| limit.min(wait)));
            }
        }
        if self.has_work() || members.stop {
            return Some(Duration::ZERO);
        }
        members.sleeping = true;
        limit
    }

    /// Takes the first timer, which is due.
    fn fire(&mut self, members: &mut Members, now: u64) {
        let Some(Reverse((_, index))) = self.timers.pop() else {
            return;
        };
        let Some(member) = members.member(index) else {
            return;
        };
        member.timer = NEVER;
        if member.deadline > now {
            set_timer(&mut self.timers, member, index);
        } else if member.enqueue() {
            self.queue.push_back(index);
        }
    }

    /// Queues who has news from the network, who has rung, and last who is not done.
    fn gather(&mut self, members: &mut Members) {
        for event in &self.events {
            if event.token() == WAKE {
                continue;
            }
            let Token(index) = event.token();
            let index = index as u32;
            let Some(member) = members.member(index) else {
                continue;
            };
            // A connection that failed is found out by reading from it.
            member.news.readable |= event.is_readable();
            member.news.read_closed |= event.is_read_closed() || event.is_error();
            member.news.writable |= event.is_writable() || event.is_write_closed();
            if member.enqueue() {
                self.queue.push_back(index);
            }
        }
        self.queue.extend(members.rung.drain(..));
        self.queue.extend(self.unfinished.drain(..));
    }

    /// Gives the client at the front a share.
    fn serve_next<'a>(
        &mut self,
        core: &'a Core,
        mut members: MutexGuard<'a, Members>,
        share: Share,
    ) -> MutexGuard<'a, Members> {
        let Some(index) = self.queue.pop_front() else {
            return members;
        };
        let Some(member) = members.member(index) else {
            return members; // it has left
        };
        let news = member.dequeue();
        let before = member.connection();
        let client = Arc::clone(&member.client);
        let bell = Arc::clone(&member.bell);
        members.serve(Arc::clone(&bell));
        drop(members);

        // What went wrong was an event, and the client has planned what follows.
        let _ = client
            .client
            .handle_share(news.readable, news.writable, news.read_closed, share);
        // A client that has left meanwhile has another host.
        let wait = client.client.prepare_wait_of(&*bell);
        let registered = wait.map(|wait| self.register(&wait, before, index));
        // Perhaps the last to know it.
        drop(client);

        let mut members = core.lock();
        members.served();
        if members.waiting > 0 {
            core.changed.notify_all();
        }
        let member = members.member(index);
        if let (Some(wait), Some(registered), Some(member)) = (wait, registered, member) {
            if Arc::ptr_eq(&member.bell, &bell) {
                self.note(core, (member, index), &wait, &registered);
            }
        }
        if self.timers.len() > 2 * members.places() + 64 {
            self.timers = members.timers().map(Reverse).collect();
        }
        members
    }

    /// Polls for the client's present connection; gives its number.
    fn register(&self, wait: &Wait, before: Option<u64>, index: u32) -> io::Result<Option<u64>> {
        let Some((fd, number)) = wait.fd else {
            return Ok(None); // a closed descriptor leaves the poll by itself
        };
        if before != Some(number) {
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = Token(index as usize);
            let registry = self.poll.registry();
            match registry.register(&mut SourceFd(&fd), token, interest) {
                // The number of a descriptor that is still registered: the same socket, once
                // connecting, now connected.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    registry.reregister(&mut SourceFd(&fd), token, interest)?;
                }
                outcome => outcome?,
            }
        }
        Ok(Some(number))
    }

    /// Keeps what the client waits for.
    fn note(
        &mut self,
        core: &Core,
        (member, index): (&mut Member, u32),
        wait: &Wait,
        registered: &io::Result<Option<u64>>,
    ) {
        member.deadline = wait.deadline.map_or(NEVER, |deadline| core.time(deadline));
        match registered {
            Ok(number) => member.set_connection(*number),
            Err(_) => {
                // Closed meanwhile, or too much for the system. The client is served once in
                // a while; there is no other way left to see what its connection does.
                member.set_connection(None);
                member.news.readable = true;
                member.news.writable = true;
                member.deadline = member.deadline.min(core.now() + UNPOLLED_WAIT);
            }
        }
        if wait.ready && member.enqueue() {
            self.unfinished.push(index);
        }
        set_timer(&mut self.timers, member, index);
    }
}

/// Sets the timer for the member's deadline, unless one that is set goes off before.
fn set_timer(timers: &mut BinaryHeap<Reverse<(u64, u32)>>, member: &mut Member, index: u32) {
    if member.deadline < member.timer {
        member.timer = member.deadline;
        timers.push(Reverse((member.deadline, index)));
    }
}
