//! What README.md and the pages that it leads to first show and claim is tried.

#[allow(dead_code)]
#[path = "programs/broker.rs"]
mod broker;
mod built;
#[path = "support/certificates.rs"]
mod certificates;
mod demo_broker;

use broker::Broker;
use built::{build_dir, built, run, source, stdout_of, Scratch};
use certificates::certificates;
use demo_broker::DemoBroker;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const README: &str = "README.md";
const TOUR: &str = "docs/api-tour.md";
const REPLACING: &str = "docs/replacing-libmosquitto.md";

fn read(document: &str) -> String {
    fs::read_to_string(source(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The lines between ```` ```language ```` and the fence's end, of each such block.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = read(document);
    let fence = format!("```{language}\n");
    let all = text.split(&fence).skip(1);
    all.map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// The rows of the table whose heading row is `heading`, cells without backquotes.
fn table(document: &str, heading: &str) -> Vec<[String; 2]> {
    let text = read(document);
    let (_, table) = text.split_once(heading).expect("there is such a table");
    let rows: Vec<_> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| "))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches(['|', ' ']).split(" | ").collect();
            [cells[0], cells[1]].map(|cell| cell.replace('`', ""))
        })
        .collect();
    assert!(!rows.is_empty(), "the table {heading} is empty");
    rows
}

/// Builds `code` against the headers here and the built library.
fn compile(scratch: &Scratch, name: &str, code: &str) -> PathBuf {
    built("libmqttrs.so");
    let program = scratch.path(name);
    run(Command::new("cc")
        .args(["-std=c99", "-Wall", "-Werror", "-I"])
        .arg(source("include"))
        .arg(scratch.write(&format!("{name}.c"), code))
        .arg("-o")
        .arg(&program)
        .arg(format!("-L{}", build_dir().display()))
        .arg(format!("-Wl,-rpath,{}", build_dir().display()))
        .arg("-lmqttrs"));
    program
}

#[test]
fn the_c_program_prints_the_greeting_that_it_sends_itself() {
    let scratch = Scratch::new("readme-program");
    let broker = DemoBroker::start();
    // The program is for a broker on the usual port, where there may be somebody else's.
    let code = &blocks(README, "c")[0];
    assert_eq!(code.matches("1883").count(), 1);
    let code = code.replace("1883", &broker.port.to_string());
    let greeting = stdout_of(&mut Command::new(compile(&scratch, "greet", &code)));
    assert_eq!(greeting, "greetings/world: hello\n");
}

/// The tour's program over TLS with a server that shows `certificate`.
fn run_over_tls(certificate: &str) -> Output {
    let scratch = Scratch::new(&format!("readme-{certificate}"));
    let program = compile(&scratch, "tls", &blocks(TOUR, "c")[0]);
    let file = |name: &str| certificates().text(name);
    let settings = [
        format!("certfile {}", file(&format!("{certificate}.crt"))),
        format!("keyfile {}", file(&format!("{certificate}.key"))),
    ];
    let broker = Broker::start(&scratch.path(""), &settings, &[]);
    Command::new(program)
        .args(["localhost", &broker.port().to_string(), &file("ca.crt")])
        .output()
        .unwrap()
}

#[test]
fn the_tls_program_succeeds_with_a_good_server_and_says_what_is_wrong_with_an_expired_one() {
    let good = run_over_tls("server");
    assert!(good.status.success(), "{good:?}");
    let expired = run_over_tls("server-expired");
    assert!(!expired.status.success());
    assert_eq!(
        String::from_utf8_lossy(&expired.stderr),
        blocks(TOUR, "text")[0],
        "the program and the page"
    );
}

#[test]
fn the_calls_that_choose_a_way_succeed() {
    let checks = table(TOUR, "| for | call |")
        .into_iter()
        .map(|[what, call]| format!("if ({call} != MOSQ_ERR_SUCCESS) {{ puts(\"{what}\"); }}\n"));
    // Those would go to other machines.
    let connecting = table(TOUR, "| the server is | call |")
        .into_iter()
        .map(|[_, call]| format!("if (argc > 1) {{ {call}; }}\n"));
    let scratch = Scratch::new("readme-ways");
    scratch.write("ca.crt", "");
    assert_no_check_fails(&scratch, "ways", checks.chain(connecting).collect());
}

/// What the calls in the tour's tables take, but for the program's `options`, which each has in a
/// type of its own.
const SURROUNDINGS: &str = r#"
#include <stdio.h>
#include <mqttrs.h>

MQTTRS_CB_done on_done;
MQTTRS_CB_message on_temperature;
MQTTRS_CB_outcome on_outcome;
MQTTRS_CB_received on_message;
MQTTRS_CB_request on_request;
MQTTRS_CB_response on_response;
mqttrs_lifecycle_callback on_lifecycle;
mqttrs_log_callback on_log;
int (*on_password)(char *buf, int size, int rwflag, void *userdata);
struct mqttrs_connection connection;
struct mqttrs_message message, messages[2];
struct mqttrs_received *received;
struct mqttrs_result result;
struct mqttrs_server servers[2];
struct mqttrs_stats stats;
struct mqttrs_subscription subscriptions[2];
struct mqttrs_throttle limit;
struct mqttrs_token *token, *tokens[2];
struct mosquitto *mosq;
struct mosquitto_message *request, *response;
mosquitto_property *props, *request_props;
const char *filters[2], *names[2];
char why[512];
const char data[1], key[1];
size_t size, key_size;
void *userdata;
int mid, results[2];
"#;

#[test]
fn every_call_of_the_tour_compiles_and_no_function_of_ours_is_missing() {
    let tour = read(TOUR);
    let calls: Vec<&str> = tour
        .lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| line.split(" | ").nth(1)?.split('`').nth(1))
        .collect();
    let statements = calls.iter().map(|call| {
        let declaration = match call.split('(').next().unwrap() {
            "mqttrs_store_open" => "struct mqttrs_store_options options = {0}; ",
            "mqttrs_reconnect_set" => "struct mqttrs_reconnect_options options = {0}; ",
            "mqttrs_queue_set" => "struct mqttrs_queue_options options = {0}; ",
            "mqttrs_receive_once" | "mqttrs_receive_each" => {
                "struct mqttrs_subscription filters[2] = {0}; "
            }
            // What it gives is used by calls below it.
            "struct mqttrs_loop *loop = mqttrs_loop_new" => return format!("{call};\n"),
            _ => "",
        };
        format!("{{ {declaration}{call}; }}\n")
    });
    let code = format!(
        "{SURROUNDINGS}int main(void) {{ {} return 0; }}",
        statements.collect::<String>()
    );
    compile(&Scratch::new("readme-tour"), "tour", &code);

    let map = read("mqttrs.map");
    let ours = map
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'))
        .filter(|name| name.starts_with("mqttrs_"));
    for name in ours {
        assert!(tour.contains(&format!("{name}(")), "{name}");
    }
}

/// Whether connecting gives `result`.
fn connecting_gives(result: &str, after: &str) -> String {
    let name = after.replace('"', "'");
    format!(
        "if (mosquitto_connect(mosq, \"127.0.0.1\", 1, 60) != {result}) {{ puts(\"{name}\"); }}\n"
    )
}

#[test]
fn what_cannot_work_gives_what_the_table_says_and_no_connection_without_tls() {
    let checks = table(REPLACING, "| call | gives |")
        .into_iter()
        .map(|[call, result]| {
            let then = match call.starts_with("mosquitto_ssl_get") {
                true => String::new(),
                false => connecting_gives("MOSQ_ERR_TLS", &call),
            };
            format!(
                "mosquitto_reinitialise(mosq, NULL, true, NULL);
             if ({call} != {result}) {{ puts(\"{}\"); }}
             {then}",
                call.replace('"', "'")
            )
        });
    let scratch = Scratch::new("readme-never");
    assert_no_check_fails(&scratch, "never", checks.collect());
}

#[test]
fn what_is_not_there_yet_refuses_to_connect_with_what_the_table_says() {
    let rows = table(REPLACING, "| with TLS, after this | connecting gives |");
    let checks = rows.into_iter().map(|[call, result]| {
        let name = call.replace('"', "'");
        let then = connecting_gives(&result, &call);
        format!(
            "mosquitto_reinitialise(mosq, NULL, true, NULL);
             mosquitto_int_option(mosq, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
             if ({call} != MOSQ_ERR_SUCCESS) {{ puts(\"{name} itself\"); }}
             {then}"
        )
    });
    let scratch = Scratch::new("readme-not-yet");
    assert_no_check_fails(&scratch, "not-yet", checks.collect());
}

/// Runs C statements that print what is not as it should be.
fn assert_no_check_fails(scratch: &Scratch, name: &str, checks: String) {
    let code = format!(
        "#include <stdio.h>
         #include <mqttrs.h>
         int main(int argc, char **argv)
         {{
             struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);
             {checks}
             mosquitto_destroy(mosq);
             puts(\"done\");
             return 0;
         }}"
    );
    let program = compile(scratch, name, &code);
    let failed = stdout_of(Command::new(program).current_dir(scratch.path("")));
    assert_eq!(failed, "done\n");
}

#[test]
fn the_packet_limit_is_the_one_the_library_has() {
    let limit = mqttrs::session::DEFAULT_MAXIMUM_PACKET_SIZE;
    let claim = format!("packets of up to {} MiB", limit >> 20);
    assert_eq!(limit % (1 << 20), 0);
    assert!(
        read("docs/conventions.md").contains(&claim),
        "the page of conventions does not say: {claim}"
    );
}

#[test]
fn each_make_target_exists() {
    let help = stdout_of(Command::new("make").arg("help").current_dir(source("")));
    let pages = [README, "docs/installing.md", REPLACING].map(read).concat();
    let commands = pages.lines().filter_map(|line| {
        let command = line.strip_prefix("    ")?;
        let target = command.trim_start_matches("sudo ").strip_prefix("make ")?;
        target.split_whitespace().next().filter(|word| *word != "#")
    });
    let targets: BTreeSet<_> = commands.collect();
    assert!(targets.len() >= 4, "{targets:?}");
    for target in targets {
        let described = help
            .lines()
            .any(|line| line.split_whitespace().any(|word| word == target));
        assert!(described, "make {target} is not among the targets:\n{help}");
    }
}

#[test]
fn the_map_names_every_layer_and_nothing_that_is_not_there() {
    let places: Vec<_> = table("CONTRIBUTING.md", "| place | what it is |")
        .into_iter()
        .flat_map(|[place, _]| place.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for place in &places {
        assert!(source(place).exists(), "{place} does not exist");
    }
    for entry in fs::read_dir(source("src")).unwrap() {
        let entry = entry.unwrap();
        let name = format!("src/{}", entry.file_name().to_str().unwrap());
        let mapped = places
            .iter()
            .any(|place| place.trim_end_matches('/') == name);
        assert!(mapped || name == "src/lib.rs", "{name} is not in the map");
    }
}

#[test]
fn each_link_leads_somewhere() {
    let readme = read(README);
    let links: Vec<_> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(!links.is_empty());
    for link in links {
        let link = link.split('#').next().unwrap();
        assert!(Path::new(&source(link)).exists(), "{link} does not exist");
    }
}
