//! Which packet identifiers are free (MQTT 5.0 section 2.2.1).

use crate::types::PacketId;

const PAGE_BITS: usize = 1024;
const PAGES: usize = 65536 / PAGE_BITS;
type Page = [u64; PAGE_BITS / 64];

/// Hands out packet identifiers in turn, never one that is in use.
///
/// A bitmap in pages that exist only while one of their identifiers is in use:
/// an idle client costs a pointer a page at most.
#[derive(Debug, Default)]
pub struct PacketIds {
    last: u16,
    used: usize,
    pages: Vec<Option<Box<Page>>>,
}

impl PacketIds {
    /// The next free identifier, now in use; `None` when all 65535 are.
    #[inline(always)]
    pub fn allocate(&mut self) -> Option<PacketId> {
        let id = self.next_free()?;
        self.reserve(id);
        Some(id)
    }

    /// The next free identifier for a message that needs none on the wire (QoS 0).
    /// When all are in use it is simply the next number.
    #[inline(always)]
    pub fn pass(&mut self) -> PacketId {
        if self.used == 0 {
            return self.next_number();
        }
        self.next_free().unwrap_or_else(|| self.next_number())
    }

    /// The number after the last one handed out, in use or not.
    #[inline(always)]
    pub fn next_number(&mut self) -> PacketId {
        self.last = self.last.checked_add(1).unwrap_or(1);
        PacketId::new(self.last).unwrap_or(PacketId::MIN)
    }

    /// Takes this identifier into use, if it is not.
    #[inline(always)]
    pub fn reserve(&mut self, id: PacketId) {
        let (page, word, bit) = place(id);
        if self.pages.len() <= page {
            self.add_pages(page);
        }
        if let Some(slot) = self.pages.get_mut(page) {
            let word = &mut slot.get_or_insert_with(Default::default)[word];
            self.used += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    #[cold]
    fn add_pages(&mut self, page: usize) {
        self.pages.resize_with(PAGES.min(page + 1), || None);
    }

    /// Gives an identifier back.
    #[inline(always)]
    pub fn release(&mut self, id: PacketId) {
        let (page, word, bit) = place(id);
        if let Some(Some(page)) = self.pages.get_mut(page) {
            if page[word] & bit != 0 {
                page[word] &= !bit;
                self.used -= 1;
            }
        }
        // All pages go at once when nothing is in use: between two bursts, not
        // between two messages of one.
        if self.used == 0 && self.pages.len() > 4 {
            self.pages = Vec::new();
        }
    }

    /// Gives memory back while no identifier is in use.
    pub fn shrink(&mut self) {
        if self.used == 0 {
            self.pages = Vec::new();
        }
    }

    #[inline(always)]
    fn next_free(&mut self) -> Option<PacketId> {
        if self.used == usize::from(u16::MAX) {
            return None;
        }
        loop {
            let id = self.next_number();
            if !self.is_used(id) {
                return Some(id);
            }
            self.skip_full_words();
        }
    }

    /// Steps over identifiers in use 64 at a time.
    #[cold]
    fn skip_full_words(&mut self) {
        while let Some(next) = self.last.checked_add(1) {
            let Some(id) = PacketId::new(next).filter(|_| next % 64 == 0) else {
                return;
            };
            let (page, word, _) = place(id);
            match self.pages.get(page) {
                Some(Some(page)) if page[word] == u64::MAX => self.last = next + 63,
                _ => return,
            }
        }
    }

    /// Whether an identifier is in use.
    #[inline(always)]
    pub fn is_used(&self, id: PacketId) -> bool {
        let (page, word, bit) = place(id);
        matches!(self.pages.get(page), Some(Some(page)) if page[word] & bit != 0)
    }
}

#[inline(always)]
fn place(id: PacketId) -> (usize, usize, u64) {
    let number = usize::from(id.number());
    (
        number / PAGE_BITS,
        number % PAGE_BITS / 64,
        1 << (number % 64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_in_use_are_never_handed_out_again() {
        let mut ids = PacketIds::default();
        let all: Vec<u16> = (0..65535)
            .map(|_| ids.allocate().unwrap().number())
            .collect();
        assert_eq!(all, (1..=65535).collect::<Vec<u16>>());
        assert_eq!(ids.allocate(), None);
        for free in [7u16, 64, 40_000] {
            ids.release(PacketId::new(free).unwrap());
        }
        let mut next: Vec<u16> = (0..3).map(|_| ids.allocate().unwrap().number()).collect();
        next.sort_unstable();
        assert_eq!(next, [7, 64, 40_000]);
        assert_eq!(ids.allocate(), None);
    }

    #[test]
    fn numbers_wrap_from_65535_to_1_and_skip_what_is_in_use() {
        let mut ids = PacketIds::default();
        let first = ids.allocate().unwrap();
        for _ in 0..65534 {
            ids.pass();
        }
        assert_eq!(ids.pass().number(), 2);
        ids.release(first);
        ids.release(first);
        assert_eq!(ids.used, 0);
    }
}
