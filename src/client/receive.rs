//! The bytes received and not yet taken as packets.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::codec::Frame;

/// What one read asks for.
const READ_SIZE: usize = 64 * 1024;
/// The room that the next read has at least.
const LEAST_ROOM: usize = 16 * 1024;
/// A buffer above this size is not kept for the next large packet.
const LARGEST_KEPT: usize = 2 * 1024 * 1024;
/// Buffers that no client needs just now: a client that waits for the network has none, be
/// there ten thousand of them.
static IDLE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
/// What is allocated for one: so much that allocators ask the system for it, which need not
/// clear it, so that no more of it becomes resident than is received into.
const FRESH_SIZE: usize = 160 * 1024;
/// How many are kept: as many threads as read at the same time.
const IDLE_MAX: usize = 4;

/// A buffer that bytes are read into and packets are taken from in place. One byte
/// behind the content always belongs to the buffer, for a NUL behind a payload.
#[derive(Debug, Default)]
pub(super) struct ReceiveBuf {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// How many bytes have come since the last packet that needed a larger buffer.
    since_large: usize,
}

impl ReceiveBuf {
    /// The bytes not taken yet.
    #[inline(always)]
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// How many bytes are missing of the packet that has begun.
    pub(super) fn missing(&self) -> usize {
        let unread = self.unread();
        Frame::announced_len(unread).map_or(0, |len| len.saturating_sub(unread.len()))
    }

    /// The first `consumed` of the unread bytes were taken.
    #[inline(always)]
    pub(super) fn consume(&mut self, consumed: usize) {
        self.start += consumed;
    }

    /// Room for the next read.
    ///
    /// It grows with what has arrived, at most doubling, so a packet's announced
    /// length alone makes nobody allocate. Empty where there is no memory for a large packet.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let announced = Frame::announced_len(self.unread()).unwrap_or(0);
        let wanted = announced.clamp(self.end + LEAST_ROOM, (2 * self.end).max(READ_SIZE));
        if wanted > READ_SIZE {
            self.since_large = 0;
        }
        // Or so much came in small packets that the next large one is not worth waiting for.
        if self.bytes.len() < wanted + 1 || (self.is_large() && self.since_large > self.bytes.len())
        {
            let Some(other) = buffer(wanted + 1) else {
                return &mut [];
            };
            self.replace(other);
        }
        // No further than to the end of a large packet: what comes behind it would have to
        // be moved.
        let last = announced
            .max(self.end + READ_SIZE)
            .min(self.bytes.len() - 1);
        &mut self.bytes[self.end..last]
    }

    /// `count` bytes were read into [`ReceiveBuf::space`].
    pub(super) fn filled(&mut self, count: usize) {
        self.end += count;
        self.since_large = self.since_large.saturating_add(count);
    }

    /// Nothing will be read for a while: others may have the buffer. What is unread stays,
    /// and so does a buffer for large packets, as they seldom come alone.
    pub(super) fn rest(&mut self) {
        let kept =
            self.is_large() && (!self.unread().is_empty() || self.bytes.len() <= LARGEST_KEPT);
        if !kept {
            self.shrink();
        }
    }

    /// As [`ReceiveBuf::rest`], and nothing is kept for packets to come.
    pub(super) fn shrink(&mut self) {
        let unread = self.unread().len();
        if unread + 1 < self.bytes.len() {
            let exact = match unread {
                0 => Vec::new(),
                _ => vec![0; unread + 1],
            };
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, unread);
            self.replace(exact);
        }
    }

    fn is_large(&self) -> bool {
        self.bytes.len() > READ_SIZE + 1
    }

    /// Moves the unread bytes, which begin at the front, to another buffer.
    fn replace(&mut self, mut other: Vec<u8>) {
        other[..self.end].copy_from_slice(&self.bytes[..self.end]);
        give_back(std::mem::replace(&mut self.bytes, other));
    }

    /// Lends two places of a packet that was taken as C strings: `text` moved down by one
    /// byte, over its length which is no longer needed, and `data` with the byte
    /// behind it, each now ending in NUL. The packet begins `offset` bytes into `unread`,
    /// and the places count from there.
    #[inline(always)]
    pub(super) fn lend_c<R>(
        &mut self,
        offset: usize,
        text: std::ops::Range<usize>,
        data: std::ops::Range<usize>,
        lend: impl FnOnce(&[u8], &[u8], &[u8]) -> R,
    ) -> R {
        let packet = &mut self.bytes[self.start + offset..];
        if text.start > 0 {
            packet[text.start - 1..text.end].copy_within(1.., 0);
            packet[text.end - 1] = 0;
        }
        // An empty payload may stand at 0.
        let behind = std::mem::replace(&mut packet[data.end], 0);
        let text_c = match text.start {
            0 => &[0],
            start => &packet[start - 1..text.end],
        };
        let result = lend(text_c, &packet[data.start..data.end + 1], packet);
        packet[data.end] = behind;
        result
    }
}

/// A buffer of this size or more, its bytes being anything; `None` where memory ran out for one
/// whose size is the peer's choice.
fn buffer(size: usize) -> Option<Vec<u8>> {
    if size > READ_SIZE + 1 {
        let mut large = Vec::new();
        large.try_reserve_exact(size).ok()?;
        large.resize(size, 0);
        return Some(large);
    }
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    Some(idle.unwrap_or_else(|| {
        let mut fresh = vec![0; FRESH_SIZE];
        fresh.truncate(READ_SIZE + 1);
        fresh
    }))
}

fn give_back(buffer: Vec<u8>) {
    if buffer.len() == READ_SIZE + 1 {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(buffer);
        }
    }
}

/// The buffers that no client needs, while nobody else may take or leave one.
pub(super) type IdleBuffers = MutexGuard<'static, Vec<Vec<u8>>>;

/// Keeps the buffers that no client needs for this thread.
pub(super) fn hold_idle_buffers() -> IdleBuffers {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Frees the buffers that no client needs.
pub fn free_idle_buffers() {
    *IDLE.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_data_end_in_nul_and_the_next_packet_is_untouched() {
        let mut buffer = ReceiveBuf::default();
        let input = [0x30, 5, 0, 1, b't', b'h', b'i', 0xD0, 0x00];
        buffer.space()[..input.len()].copy_from_slice(&input);
        buffer.filled(input.len());
        buffer.lend_c(0, 4..5, 5..7, |topic, payload, _| {
            assert_eq!(topic, b"t\0");
            assert_eq!(payload, b"hi\0");
        });
        buffer.consume(7);
        assert_eq!(buffer.unread(), [0xD0, 0x00]);
    }

    #[test]
    fn an_announced_length_alone_takes_no_memory() {
        let mut buffer = ReceiveBuf::default();
        let header = [0x30, 0xff, 0xff, 0xff, 0x7f];
        buffer.space()[..5].copy_from_slice(&header);
        buffer.filled(5);
        assert!(buffer.space().len() <= 2 * READ_SIZE);
    }

    /// Takes in as much of a large packet as there is room for, until the buffer is large.
    fn fill_large(buffer: &mut ReceiveBuf) {
        let header = [0x30, 0x80, 0x80, 0x80, 0x01];
        buffer.space()[..5].copy_from_slice(&header);
        while buffer.bytes.len() <= 16 * READ_SIZE {
            let count = buffer.space().len();
            buffer.filled(count);
        }
        buffer.consume(buffer.unread().len());
    }

    #[test]
    fn the_memory_of_a_large_packet_stays_for_the_next_and_goes_when_none_comes() {
        let mut buffer = ReceiveBuf::default();
        fill_large(&mut buffer);
        let large = buffer.bytes.len();
        for _ in 0..100 {
            buffer.space();
            buffer.rest();
        }
        assert_eq!(buffer.bytes.len(), large, "attempts that bring nothing");
        let mut small_packets = |bytes: usize| {
            for _ in 0..bytes / 1000 {
                buffer.space();
                buffer.filled(1000);
                buffer.consume(1000);
            }
            buffer.bytes.len()
        };
        assert_eq!(small_packets(large / 4), large);
        assert_eq!(small_packets(large), READ_SIZE + 1);
        fill_large(&mut buffer);
        buffer.shrink();
        assert_eq!(buffer.bytes.capacity(), 0);
    }

    #[test]
    fn a_resting_buffer_keeps_what_is_unread_and_no_more() {
        let mut buffer = ReceiveBuf::default();
        let input = [0x30, 5, 0, 1, b't', b'h', b'i', 0x30, 9, 0];
        buffer.space()[..input.len()].copy_from_slice(&input);
        buffer.filled(input.len());
        buffer.consume(7);
        buffer.rest();
        assert_eq!(buffer.unread(), [0x30, 9, 0]);
        assert_eq!(buffer.bytes.len(), 4);
        assert!(buffer.space().len() >= LEAST_ROOM);
        assert_eq!(buffer.unread(), [0x30, 9, 0]);
        buffer.consume(3);
        buffer.rest();
        assert_eq!(buffer.bytes.capacity(), 0);
    }
}
