//! C programs on the built library, most of them under Valgrind: arguments and handles that
//! are wrong, every function in every callback, many threads, many clients, the helpers.

mod built;

#[path = "c/program.rs"]
mod program;

use program::Program;

#[test]
fn handles_that_are_null_or_destroyed_are_answered_with_errors() {
    Program::build("handles", "handles").run_under_valgrind(&[]);
}

#[test]
fn arguments_that_are_null_or_out_of_range_are_answered_with_errors() {
    Program::build("null_arguments", "null-arguments").run_under_valgrind(&[]);
}

/// So that no function is added without its place in the programs that mean all of them.
#[test]
fn every_function_is_called_with_bad_arguments_and_on_clients_that_are_gone() {
    let read = |name: &str| std::fs::read_to_string(built::source(name)).unwrap();
    let bad_arguments = read("tests/c/null_arguments.c");
    let every_call = read("tests/c/every_call.h");
    let table = read("tests/data/libmosquitto-functions.tsv");
    let mut functions = 0;
    for line in table.lines().skip(1) {
        let mut fields = line.split('\t').skip(1);
        let (name, prototype) = (fields.next().unwrap(), fields.next().unwrap());
        let call = format!("{name}(");
        // Destroying a client leaves nothing to do wrong but the handle itself.
        assert!(
            bad_arguments.contains(&call),
            "{name} is not in null_arguments.c"
        );
        let takes_a_client = prototype.contains("(struct mosquitto *mosq")
            || prototype.contains("(struct mosquitto *context");
        if takes_a_client {
            assert!(every_call.contains(&call), "{name} is not in every_call.h");
        }
        functions += 1;
    }
    assert_eq!(functions, 126);
}
