//! Any bytes as a name server's answer to a question for SRV records: never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mqttrs::transport::judge_srv_message;

fuzz_target!(|message: &[u8]| judge_srv_message(0x4d51, "_mqtt._tcp.a.test", message));
