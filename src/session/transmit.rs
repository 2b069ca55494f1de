//! Bytes on their way to the network.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

/// A new segment is begun when the last one holds this much, so that a backlog
/// is never copied by a growing vector.
const SEGMENT: usize = 64 * 1024;
/// What is begun behind a full segment has room for this much: one more packet of common size.
const ROOM: usize = SEGMENT + 4096;
/// So many emptied segments are kept: those of a stream of messages come again and again.
const SPARES: usize = 8;

#[derive(Debug)]
enum Segment {
    Owned(Vec<u8>),
    /// A large payload that the outbound store keeps for a resend: not copied.
    Shared(Arc<Vec<u8>>),
}

impl Segment {
    fn bytes(&self) -> &[u8] {
        match self {
            Segment::Owned(bytes) => bytes,
            Segment::Shared(bytes) => bytes,
        }
    }
}

/// Encoded packets in the order they will be sent.
#[derive(Debug, Default)]
pub struct TransmitBuf {
    /// The segments that do not grow any more.
    closed: VecDeque<Segment>,
    /// The size of these, what was sent of them included.
    closed_len: usize,
    /// The last segment, which grows.
    tail: Vec<u8>,
    /// How much of the first segment was sent.
    head: usize,
    /// Emptied segments, kept for their memory.
    spares: Vec<Vec<u8>>,
}

impl TransmitBuf {
    /// How many bytes wait.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.closed_len + self.tail.len() - self.head
    }

    /// How many bytes are in segments that do not grow any more, sent ones included.
    #[inline(always)]
    pub fn closed_len(&self) -> usize {
        self.closed_len
    }

    /// Whether none wait.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What to append to.
    #[inline(always)]
    pub fn open_segment(&mut self) -> &mut Vec<u8> {
        if self.tail.len() >= SEGMENT {
            self.close_tail();
        }
        &mut self.tail
    }

    /// Appends what `write` appends to its argument.
    #[inline(always)]
    pub fn append_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.open_segment());
    }

    /// Appends bytes without copying them.
    pub fn append_shared(&mut self, bytes: Arc<Vec<u8>>) {
        self.close_tail();
        self.closed_len += bytes.len();
        self.closed.push_back(Segment::Shared(bytes));
    }

    #[cold]
    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            let next = match self.spares.pop() {
                Some(spare) => spare,
                None if self.tail.len() >= SEGMENT => Vec::with_capacity(ROOM),
                None => Vec::new(),
            };
            let tail = std::mem::replace(&mut self.tail, next);
            self.closed_len += tail.len();
            self.closed.push_back(Segment::Owned(tail));
        }
    }

    /// Moves everything from `other`, of which nothing was sent, behind what is here.
    pub fn take_from(&mut self, other: &mut TransmitBuf) {
        debug_assert_eq!(other.head, 0);
        if self.is_empty() {
            std::mem::swap(self, other);
            return;
        }
        self.close_tail();
        self.closed.append(&mut other.closed);
        self.closed_len += std::mem::take(&mut other.closed_len);
        std::mem::swap(&mut self.tail, &mut other.tail);
    }

    /// In how many pieces the waiting bytes are, at most.
    pub fn pieces(&self) -> usize {
        self.closed.len() + 1
    }

    /// The waiting bytes as slices for a vectored write, as many as fit in `slices`;
    /// gives how many were filled.
    pub fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        let segments = self.closed.iter().map(Segment::bytes).chain(tail);
        let mut count = 0;
        for (slot, bytes) in slices.iter_mut().zip(segments) {
            let skip = if count == 0 { self.head } else { 0 };
            *slot = IoSlice::new(&bytes[skip..]);
            count += 1;
        }
        count
    }

    /// Forgets the first `sent` bytes.
    pub fn advance(&mut self, sent: usize) {
        self.head += sent;
        while let Some(first) = self.closed.front() {
            let len = first.bytes().len();
            if self.head < len {
                return;
            }
            self.head -= len;
            self.closed_len -= len;
            if let Some(Segment::Owned(bytes)) = self.closed.pop_front() {
                let emptied = reusable(bytes);
                if emptied.capacity() >= SEGMENT && self.spares.len() < SPARES {
                    self.spares.push(emptied);
                }
            }
        }
        if self.head == self.tail.len() {
            self.head = 0;
            self.tail = reusable(std::mem::take(&mut self.tail));
        }
    }

    /// Gives the memory back that is kept for bytes to come.
    pub fn shrink(&mut self) {
        self.spares = Vec::new();
        self.closed.shrink_to_fit();
        if self.is_empty() {
            self.tail = Vec::new();
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = TransmitBuf::default();
    }

    /// All waiting bytes, copied; for tests and diagnosis.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all: Vec<u8> = Vec::with_capacity(self.len() + self.head);
        for segment in &self.closed {
            all.extend_from_slice(segment.bytes());
        }
        all.extend_from_slice(&self.tail);
        all.split_off(self.head)
    }
}

/// An emptied segment, or none where it was one of an exceptional size.
fn reusable(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.capacity() > 2 * SEGMENT {
        return Vec::new();
    }
    bytes.clear();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_out_in_order_whatever_the_write_sizes() {
        let mut buf = TransmitBuf::default();
        let mut expected = Vec::new();
        for round in 0..300u32 {
            let bytes = round.to_be_bytes().repeat(200);
            expected.extend_from_slice(&bytes);
            if round % 7 == 0 {
                buf.append_shared(Arc::new(bytes));
            } else {
                buf.append_with(|out| out.extend_from_slice(&bytes));
            }
        }
        assert_eq!(buf.to_vec(), expected);
        let mut sent = Vec::new();
        let mut step = 1;
        while !buf.is_empty() {
            let mut slices = [IoSlice::new(&[]); 4];
            let count = buf.fill(&mut slices);
            let flat: Vec<u8> = slices[..count]
                .iter()
                .flat_map(|s| s.iter().copied())
                .collect();
            let n = step.min(flat.len());
            sent.extend_from_slice(&flat[..n]);
            buf.advance(n);
            step = step * 3 % 70_001;
        }
        assert_eq!(sent, expected);
        assert_eq!(buf.len(), 0);
    }

    #[test]
    fn what_is_appended_while_a_part_is_sent_follows_it() {
        let (mut queue, mut pending) = (TransmitBuf::default(), TransmitBuf::default());
        let (mut expected, mut sent) = (Vec::new(), Vec::new());
        for round in 0..500u32 {
            let bytes = round.to_be_bytes().repeat(round as usize % 100 * 5);
            expected.extend_from_slice(&bytes);
            queue.append_with(|out| out.extend_from_slice(&bytes));
            if round % 3 == 0 {
                pending.take_from(&mut queue);
                assert!(queue.is_empty());
            }
            let now = pending.len() / 3;
            sent.extend_from_slice(&pending.to_vec()[..now]);
            pending.advance(now);
        }
        sent.extend_from_slice(&pending.to_vec());
        sent.extend_from_slice(&queue.to_vec());
        assert_eq!(sent, expected);
    }
}
