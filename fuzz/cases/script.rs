//! Bytes as decisions.

use std::ffi::{c_int, CString};

use mqttrs::codec::{PropertyBuf, PropertyId, Value};

/// What is left to decide with; when nothing is, every decision is 0.
pub struct Script<'a> {
    pub rest: &'a [u8],
}

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Script<'a> {
        Script { rest: bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.rest.len());
        let (head, rest) = self.rest.split_at(len);
        self.rest = rest;
        head
    }

    pub fn int(&mut self) -> c_int {
        match self.byte() {
            n @ 0..=200 => c_int::from(n % 8),
            201..=210 => -1,
            211..=215 => c_int::MAX,
            216..=220 => c_int::MIN,
            221..=225 => 65_535,
            226..=230 => 65_536,
            231..=235 => 268_435_456,
            _ => c_int::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
        }
    }

    /// A C string, maybe empty, not UTF-8, or NULL.
    pub fn c_text(&mut self) -> Option<CString> {
        const TEXTS: [&[u8]; 10] = [
            b"a",
            b"",
            b"a/b",
            b"+/#",
            b"a+",
            b"$share/g/t",
            b"\xff",
            b"\xed\xa0\x80",
            b"127.0.0.1",
            b"\x01",
        ];
        match self.byte() {
            0..=40 => None,
            n @ 41..=200 => CString::new(TEXTS[usize::from(n) % TEXTS.len()]).ok(),
            201..=205 => CString::new(vec![b'x'; 65_535]).ok(),
            206..=210 => CString::new(vec![b'x'; 65_536]).ok(),
            _ => {
                let bytes: Vec<u8> = self.bytes().iter().copied().filter(|b| *b != 0).collect();
                CString::new(bytes).ok()
            }
        }
    }

    pub fn text(&mut self) -> &'a str {
        const TEXTS: [&str; 6] = ["a", "", "b/c", "+/#", "$SYS/x", "#/a"];
        match self.byte() {
            n @ 0..=199 => TEXTS[usize::from(n) % TEXTS.len()],
            _ => std::str::from_utf8(self.bytes()).unwrap_or("bad"),
        }
    }

    /// Up to three properties of any kind.
    pub fn properties(&mut self) -> PropertyBuf {
        let mut buf = PropertyBuf::new();
        for _ in 0..self.byte() % 4 {
            let Some(id) = PropertyId::new(u32::from(self.byte() % 44)) else {
                continue;
            };
            let number = u32::from(self.byte());
            let _ = buf
                .push(id, Value::Byte(number as u8))
                .or_else(|_| buf.push(id, Value::U16(number as u16)))
                .or_else(|_| buf.push(id, Value::U32(number)))
                .or_else(|_| buf.push(id, Value::VarInt(number)))
                .or_else(|_| buf.push(id, Value::String("a")))
                .or_else(|_| buf.push(id, Value::Binary(b"x")))
                .or_else(|_| buf.push(id, Value::Pair("n", "v")));
        }
        buf
    }
}
