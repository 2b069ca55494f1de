//! What the log of our library says of a failure, which `-d` shows: enough to act on.

use crate::library::Library;
use crate::run::run;
use crate::script::Script;

#[test]
fn the_log_says_what_is_wrong_with_the_server() {
    let pub_ = "pub tls rc=8 -d --cafile {pki}/ca.crt -i p -t a -m one";
    says(
        &format!("tls server-expired | {pub_}"),
        "expired on 1999-12-31",
    );
    says(&format!("tls server-other-host | {pub_}"), "\"localhost\"");
    says(
        &format!("tls server-other-ca | {pub_}"),
        "mqttrs test other-ca",
    );
    says(
        "pub rc=8 -d --cafile {pki}/ca.crt -i p -t a -m one",
        "closed the connection during the handshake",
    );
}

#[test]
fn the_log_says_why_the_server_refused_the_client() {
    says(
        "tls server | conf cafile {pki}/ca.crt | conf require_certificate true | pub tls rc=7 -d --cafile {pki}/ca.crt -i p -t a -m one",
        "certificate required",
    );
}

#[test]
fn the_log_says_which_setting_cannot_be() {
    let failing =
        |options: &str| format!("tls server | pub tls rc=1 -d -i p -t a -m one {options}");
    let cafile = "--cafile {pki}/ca.crt";
    says(&failing("--cafile {pki}/garbage.crt"), "garbage.crt");
    says(
        &failing(&format!("{cafile} --ciphers NONSENSE")),
        "NONSENSE",
    );
    says(
        &failing(&format!(
            "{cafile} --cert {{pki}}/client.crt --key {{pki}}/server.key"
        )),
        "server.key",
    );
}

/// Runs a case on our library; some line of its log is an error with this text.
fn says(case: &str, text: &str) {
    let ran = run(&Script::parse(case), &Library::ours());
    for outcome in &ran.outcomes {
        assert!(outcome.ended_as_expected(), "{case}: {outcome:?}");
        let stdout = String::from_utf8_lossy(&outcome.stdout);
        let mut errors = stdout.lines().filter(|line| line.starts_with("Error: "));
        assert!(
            errors.any(|line| line.contains(text)),
            "{case}: no {text:?} in\n{stdout}"
        );
    }
}
