//! Requests without their responses: each is found by its identifier in one step, and the first
//! deadline is known.

use std::sync::Arc;
use std::time::Instant;

use super::{Answer, Token};

/// A request that was made.
pub struct Request {
    /// Where its response comes.
    pub filter: Arc<str>,
    /// Who waits for it.
    pub answer: Answer,
}

/// See the module's description.
///
/// An identifier is the place in the table and the number of the request, mixed with a number
/// that differs from client to client: a response to what an earlier process asked is nobody's.
pub struct Outstanding {
    seed: u64,
    made: u32,
    places: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// The deadlines, each with its place: a heap, of which the first is the earliest.
    heap: Vec<(Instant, u32)>,
}

struct Entry {
    id: u64,
    /// Where in the heap its deadline is.
    at: usize,
    request: Request,
}

impl Outstanding {
    /// None.
    pub fn new(seed: u64) -> Self {
        Outstanding {
            seed,
            made: 0,
            places: Vec::new(),
            free: Vec::new(),
            heap: Vec::new(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The identifier that the next one gets.
    pub fn next_id(&self) -> u64 {
        let place = self.free.last().copied();
        let place = place.unwrap_or(self.places.len() as u32);
        (u64::from(self.made) << 32 | u64::from(place)) ^ self.seed
    }

    /// The number that the next one gets: the same is given again after eight million.
    pub fn next_number(&self) -> u32 {
        self.made & Token::MAX
    }

    /// Takes out the one with this number. That is rare enough to look at all of them.
    pub fn take_numbered(&mut self, number: u32) -> Option<Request> {
        let made = |it: &Entry| ((it.id ^ self.seed) >> 32) as u32 & Token::MAX;
        let place = self.places.iter().position(|place| {
            let entry = place.as_ref();
            entry.is_some_and(|it| made(it) == number)
        })?;
        self.take(place as u32)
    }

    /// Adds one, with the identifier that [`Outstanding::next_id`] told; whether its deadline is the
    /// first.
    pub fn insert(&mut self, deadline: Instant, request: Request) -> bool {
        let id = self.next_id();
        let place = (id ^ self.seed) as u32;
        let at = self.heap.len();
        if self.free.pop().is_none() {
            self.places.push(None);
        }
        self.places[place as usize] = Some(Entry { id, at, request });
        self.made = self.made.wrapping_add(1);
        self.heap.push((deadline, place));
        self.settle(at) == 0
    }

    /// The one with this identifier.
    pub fn get(&self, id: u64) -> Option<&Request> {
        let entry = self.places.get((id ^ self.seed) as u32 as usize)?.as_ref();
        entry.filter(|it| it.id == id).map(|it| &it.request)
    }

    /// Takes the one with this identifier out.
    pub fn remove(&mut self, id: u64) -> Option<Request> {
        self.get(id)?;
        self.take((id ^ self.seed) as u32)
    }

    /// Takes one out that is at `from` or behind it, whose responses come where `filter` says, if
    /// that says anything; leaves in `from` where to go on.
    pub fn take_next(&mut self, from: &mut usize, filter: Option<&str>) -> Option<Request> {
        while let Some(place) = self.places.get(*from) {
            *from += 1;
            let fits = |it: &Entry| filter.is_none_or(|filter| *it.request.filter == *filter);
            if place.as_ref().is_some_and(fits) {
                return self.take((*from - 1) as u32);
            }
        }
        None
    }

    /// Where the response comes of the one that is at `from` or behind it; leaves in `from` where
    /// to go on.
    pub fn next_filter(&self, from: &mut usize) -> Option<Arc<str>> {
        while let Some(place) = self.places.get(*from) {
            *from += 1;
            if let Some(entry) = place {
                return Some(Arc::clone(&entry.request.filter));
            }
        }
        None
    }

    /// The first deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.heap.first().map(|(deadline, _)| *deadline)
    }

    /// Takes one out whose time is over.
    pub fn take_late(&mut self, now: Instant) -> Option<Request> {
        let &(deadline, place) = self.heap.first()?;
        if deadline > now {
            return None;
        }
        self.take(place)
    }

    fn take(&mut self, place: u32) -> Option<Request> {
        let entry = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        self.heap.swap_remove(entry.at);
        if entry.at < self.heap.len() {
            self.settle(entry.at);
        }
        if self.heap.is_empty() {
            // Identifiers differ by their numbers, so places may begin anew.
            *self = Outstanding {
                made: self.made,
                ..Outstanding::new(self.seed)
            };
        }
        Some(entry.request)
    }

    /// Moves what is at `at` in the heap to where it belongs; gives that.
    fn settle(&mut self, mut at: usize) -> usize {
        loop {
            let parent = at.saturating_sub(1) / 2;
            let mut least = at;
            if self.heap[at].0 < self.heap[parent].0 {
                least = parent;
            } else {
                for child in 2 * at + 1..=2 * at + 2 {
                    if child < self.heap.len() && self.heap[child].0 < self.heap[least].0 {
                        least = child;
                    }
                }
            }
            self.heap.swap(at, least);
            for at in [at, least] {
                if let Some(entry) = &mut self.places[self.heap[at].1 as usize] {
                    entry.at = at;
                }
            }
            if least == at {
                return at;
            }
            at = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn request(filter: &str) -> Request {
        Request {
            filter: filter.into(),
            answer: Box::new(|_| ()),
        }
    }

    fn count(outstanding: &Outstanding) -> usize {
        let mut from = 0;
        std::iter::from_fn(|| outstanding.next_filter(&mut from)).count()
    }

    proptest! {
        /// Against a map: whatever comes and goes, each is found once, and the first deadline is
        /// the first.
        #[test]
        fn it_does_what_a_map_does(
            seed: u64,
            steps in prop::collection::vec((0..5u8, 0..50u64), 0..300),
        ) {
            let start = Instant::now();
            let mut outstanding = Outstanding::new(seed);
            let mut model: BTreeMap<u64, Instant> = BTreeMap::new();
            for (what, number) in steps {
                let time = start + Duration::from_secs(number);
                match what {
                    0..3 => {
                        let id = outstanding.next_id();
                        let first = model.values().all(|due| time < *due);
                        let filter = if number % 2 == 0 { "even" } else { "odd" };
                        let told = outstanding.insert(time, request(filter));
                        prop_assert!(told || !first);
                        prop_assert!(model.insert(id, time).is_none());
                    }
                    3 => {
                        let id = model.keys().nth(number as usize).copied().unwrap_or(number);
                        let there = model.remove(&id).is_some();
                        prop_assert_eq!(outstanding.remove(id).is_some(), there);
                        prop_assert!(outstanding.remove(id).is_none());
                    }
                    _ => {
                        let due = model.values().filter(|due| **due <= time).count();
                        model.retain(|_, due| *due > time);
                        for _ in 0..due {
                            prop_assert!(outstanding.take_late(time).is_some());
                        }
                        prop_assert!(outstanding.take_late(time).is_none());
                    }
                }
                prop_assert_eq!(count(&outstanding), model.len());
                prop_assert_eq!(outstanding.is_empty(), model.is_empty());
                prop_assert_eq!(outstanding.deadline(), model.values().min().copied());
            }
            for id in model.keys() {
                prop_assert!(outstanding.get(*id).is_some());
            }
            let mut from = 0;
            while let Some(odd) = outstanding.take_next(&mut from, Some("odd")) {
                prop_assert_eq!(&*odd.filter, "odd");
            }
            let mut from = 0;
            while let Some(left) = outstanding.take_next(&mut from, None) {
                prop_assert_eq!(&*left.filter, "even");
            }
            prop_assert!(outstanding.is_empty());
        }
    }

    #[test]
    fn an_identifier_of_another_client_is_nobodys() {
        let (mut one, mut other) = (Outstanding::new(1), Outstanding::new(1 << 40));
        let now = Instant::now();
        let id = one.next_id();
        one.insert(now, request("a"));
        other.insert(now, request("a"));
        assert!(one.get(id).is_some());
        assert!(other.get(id).is_none());
    }

    #[test]
    fn an_identifier_is_not_used_again() {
        let mut outstanding = Outstanding::new(7);
        let first = outstanding.next_id();
        outstanding.insert(Instant::now(), request("a"));
        assert!(outstanding.remove(first).is_some());
        outstanding.insert(Instant::now(), request("a"));
        assert!(outstanding.get(first).is_none());
    }
}
