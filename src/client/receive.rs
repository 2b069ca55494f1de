//! The bytes received and not yet taken as packets.

use crate::codec::Frame;

/// What one read asks for.
const READ_SIZE: usize = 64 * 1024;
/// How many reads in a row have to get by with little before a large buffer is given back:
/// between two large packets there is one, as their length is not known before.
const READS_WITHOUT_NEED: u32 = 1;

/// A buffer that bytes are read into and packets are taken from in place. One byte
/// behind the content always belongs to the buffer, for a NUL behind a payload.
#[derive(Debug, Default)]
pub(super) struct ReceiveBuf {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Reads in a row that needed no large buffer.
    small_reads: u32,
}

impl ReceiveBuf {
    /// The bytes not taken yet.
    #[inline(always)]
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The first `consumed` of the unread bytes were taken.
    #[inline(always)]
    pub(super) fn consume(&mut self, consumed: usize) {
        self.start += consumed;
    }

    /// Room for the next read.
    ///
    /// It grows with what has arrived, at most doubling, so a packet's announced
    /// length alone makes nobody allocate.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let announced = Frame::announced_len(self.unread()).unwrap_or(0);
        let wanted = announced.clamp(
            self.end + READ_SIZE,
            (2 * self.end).max(self.end + READ_SIZE),
        );
        if announced > 4 * READ_SIZE {
            self.small_reads = 0;
        }
        if self.bytes.len() < wanted + 1 {
            self.bytes.resize(wanted + 1, 0);
        } else if self.bytes.len() > 16 * READ_SIZE && self.end < READ_SIZE {
            self.small_reads += 1;
            if self.small_reads > READS_WITHOUT_NEED {
                self.bytes.truncate(wanted + 1);
                self.bytes.shrink_to_fit();
            }
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
        let (start, packet) = (self.start + offset, self.end);
        let text = start + text.start..start + text.end;
        let data = if data.is_empty() {
            packet..packet
        } else {
            start + data.start..start + data.end
        };
        if text.start > start {
            self.bytes.copy_within(text.clone(), text.start - 1);
            self.bytes[text.end - 1] = 0;
        }
        let behind = std::mem::replace(&mut self.bytes[data.end], 0);
        let text_c = if text.start > start {
            text.start - 1..text.end
        } else {
            packet..packet + 1
        };
        let result = lend(
            &self.bytes[text_c],
            &self.bytes[data.start..data.end + 1],
            &self.bytes[start..packet],
        );
        self.bytes[data.end] = behind;
        result
    }
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

    #[test]
    fn the_memory_of_a_large_packet_is_given_back() {
        let mut buffer = ReceiveBuf::default();
        while buffer.bytes.len() <= 16 * READ_SIZE {
            let count = buffer.space().len();
            buffer.filled(count);
        }
        buffer.consume(buffer.unread().len());
        for _ in 0..=READS_WITHOUT_NEED {
            let large = buffer.bytes.capacity();
            assert!(large > 16 * READ_SIZE, "kept for the next large packet");
            buffer.space();
        }
        assert!(buffer.bytes.capacity() <= 4 * READ_SIZE);
    }
}
