//! Where the bodies of messages are kept until they are acknowledged: one behind the other in
//! chunks, since memory of its own for each would cost more than all the rest. A chunk is used
//! again when all of its bodies are gone; as messages end about in the order in which they came,
//! that is soon.

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
    chunks: Vec<Chunk>,
    /// Bodies are appended to this one.
    current: usize,
    /// The others that have none. They are used again before there are new ones, so that a
    /// body that stays for long keeps nothing but its own chunk.
    free: Vec<u32>,
    /// An emptied chunk, kept for its memory.
    spare: Vec<u8>,
}

#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// How many bodies are in use.
    used: u32,
}

impl Bodies {
    /// Puts in a body of `len` bytes, less than 2^32, which `write` appends.
    #[inline(always)]
    pub fn put(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        if !matches!(self.chunks.get(self.current), Some(last) if last.bytes.len() + len <= CHUNK) {
            self.begin_chunk();
        }
        let last = &mut self.chunks[self.current];
        let start = last.bytes.len();
        write(&mut last.bytes);
        last.used += 1;
        Span {
            chunk: self.current as u32,
            start: start as u32,
            len: (last.bytes.len() - start) as u32,
        }
    }

    /// A body that is in.
    #[inline(always)]
    pub fn get(&self, span: Span) -> &[u8] {
        let (start, end) = (span.start as usize, (span.start + span.len) as usize);
        let chunk = self.chunks.get(span.chunk as usize);
        chunk
            .and_then(|chunk| chunk.bytes.get(start..end))
            .unwrap_or_default()
    }

    /// Takes a body out.
    #[inline(always)]
    pub fn take_out(&mut self, span: Span) {
        if let Some(chunk) = self.chunks.get_mut(span.chunk as usize) {
            chunk.used -= 1;
            if chunk.used == 0 {
                self.chunk_is_free(span.chunk);
            }
        }
    }

    /// Gives memory back that is kept for bodies to come.
    pub fn shrink(&mut self) {
        self.spare = Vec::new();
        if self.free.len() + 1 == self.chunks.len() && self.chunks[self.current].used == 0 {
            *self = Bodies::default();
        }
        self.free.shrink_to_fit();
        self.chunks.shrink_to_fit();
    }

    #[cold]
    fn begin_chunk(&mut self) {
        self.current = match self.free.pop() {
            Some(number) => number as usize,
            None => {
                self.chunks.push(Chunk::default());
                self.chunks.len() - 1
            }
        };
        self.chunks[self.current].bytes = std::mem::take(&mut self.spare);
    }

    fn chunk_is_free(&mut self, number: u32) {
        let chunk = &mut self.chunks[number as usize];
        chunk.bytes.clear();
        // In the current one the next body begins at its front.
        if number as usize != self.current {
            let bytes = std::mem::take(&mut chunk.bytes);
            if bytes.capacity() > self.spare.capacity() {
                self.spare = bytes;
            }
            self.free.push(number);
        }
        let count = self.chunks.len();
        if count > 1 && self.free.len() + 1 == count && self.chunks[self.current].used == 0 {
            self.chunks.swap(0, self.current);
            self.chunks.truncate(1);
            self.current = 0;
            self.free.clear();
            if self.chunks.capacity() > 64 {
                self.chunks.shrink_to_fit();
                self.free = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use proptest::prelude::*;

    fn put(bodies: &mut Bodies, body: &[u8]) -> Span {
        bodies.put(body.len(), |out| out.extend_from_slice(body))
    }

    proptest! {
        #[test]
        fn bodies_stay_as_they_are_until_they_are_taken_out(
            steps in prop::collection::vec((any::<bool>(), 0..9000usize, any::<prop::sample::Index>()), 1..200),
        ) {
            let mut bodies = Bodies::default();
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

    #[test]
    fn a_body_that_stays_keeps_no_chunk_but_its_own() {
        let mut bodies = Bodies::default();
        let stays = put(&mut bodies, &[9; 70]);
        let mut window = VecDeque::new();
        for _ in 0..100_000 {
            window.push_back(put(&mut bodies, &[1; 70]));
            if window.len() > 20 {
                bodies.take_out(window.pop_front().unwrap());
            }
            assert!(bodies.chunks.len() <= 3);
        }
        assert_eq!(bodies.get(stays), [9; 70]);
    }
}
