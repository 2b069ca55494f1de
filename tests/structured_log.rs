//! The log as records: `mqttrs_log_callback_set`.

#![allow(
    dead_code,
    reason = "what the C programs stand on is used in part by each test"
)]

#[path = "programs/broker.rs"]
mod broker;
mod built;
#[path = "support/certificates.rs"]
mod certificates;

#[path = "c/cutter.rs"]
mod cutter;
#[path = "c/loopback.rs"]
mod loopback;
#[path = "c/program.rs"]
mod program;

use std::net::SocketAddr;
use std::process::Command;

use broker::Broker;
use built::{build_dir, built, run, source, stdout_of, Scratch};
use certificates::certificates;
use cutter::Cutter;
use loopback::Loopback;
use program::Program;
use socket2::{Domain, Socket, Type};

#[test]
fn a_whole_life_is_logged_event_by_event_with_the_lines_beside_them() {
    // Bound and not listening: nobody else gets the port, and nobody answers there.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    silent.bind(&any.into()).unwrap();
    let silent_port = silent.local_addr().unwrap().as_socket().unwrap().port();
    let broker = Loopback::start();
    let program = Program::build("structured_log", "structured-log");
    let run = |how: fn(&Program, &[&str])| {
        let cutter = Cutter::start(broker.port(), &[2000]);
        let ports = [silent_port, broker.port(), cutter.port()].map(|port| port.to_string());
        how(&program, &ports.each_ref().map(String::as_str));
        assert_eq!(cutter.cuts(), 1);
    };
    run(Program::run);
    run(Program::run_under_valgrind);
}

/// What the page of logging shows, with a program around it.
const AROUND: &str = r#"
static void on_connect(struct mosquitto *mosq, void *obj, int rc)
{
    mosquitto_disconnect(mosq);
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = mosquitto_new("page", true, NULL);
    mosquitto_connect_callback_set(mosq, on_connect);
    mqttrs_log_callback_set(mosq, on_log);
    if (argc != 3 || mosquitto_tls_set(mosq, argv[2], NULL, NULL, NULL, NULL)
        || mosquitto_connect(mosq, "127.0.0.1", atoi(argv[1]), 60)
        || mosquitto_loop_forever(mosq, -1, 1))
        return 1;
    mosquitto_destroy(mosq);
    return 0;
}
"#;

#[test]
fn the_callback_of_the_page_prints_address_and_cipher_of_a_connection_over_tls() {
    let page = std::fs::read_to_string(source("docs/logging.md")).unwrap();
    let shown = page.split("```c\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    let code =
        format!("#include <stdio.h>\n#include <stdlib.h>\n#include <mqttrs.h>\n{shown}{AROUND}");
    let scratch = Scratch::new("structured-log-page");
    let program = scratch.path("page");
    built("libmqttrs.so");
    run(Command::new("cc")
        .args(["-std=c99", "-Wall", "-Werror", "-I"])
        .arg(source("include"))
        .arg(scratch.write("page.c", &code))
        .arg("-o")
        .arg(&program)
        .arg(format!("-L{}", build_dir().display()))
        .arg(format!("-Wl,-rpath,{}", build_dir().display()))
        .arg("-lmqttrs"));
    let file = |name: &str| certificates().text(name);
    let settings = [
        format!("certfile {}", file("server.crt")),
        format!("keyfile {}", file("server.key")),
        "tls_version tlsv1.3".to_owned(),
        "ciphers_tls1.3 TLS_AES_128_GCM_SHA256".to_owned(),
    ];
    let broker = Broker::start(&scratch.path(""), &settings, &[]);
    let port = broker.port();
    let printed = stdout_of(Command::new(program).args([&port.to_string(), &file("ca.crt")]));
    assert_eq!(
        printed,
        format!(
            "client=page event=connection.begun host=\"127.0.0.1\" port=\"{port}\"\n\
             client=page event=connection.made address=\"127.0.0.1:{port}\" tls=\"TLSv1.3\" \
             cipher=\"TLS_AES_128_GCM_SHA256\"\n\
             client=page event=connection.closed\n"
        )
    );
}
