//! A map from packet identifiers.

use crate::types::PacketId;

const PAGE: usize = 128;
type Page<T> = [Option<T>; PAGE];

/// A map keyed by packet identifier: a table in pages, of which only those exist that have
/// something in them. Identifiers are handed out in turn, so what is in use lies together.
#[derive(Debug)]
pub struct PacketIdMap<T> {
    pages: Vec<Option<Box<Page<T>>>>,
    /// How many are in each page.
    counts: Vec<u8>,
    len: usize,
    /// The page last put into, which is kept: the next identifiers belong there too.
    current: usize,
}

impl<T> Default for PacketIdMap<T> {
    fn default() -> Self {
        PacketIdMap {
            pages: Vec::new(),
            counts: Vec::new(),
            len: 0,
            current: 0,
        }
    }
}

impl<T: Copy> PacketIdMap<T> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// What is there for `id`.
    #[inline(always)]
    pub fn get(&self, id: PacketId) -> Option<T> {
        let (page, index) = place(id);
        self.pages.get(page)?.as_ref()?[index]
    }

    /// Whether there is something for `id`.
    #[inline]
    pub fn contains(&self, id: PacketId) -> bool {
        self.get(id).is_some()
    }

    /// Puts something there for `id`, in the place of what was there.
    #[inline(always)]
    pub fn insert(&mut self, id: PacketId, value: T) {
        let (page, index) = place(id);
        if page != self.current || self.pages.len() <= page {
            self.turn_to(page);
        }
        let slot = &mut self.pages[page].get_or_insert_with(|| Box::new([None; PAGE]))[index];
        if slot.replace(value).is_none() {
            self.counts[page] += 1;
            self.len += 1;
        }
    }

    #[cold]
    fn turn_to(&mut self, page: usize) {
        self.drop_if_empty(self.current);
        self.current = page;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
            self.counts.resize(page + 1, 0);
        }
    }

    /// Takes out what is there for `id`.
    #[inline(always)]
    pub fn remove(&mut self, id: PacketId) -> Option<T> {
        let (page, index) = place(id);
        let value = self.pages.get_mut(page)?.as_mut()?[index].take()?;
        self.counts[page] -= 1;
        self.len -= 1;
        if page != self.current {
            self.drop_if_empty(page);
        }
        Some(value)
    }

    /// Takes out everything; the identifiers it was there for.
    pub fn clear(&mut self) -> Vec<PacketId> {
        let mut ids = Vec::with_capacity(self.len);
        for (page, entries) in self.pages.iter().enumerate() {
            let entries = entries
                .iter()
                .flat_map(|entries| entries.iter().enumerate());
            let used = entries.filter(|(_, entry)| entry.is_some());
            ids.extend(used.filter_map(|(index, _)| {
                PacketId::new(u16::try_from(page * PAGE + index).unwrap_or(0))
            }));
        }
        *self = PacketIdMap::default();
        ids
    }

    /// Gives memory back while there is nothing.
    pub fn shrink(&mut self) {
        if self.len == 0 {
            *self = PacketIdMap::default();
        }
    }

    fn drop_if_empty(&mut self, page: usize) {
        if self.counts.get(page) == Some(&0) {
            self.pages[page] = None;
        }
    }
}

#[inline(always)]
fn place(id: PacketId) -> (usize, usize) {
    let number = usize::from(id.number());
    (number / PAGE, number % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    use proptest::prelude::*;

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    proptest! {
        #[test]
        fn it_does_what_any_map_does(
            steps in prop::collection::vec((0u8..4, 1u16..600, any::<u32>()), 0..400),
        ) {
            let mut map = PacketIdMap::default();
            let mut model = HashMap::new();
            for (action, number, value) in steps {
                match action {
                    0 | 1 => {
                        map.insert(id(number), value);
                        model.insert(id(number), value);
                    }
                    2 => prop_assert_eq!(map.remove(id(number)), model.remove(&id(number))),
                    _ => prop_assert_eq!(map.get(id(number)), model.get(&id(number)).copied()),
                }
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.contains(id(number)), model.contains_key(&id(number)));
            }
            let mut left: Vec<_> = model.into_keys().collect();
            left.sort_unstable();
            prop_assert_eq!(map.clear(), left);
            prop_assert_eq!(map.len(), 0);
        }
    }

    #[test]
    fn pages_without_anything_in_them_are_given_back() {
        let mut map = PacketIdMap::default();
        for number in 1..=u16::MAX {
            map.insert(id(number), u64::from(number));
        }
        for number in 1..=u16::MAX {
            assert_eq!(map.remove(id(number)), Some(u64::from(number)));
        }
        assert_eq!(map.len(), 0);
        assert_eq!(map.pages.iter().flatten().count(), 1);
    }
}
