//! Any bytes as a name server's answer to a question for SRV records: never a panic.

use mqttrs::transport::judge_srv_message;

pub fn run(message: &[u8]) {
    judge_srv_message(0x4d51, "_mqtt._tcp.a.test", message);
}
