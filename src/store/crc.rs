//! CRC-32 (that of zlib, PNG and Ethernet), four bytes at a time. With `crc32fast`, which has variants
//! for several processors, the library is 18 kB larger.

use std::sync::OnceLock;

/// How the checksum goes on by one byte, and by one with one, two and three zeros behind it. They
/// are made when they are first needed, so that the library's file has no room for them.
static TABLES: OnceLock<Box<[[u32; 256]; 4]>> = OnceLock::new();

/// Goes on with the checksum `crc` of what came before; 0 begins one.
pub(super) fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    let tables = TABLES.get_or_init(|| Box::new(tables()));
    let mut words = bytes.chunks_exact(4);
    let mut state = !crc;
    for word in &mut words {
        let place = |at: usize| usize::from(word[at] ^ (state >> (8 * at)) as u8);
        state =
            tables[3][place(0)] ^ tables[2][place(1)] ^ tables[1][place(2)] ^ tables[0][place(3)];
    }
    for byte in words.remainder() {
        state = tables[0][usize::from(state as u8 ^ byte)] ^ state >> 8;
    }
    !state
}

fn tables() -> [[u32; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    for (byte, value) in tables[0].iter_mut().enumerate() {
        let bit = |value: u32, _| value >> 1 ^ if value & 1 == 1 { 0xedb8_8320 } else { 0 };
        *value = (0..8).fold(byte as u32, bit);
    }
    for zeros in 1..4 {
        for byte in 0..256 {
            let before: u32 = tables[zeros - 1][byte];
            tables[zeros][byte] = before >> 8 ^ tables[0][(before & 255) as usize];
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn it_is_the_checksum_that_everybody_calls_crc_32() {
        assert_eq!(crc32(0, b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(0, b""), 0);
        assert_eq!(crc32(0, &[0; 32]), 0x190a_55ad);
    }

    #[test]
    fn pieces_give_the_checksum_of_the_whole() {
        let bytes: Vec<u8> = (0..=255).collect();
        for at in 0..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(crc32(crc32(0, first), second), crc32(0, &bytes));
        }
    }
}
