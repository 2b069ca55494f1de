//! Certificates for tests of TLS: authorities, servers, clients, revocation lists, and keys in
//! every format.
//!
//! They are made by the `openssl` command (Debian package openssl) when a test first asks for
//! one, once a process, and are valid from 1975 to the end of 2099 unless the name of one says
//! otherwise. [`Certificates::path`] lists what there is.

#![allow(dead_code)] // each test that includes this module uses its own part of it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::OnceLock;

/// The password of every encrypted key.
pub const PASSWORD: &str = "correct horse";

/// All certificates, made when first asked for.
pub fn certificates() -> &'static Certificates {
    static MADE: OnceLock<Certificates> = OnceLock::new();
    MADE.get_or_init(Certificates::make)
}

/// A folder full of certificates and keys, all PEM.
pub struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// The folder; a certificate is `NAME.crt`, its key `NAME.key`, its authority's `ca` unless
    /// said otherwise.
    ///
    /// | name | what it is |
    /// |---|---|
    /// | `ca`, `other-ca` | two authorities that know nothing of each other |
    /// | `intermediate` | an authority of `ca`'s |
    /// | `server` | for `localhost`, `127.0.0.1` and `::1` |
    /// | `server-rsa` | the same with an RSA key |
    /// | `server-chain` | the same by `intermediate`, which is in the file too |
    /// | `server-lone` | the same without the intermediate certificate |
    /// | `server-cn` | has a common name `localhost` and no other name |
    /// | `server-cn-v1` | the same in X.509 version 1 |
    /// | `server-cn-ignored` | common name `localhost`, subject alternative name `other.example` |
    /// | `server-other-host` | for `other.example` |
    /// | `server-ip` | for `127.0.0.1` alone |
    /// | `server-wildcard` | for `*.example.org` |
    /// | `server-expired`, `server-future` | valid until 1999, from 2090 |
    /// | `server-revoked` | in the list `ca.crl` |
    /// | `server-client-only` | for clients alone, by its extended key usage |
    /// | `server-other-ca` | by `other-ca` |
    /// | `self-signed`, `self-signed-v1` | by itself; the second has a common name alone |
    /// | `client` | for the user `alice` |
    /// | `client-rsa` | the same with an RSA key |
    /// | `client-v1` | the same in X.509 version 1 |
    /// | `client-chain` | the same by `intermediate`, which is in the file too |
    /// | `client-lone` | the same without the intermediate certificate |
    /// | `client-expired`, `client-revoked` | as it says |
    /// | `client-other-ca` | by `other-ca` |
    ///
    /// Keys of `client` (EC) and `client-rsa`, besides PKCS#8 in `.key`: `.pkcs8-aes256.key`,
    /// `.pkcs8-des3.key` and, encrypted as OpenSSL once did ("Proc-Type: 4,ENCRYPTED"),
    /// `.old-aes256.key`, `.old-aes128.key` and `.old-des3.key`; `client.sec1.key` and
    /// `client-rsa.pkcs1.key`. Their password is [`PASSWORD`].
    ///
    /// Also: `ca.crl`, which revokes `server-revoked` and `client-revoked`; `other-ca.crl`, of
    /// version 1, which revokes nothing; `both-ca.crt` with both authorities; `capath`, a folder with `ca` and
    /// `other-ca` as `openssl rehash` leaves it; `garbage.crt`, which is no PEM; `empty.crt`.
    pub fn path(&self, name: &str) -> PathBuf {
        let path = self.dir.join(name);
        assert!(path.exists(), "no certificate or key is called {name}");
        path
    }

    /// As [`Certificates::path`], for a command line.
    pub fn text(&self, name: &str) -> String {
        let path = self.path(name);
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    /// Where they all are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn make() -> Self {
        let made = Self { dir: folder() };
        fs::write(made.dir.join("openssl.cnf"), CONFIGURATION).unwrap();
        fs::create_dir(made.dir.join("issued")).unwrap();
        made.make_keys();
        made.make_authorities();
        made.make_servers();
        made.make_clients();
        made.make_others();
        made
    }

    fn make_keys(&self) {
        const RSA: &str = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out";
        const EC: &str = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out";
        for name in ["ca", "other-ca", "intermediate", "server", "client"] {
            self.openssl(&format!("{EC} {name}.key"));
        }
        for name in ["server-rsa", "client-rsa"] {
            self.openssl(&format!("{RSA} {name}.key"));
        }
        self.openssl("ec -in client.key -out client.sec1.key");
        self.openssl("rsa -in client-rsa.key -traditional -out client-rsa.pkcs1.key");
        for (name, command) in [("client", "ec"), ("client-rsa", "rsa -traditional")] {
            let from = format!("-in {name}.key -passout env:PASSWORD -out {name}");
            let to_pkcs8 = format!("pkcs8 -topk8 {from}");
            self.openssl(&format!("{to_pkcs8}.pkcs8-aes256.key -v2 aes-256-cbc"));
            self.openssl(&format!("{to_pkcs8}.pkcs8-des3.key -v2 des3"));
            for cipher in ["aes256", "aes128", "des3"] {
                self.openssl(&format!("{command} {from}.old-{cipher}.key -{cipher}"));
            }
        }
    }

    fn make_authorities(&self) {
        for name in ["ca", "other-ca"] {
            let subject = format!("mqttrs test {name}");
            self.request(name, name);
            fs::write(self.dir.join(format!("{name}.index")), "").unwrap();
            self.sign(name, Signer::Itself, name, &subject, Some("authority"), NOW);
        }
        let (name, authority) = ("intermediate", Some("authority"));
        let subject = "mqttrs test intermediate";
        self.request(name, name);
        fs::write(self.dir.join("intermediate.index"), "").unwrap();
        self.sign(name, Signer::Ca("ca"), name, subject, authority, NOW);
    }

    fn make_servers(&self) {
        self.request("server", "server");
        self.request("server-rsa", "server-rsa");
        let sign = |name: &str, by: &'static str, common_name: &str, extensions, valid| {
            let key = if name == "server-rsa" { name } else { "server" };
            self.sign(name, Signer::Ca(by), key, common_name, extensions, valid);
            self.link_key(key, name);
        };
        let server = Some("server");
        sign("server", "ca", "server", server, NOW);
        sign("server-rsa", "ca", "server with RSA", server, NOW);
        sign("server-lone", "intermediate", "server", server, NOW);
        sign("server-cn", "ca", "localhost", Some("no_names"), NOW);
        sign("server-cn-v1", "ca", "localhost", None, NOW);
        sign("server-cn-ignored", "ca", "localhost", Some("other"), NOW);
        sign("server-other-host", "ca", "other", Some("other"), NOW);
        sign("server-ip", "ca", "an address", Some("address"), NOW);
        sign("server-wildcard", "ca", "wild", Some("wildcard"), NOW);
        sign("server-expired", "ca", "expired", server, PAST);
        sign("server-future", "ca", "future", server, FUTURE);
        sign("server-revoked", "ca", "revoked", server, NOW);
        sign("server-client-only", "ca", "client", Some("client"), NOW);
        sign("server-other-ca", "other-ca", "server", server, NOW);
        self.concatenate("server-chain.crt", &["server-lone.crt", "intermediate.crt"]);
        self.link_key("server", "server-chain");
        for (name, extensions) in [("self-signed", server), ("self-signed-v1", None)] {
            self.link_key("server", name);
            self.sign(name, Signer::Itself, "server", "localhost", extensions, NOW);
        }
    }

    fn make_clients(&self) {
        self.request("client", "client");
        self.request("client-rsa", "client-rsa");
        let sign = |name: &str, by: &'static str, extensions, valid| {
            let key = if name == "client-rsa" { name } else { "client" };
            self.sign(name, Signer::Ca(by), key, "alice", extensions, valid);
            self.link_key(key, name);
        };
        let client = Some("client");
        sign("client", "ca", client, NOW);
        sign("client-rsa", "ca", client, NOW);
        sign("client-v1", "ca", None, NOW);
        sign("client-lone", "intermediate", client, NOW);
        sign("client-expired", "ca", client, PAST);
        sign("client-revoked", "ca", client, NOW);
        sign("client-other-ca", "other-ca", client, NOW);
        self.concatenate("client-chain.crt", &["client-lone.crt", "intermediate.crt"]);
        self.link_key("client", "client-chain");
    }

    fn make_others(&self) {
        let ca = |name: &str, arguments: &str| {
            let common = format!("ca -config openssl.cnf -name by_{name} -batch");
            self.openssl(&format!("{common} {arguments}"));
        };
        ca("ca", "-revoke server-revoked.crt");
        ca("ca", "-revoke client-revoked.crt");
        let next = "-gencrl -crl_lastupdate 19750101000000Z -crl_nextupdate 20991231235959Z";
        fs::write(self.dir.join("ca.crlnumber"), "01\n").unwrap();
        ca("ca", &format!("{next} -out ca.crl"));
        ca("other-ca", &format!("{next} -out other-ca.crl"));
        self.concatenate("both-ca.crt", &["other-ca.crt", "ca.crt"]);
        let capath = self.dir.join("capath");
        fs::create_dir(&capath).unwrap();
        for name in ["ca.crt", "other-ca.crt"] {
            fs::copy(self.dir.join(name), capath.join(name)).unwrap();
        }
        self.openssl("rehash capath");
        fs::write(self.dir.join("garbage.crt"), "no certificate at all\n").unwrap();
        fs::write(self.dir.join("empty.crt"), "").unwrap();
    }

    /// Writes `NAME.csr`, with the key of `key`.
    fn request(&self, name: &str, key: &str) {
        let out = format!("-key {key}.key -out {name}.csr -subj /CN=replaced");
        self.openssl(&format!("req -new -config openssl.cnf {out}"));
    }

    /// Writes `NAME.crt`: the key of the request `request`, and the rest as said. Without
    /// extensions it is of X.509 version 1.
    fn sign(
        &self,
        name: &str,
        signer: Signer,
        request: &str,
        common_name: &str,
        extensions: Option<&str>,
        (from, until): (&str, &str),
    ) {
        let mut command = self.command();
        command.args(["ca", "-config", "openssl.cnf", "-batch", "-notext"]);
        match signer {
            Signer::Ca(by) => command.args(["-name", &format!("by_{by}")]),
            Signer::Itself => {
                fs::write(self.dir.join("itself.index"), "").unwrap();
                command.args(["-name", "by_itself", "-selfsign", "-keyfile"]);
                command.arg(format!("{request}.key"))
            }
        };
        command.args(["-in", &format!("{request}.csr")]);
        command.args(["-out", &format!("{name}.crt")]);
        command.args(["-subj", &format!("/CN={common_name}")]);
        command.args(["-startdate", from, "-enddate", until]);
        if let Some(section) = extensions {
            command.args(["-extensions", section]);
        }
        succeed(&mut command);
    }

    fn link_key(&self, key: &str, name: &str) {
        if key != name {
            let link = self.dir.join(format!("{name}.key"));
            std::os::unix::fs::symlink(format!("{key}.key"), link).unwrap();
        }
    }

    fn concatenate(&self, name: &str, parts: &[&str]) {
        let read = |part: &&str| fs::read(self.dir.join(part)).unwrap();
        let content: Vec<u8> = parts.iter().flat_map(read).collect();
        fs::write(self.dir.join(name), content).unwrap();
    }

    /// Runs openssl with arguments that have no blanks in them.
    fn openssl(&self, arguments: &str) {
        succeed(self.command().args(arguments.split(' ')));
    }

    fn command(&self) -> Command {
        let mut command = Command::new("openssl");
        command
            .current_dir(&self.dir)
            .env("PASSWORD", PASSWORD)
            .env_remove("OPENSSL_CONF")
            .stdin(Stdio::null());
        command
    }
}

/// Who signs.
enum Signer {
    Itself,
    Ca(&'static str),
}

const NOW: (&str, &str) = ("19750101000000Z", "20991231235959Z");
const PAST: (&str, &str) = ("19750101000000Z", "19991231235959Z");
const FUTURE: (&str, &str) = ("20900101000000Z", "20991231235959Z");

/// Each authority remembers what it signed, to revoke it.
const CONFIGURATION: &str = "
[req]
distinguished_name = any

[by_ca]
database = ca.index
certificate = ca.crt
private_key = ca.key
new_certs_dir = issued
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
default_crl_days = 1
crlnumber = ca.crlnumber

[by_other-ca]
database = other-ca.index
certificate = other-ca.crt
private_key = other-ca.key
new_certs_dir = issued
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
default_crl_days = 1

[by_intermediate]
database = intermediate.index
certificate = intermediate.crt
private_key = intermediate.key
new_certs_dir = issued
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any

[by_itself]
database = itself.index
new_certs_dir = issued
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any

[any]
commonName = supplied

[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash

[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1

[no_names]
basicConstraints = critical, CA:FALSE

[other]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:other.example

[address]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1

[wildcard]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:*.example.org

[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
";

/// A new folder of this process. Those of processes that are gone are removed: nothing runs
/// at the end of a test process that could do it.
fn folder() -> PathBuf {
    let parent = std::env::temp_dir();
    let prefix = "mqttrs-certificates-";
    for entry in fs::read_dir(&parent).unwrap().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(prefix));
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Another process may be at it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let dir = parent.join(format!("{prefix}{}", process::id()));
    // Left by a process that had the same number.
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir(&dir).unwrap();
    dir.canonicalize().unwrap()
}

fn succeed(command: &mut Command) {
    let output = command
        .output()
        .expect("running openssl (Debian package openssl)");
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}
