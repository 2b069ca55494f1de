//! Any bytes as a packet of each version: reading never panics, and what was read is
//! read again from what it is written as.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mqttrs::codec::{Frame, Packet};
use mqttrs::types::ProtocolVersion;

const LIMIT: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    for version in [
        ProtocolVersion::V31,
        ProtocolVersion::V311,
        ProtocolVersion::V5,
    ] {
        let Ok(Some(frame)) = Frame::parse(bytes, LIMIT) else {
            return;
        };
        assert!(frame.len <= bytes.len());
        let Ok(packet) = Packet::decode(&frame, version) else {
            continue;
        };
        let mut written = Vec::new();
        packet.encode(&mut written, version);
        let again = Frame::parse(&written, LIMIT).unwrap().unwrap();
        assert_eq!(again.len, written.len());
        assert_eq!(Packet::decode(&again, version).unwrap(), packet);
    }
});
