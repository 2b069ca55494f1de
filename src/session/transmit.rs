//! Bytes on their way to the network.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

/// A new segment is begun when the last one holds this much, so that a backlog
/// is never copied by a growing vector.
const SEGMENT: usize = 64 * 1024;

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
    segments: VecDeque<Segment>,
    /// How much of the first segment was sent.
    head: usize,
    len: usize,
    /// An emptied segment, kept for its memory.
    spare: Vec<u8>,
}

impl TransmitBuf {
    /// How many bytes wait.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none wait.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends what `write` appends to its argument.
    #[inline]
    pub fn append_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if !matches!(self.segments.back(), Some(Segment::Owned(bytes)) if bytes.len() < SEGMENT) {
            let fresh = std::mem::take(&mut self.spare);
            if self.segments.capacity() == 0 {
                self.segments.reserve_exact(1); // most buffers never see a second one
            }
            self.segments.push_back(Segment::Owned(fresh));
        }
        if let Some(Segment::Owned(bytes)) = self.segments.back_mut() {
            let before = bytes.len();
            write(bytes);
            self.len += bytes.len() - before;
        }
    }

    /// Appends bytes without copying them.
    pub fn append_shared(&mut self, bytes: Arc<Vec<u8>>) {
        self.len += bytes.len();
        self.segments.push_back(Segment::Shared(bytes));
    }

    /// Moves everything from `other` behind what is here.
    pub fn take_from(&mut self, other: &mut TransmitBuf) {
        if self.is_empty() {
            std::mem::swap(self, other);
            return;
        }
        // Only a buffer that never sent a part of itself is ever moved.
        debug_assert_eq!(other.head, 0);
        self.segments.append(&mut other.segments);
        self.len += std::mem::take(&mut other.len);
    }

    /// The waiting bytes as slices for a vectored write, as many as fit in `slices`;
    /// gives how many were filled.
    pub fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slot, segment) in slices.iter_mut().zip(&self.segments) {
            let skip = if count == 0 { self.head } else { 0 };
            *slot = IoSlice::new(&segment.bytes()[skip..]);
            count += 1;
        }
        count
    }

    /// Forgets the first `sent` bytes.
    pub fn advance(&mut self, sent: usize) {
        self.len -= sent;
        self.head += sent;
        while let Some(first) = self.segments.front() {
            let len = first.bytes().len();
            if self.head < len {
                break;
            }
            self.head -= len;
            if let Some(Segment::Owned(mut bytes)) = self.segments.pop_front() {
                if bytes.capacity() <= 2 * SEGMENT && bytes.capacity() > self.spare.capacity() {
                    bytes.clear();
                    self.spare = bytes;
                }
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = TransmitBuf::default();
    }

    /// All waiting bytes, copied; for tests and diagnosis.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all: Vec<u8> = Vec::with_capacity(self.len + self.head);
        for segment in &self.segments {
            all.extend_from_slice(segment.bytes());
        }
        all.split_off(self.head)
    }
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
    }
}
