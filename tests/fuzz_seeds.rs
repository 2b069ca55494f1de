//! What the fuzzer's targets do, with the seeds of each: no nightly toolchain needed.
//!
//! `MQTTRS_FUZZ_CORPUS=fuzz/corpus` adds what a fuzzer has gathered there.

#![allow(
    clippy::duplicate_mod,
    reason = "the model's tests declare the C API for themselves"
)]

#[path = "../fuzz/cases/mod.rs"]
mod cases;

use std::path::Path;

/// Runs a target over all of its seeds.
fn run(target: &str, case: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 5, "{} has hardly a seed", folder.display());
    if let Some(corpus) = std::env::var_os("MQTTRS_FUZZ_CORPUS") {
        let folder = Path::new(&corpus).join(target);
        let gathered = std::fs::read_dir(folder).into_iter().flatten();
        seeds.extend(gathered.map(|entry| entry.unwrap().path()));
    }
    for seed in seeds {
        let bytes = std::fs::read(&seed).unwrap();
        let outcome = std::panic::catch_unwind(|| case(&bytes));
        assert!(outcome.is_ok(), "{} fails", seed.display());
    }
}

#[test]
fn packets_are_written_as_they_were_read() {
    run("codec_decode", cases::codec_decode::run);
}

#[test]
fn the_session_sends_what_a_client_may_send_whatever_comes() {
    run("session", cases::session::run);
}

#[test]
fn the_model_broker_sees_the_promises_of_each_qos_kept() {
    run("model", cases::model::run);
}

#[test]
fn the_short_ways_give_what_the_general_way_gives() {
    run("short_ways", cases::short_ways::run);
}

#[test]
fn messages_of_any_size_keep_their_content_in_a_backlog() {
    run("backlog", cases::backlog::run);
}

#[test]
fn topics_agree_with_a_simple_matcher() {
    run("topics", cases::topics::run);
}

#[test]
fn property_lists_hold_what_was_put_in() {
    run("properties", cases::properties::run);
}

#[test]
fn the_c_api_takes_any_calls_without_a_network() {
    run("c_api", cases::c_api::run);
}

#[test]
fn the_c_api_takes_any_calls_while_a_server_sends_anything() {
    run("c_connection", cases::c_connection::run);
}

#[test]
fn proxies_may_answer_anything() {
    run("proxy", cases::proxy::run);
}

#[test]
fn websocket_servers_may_answer_anything() {
    run("websocket", cases::websocket::run);
}

#[cfg(fuzzing)]
#[test]
fn name_servers_may_answer_anything() {
    run("dns", cases::dns::run);
}

#[cfg(fuzzing)]
#[test]
fn server_references_agree_with_a_simple_reader() {
    run("references", cases::references::run);
}

#[cfg(feature = "store")]
#[test]
fn a_log_is_refused_and_kept_or_opened_with_the_same_messages_each_time() {
    run("store", cases::store::run);
}

#[test]
fn settings_of_tls_may_be_anything() {
    run("tls_settings", cases::tls_settings::run);
}
