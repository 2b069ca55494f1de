//! The session, a well-behaved broker and a link that breaks anywhere, every choice made by a
//! byte: the promises of each QoS hold.

#[path = "../../tests/session_model.rs"]
mod session_model;

pub fn run(input: &[u8]) {
    session_model::play(input);
}
