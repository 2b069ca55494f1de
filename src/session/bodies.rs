//! Where the bodies of messages are kept until they are acknowledged: one behind the other in
//! chunks, since memory of its own for each would cost more than all the rest. A chunk is used
//! again when all of its bodies are gone; as messages end about in the order in which they came,
//! that is soon.

use std::collections::VecDeque;

/// A new chunk is begun when a body would make the last one larger than this.
const CHUNK: usize = 64 * 1024;

/// The place of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    chunk: u32,
    start: u32,
    len: u32,
}

impl Span {
    /// The size of the body.
    #[inline(always)]
    pub const fn len(self) -> usize {
        self.len as usize
    }
}

/// The bodies. Each that is put in is to be taken out once.
#[derive(Debug, Default)]
pub struct Bodies {
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk; numbers wrap around.
    first: u32,
    /// An emptied chunk, kept for its memory.
    spare: Vec<u8>,
}

#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    /// How many bodies are in use.
    used: u32,
}

impl Bodies {
    /// Puts in a body of `len` bytes, less than 2^32, which `write` appends.
    #[inline(always)]
    pub fn put(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        if !matches!(self.chunks.back(), Some(last) if last.bytes.len() + len <= CHUNK) {
            self.begin_chunk();
        }
        let number = self.first.wrapping_add(self.chunks.len() as u32 - 1);
        let last = match self.chunks.back_mut() {
            Some(last) => last,
            None => unreachable!("a chunk was begun"),
        };
        let start = last.bytes.len();
        write(&mut last.bytes);
        last.used += 1;
        Span {
            chunk: number,
            start: start as u32,
            len: (last.bytes.len() - start) as u32,
        }
    }

    /// A body that is in.
    #[inline(always)]
    pub fn get(&self, span: Span) -> &[u8] {
        let (start, end) = (span.start as usize, (span.start + span.len) as usize);
        let chunk = self.chunks.get(self.index(span));
        chunk
            .and_then(|chunk| chunk.bytes.get(start..end))
            .unwrap_or_default()
    }

    /// Takes a body out.
    #[inline(always)]
    pub fn take_out(&mut self, span: Span) {
        let index = self.index(span);
        if let Some(chunk) = self.chunks.get_mut(index) {
            chunk.used -= 1;
            if chunk.used == 0 {
                self.chunk_is_free(index);
            }
        }
    }

    /// Gives memory back that is kept for bodies to come.
    pub fn shrink(&mut self) {
        self.spare = Vec::new();
        if matches!(self.chunks.back(), Some(last) if last.used == 0) {
            self.chunks.pop_back();
        }
        self.chunks.shrink_to_fit();
    }

    #[inline(always)]
    fn index(&self, span: Span) -> usize {
        span.chunk.wrapping_sub(self.first) as usize
    }

    #[cold]
    fn begin_chunk(&mut self) {
        self.chunks.push_back(Chunk {
            bytes: std::mem::take(&mut self.spare),
            used: 0,
        });
    }

    fn chunk_is_free(&mut self, index: usize) {
        let is_last = index + 1 == self.chunks.len();
        let chunk = &mut self.chunks[index];
        chunk.bytes.clear();
        if is_last {
            return; // the next body begins at its front
        }
        let bytes = std::mem::take(&mut chunk.bytes);
        if bytes.capacity() > self.spare.capacity() {
            self.spare = bytes;
        }
        while self.chunks.len() > 1 && self.chunks[0].used == 0 {
            self.chunks.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        if self.chunks.len() == 1 && self.chunks.capacity() > 64 {
            self.chunks.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(bodies: &mut Bodies, body: &[u8]) -> Span {
        bodies.put(body.len(), |out| out.extend_from_slice(body))
    }

    proptest! {
        #[test]
        fn bodies_stay_as_they_are_until_they_are_taken_out(
            steps in prop::collection::vec((any::<bool>(), 0..9000usize, any::<prop::sample::Index>()), 1..200),
            first in prop_oneof![Just(0), Just(u32::MAX - 2)],
        ) {
            let mut bodies = Bodies { first, ..Bodies::default() };
            let mut kept: Vec<(Span, Vec<u8>)> = Vec::new();
            for (number, (add, len, which)) in steps.into_iter().enumerate() {
                if add || kept.is_empty() {
                    let body = vec![number as u8; len];
                    let span = put(&mut bodies, &body);
                    kept.push((span, body));
                } else {
                    let (span, _) = kept.swap_remove(which.index(kept.len()));
                    bodies.take_out(span);
                }
                for (span, body) in &kept {
                    prop_assert_eq!(bodies.get(*span), &body[..]);
                }
            }
        }
    }

    #[test]
    fn a_queue_of_any_length_gives_its_memory_back() {
        let mut bodies = Bodies::default();
        let body = [7; 1000];
        for _ in 0..3 {
            let spans: Vec<Span> = (0..10_000).map(|_| put(&mut bodies, &body)).collect();
            assert!(bodies.chunks.len() > 100);
            for span in spans {
                bodies.take_out(span);
            }
            assert_eq!(bodies.chunks.len(), 1);
        }
        bodies.shrink();
        assert_eq!((bodies.chunks.capacity(), bodies.spare.capacity()), (0, 0));
    }

    #[test]
    fn a_window_needs_no_more_than_two_chunks() {
        let mut bodies = Bodies::default();
        let mut window = VecDeque::new();
        for _ in 0..100_000 {
            window.push_back(put(&mut bodies, &[1; 70]));
            if window.len() > 20 {
                bodies.take_out(window.pop_front().unwrap());
            }
            assert!(bodies.chunks.len() <= 2);
        }
    }
}
