//! UTF-8 strings as MQTT wants them (MQTT 5.0 section 1.5.4).

/// `bytes` as a string that may stand in a packet: well formed, without U+0000.
///
/// Control and non-characters, which the specification only discourages, pass:
/// a receiver that rejected them would lose messages other clients can read.
pub fn from_wire(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!bytes.contains(&0)).then_some(text)
}

/// Whether a program may send `text`: besides U+0000 also no control characters
/// (U+0001 to U+001F, U+007F to U+009F) and no non-characters, as libmosquitto's
/// `mosquitto_validate_utf8` rules.
pub fn is_sendable(text: &str) -> bool {
    text.chars().all(|c| {
        let code = c as u32;
        !(c.is_control() || (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_surrogates_are_refused() {
        assert_eq!(from_wire(b"a\0b"), None);
        assert_eq!(from_wire(&[0xED, 0xA0, 0x80]), None);
        assert_eq!(from_wire(&[0xC0, 0x80]), None);
    }

    #[test]
    fn byte_order_mark_is_kept() {
        assert_eq!(from_wire(&[0xEF, 0xBB, 0xBF, b'x']), Some("\u{FEFF}x"));
    }

    #[test]
    fn control_and_non_characters_are_not_sendable() {
        assert!(is_sendable("Grüße/1"));
        for bad in [
            "\u{1}",
            "\u{7f}",
            "\u{9f}",
            "\u{fdd0}",
            "\u{ffff}",
            "\u{1fffe}",
        ] {
            assert!(!is_sendable(bad), "{bad:?}");
        }
    }
}
