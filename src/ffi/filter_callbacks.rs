//! Which callbacks a message goes to by its topic, while they are added and removed from
//! anywhere, themselves included.

use std::ffi::c_void;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::mqttrs::filters::MessageCallback;
use crate::types::FilterTrie;

/// The callbacks of topic filters of one client.
pub(super) struct FilterCallbacks {
    /// Read without the mutex by whoever has a message.
    count: AtomicUsize,
    table: Mutex<Table>,
}

/// What the mutex is for. It is held for moments, and not while the program runs.
pub(super) struct Table {
    /// The number of the latest entry. It goes on when all are removed.
    last: u64,
    /// None without entries.
    filters: Option<Box<Filters>>,
}

struct Filters {
    trie: FilterTrie,
    /// By slot.
    entries: Vec<Option<Entry>>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// In the order in which the filters were added.
    number: u64,
    on_message: MessageCallback,
    userdata: UserData,
}

/// The program's, who says that it may go to whatever thread runs the loop.
#[derive(Clone, Copy)]
struct UserData(*mut c_void);

// SAFETY: it is handed on and never looked at.
unsafe impl Send for UserData {}

impl FilterCallbacks {
    pub(super) const fn new() -> Self {
        FilterCallbacks {
            count: AtomicUsize::new(0),
            table: Mutex::new(Table {
                last: 0,
                filters: None,
            }),
        }
    }

    /// Whether there are any.
    #[inline(always)]
    pub(super) fn are_there(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0
    }

    /// Sets the callback of a filter.
    pub(super) fn set(&self, filter: &str, on_message: MessageCallback, userdata: *mut c_void) {
        let mut table = self.lock();
        let next = table.last + 1;
        let filters = table.filters.get_or_insert_with(|| {
            Box::new(Filters {
                // The standard library's keyed hasher is seeded by the system.
                trie: FilterTrie::new(RandomState::new().build_hasher().finish()),
                entries: Vec::new(),
            })
        });
        let slot = filters.trie.insert(filter);
        if slot >= filters.entries.len() {
            filters.entries.resize(slot + 1, None);
        }
        let entry = &mut filters.entries[slot];
        // One that is replaced stays what it was to a message that is being delivered.
        let number = entry.map_or(next, |entry| entry.number);
        *entry = Some(Entry {
            number,
            on_message,
            userdata: UserData(userdata),
        });
        if number == next {
            table.last = next;
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Removes the callback of a filter; whether there was one.
    pub(super) fn remove(&self, filter: &str) -> bool {
        let mut table = self.lock();
        let Some(filters) = &mut table.filters else {
            return false;
        };
        let Some(slot) = filters.trie.remove(filter) else {
            return false;
        };
        filters.entries[slot] = None;
        if self.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            table.filters = None;
        }
        true
    }

    /// Removes all.
    pub(super) fn clear(&self) {
        let mut table = self.lock();
        self.count.store(0, Ordering::Relaxed);
        let filters = table.filters.take();
        drop(table);
        drop(filters);
    }

    /// Hands `call` each callback whose filter matches, with its user data; whether there was one.
    /// What is removed meanwhile is left out, and so is what was added.
    pub(super) fn call(
        &self,
        topic: &[u8],
        call: &mut dyn FnMut(MessageCallback, *mut c_void),
    ) -> bool {
        let mut table = self.lock();
        let latest = table.last;
        let mut due = Due::default();
        if let Some(filters) = &mut table.filters {
            filters.trie.matches(topic, &mut |slot| due.push(slot));
        }
        let mut held = Some(table);
        for slot in due.slots() {
            let table = held.take().unwrap_or_else(|| self.lock());
            let filters = table.filters.as_ref();
            let entry = filters.and_then(|filters| *filters.entries.get(slot)?);
            drop(table);
            if let Some(entry) = entry.filter(|entry| entry.number <= latest) {
                call(entry.on_message, entry.userdata.0);
            }
        }
        due.count > 0
    }

    /// Waits until nobody is inside, and keeps everybody out.
    pub(super) fn freeze(&self) -> MutexGuard<'_, Table> {
        self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FEW: usize = 8;

/// Slots of filters that match; a few take no memory.
#[derive(Default)]
struct Due {
    count: usize,
    few: [usize; FEW],
    more: Vec<usize>,
}

impl Due {
    fn push(&mut self, slot: usize) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = slot,
            None => self.more.push(slot),
        }
        self.count += 1;
    }

    fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        let few = &self.few[..self.count.min(FEW)];
        few.iter().chain(&self.more).copied()
    }
}
