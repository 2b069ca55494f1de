//! Debian's `mosquitto_pub`, `mosquitto_sub` and `mosquitto_rr`, not rebuilt,
//! on our library.
//!
//! Every case runs twice against a real Mosquitto broker: on Debian's
//! `libmosquitto.so.1` and on ours (`make dropin` puts it where it is looked
//! for, see `programs/library.rs`). Exit status, standard output and standard
//! error must be the same, and so must what the broker logged of the programs. The cases are tables in `programs/cases/`, in a
//! small language that `programs/script.rs` describes.
//!
//! Needs Debian's packages `mosquitto` and `mosquitto-clients`. To see that
//! the cases themselves are stable, let them compare Debian with Debian:
//! `mkdir -p /tmp/aa/dropin`, copy Debian's `libmosquitto.so.1` there, and run
//! with `MQTTRS_BUILD_DIR=/tmp/aa`.

#[path = "programs/broker.rs"]
mod broker;
#[path = "programs/cases/mod.rs"]
mod cases;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "programs/compare.rs"]
mod compare;
#[path = "programs/library.rs"]
mod library;
#[path = "programs/proxy.rs"]
mod proxy;
#[path = "programs/run.rs"]
mod run;
#[path = "programs/script.rs"]
mod script;
#[path = "programs/self_check.rs"]
mod self_check;
#[path = "programs/wire.rs"]
mod wire;

use compare::{check, problems as compare_with};
