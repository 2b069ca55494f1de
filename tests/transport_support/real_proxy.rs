//! Proxies that others use: microsocks, Dante, tinyproxy and squid, each from the Debian package
//! of (almost) its name, for one test.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::broker::HeldPort;

/// Longest time that a test waits for a proxy to listen.
const PATIENCE: Duration = Duration::from_secs(30);

pub const USER: &str = "somebody";
pub const PASSWORD: &str = "something";

/// A running proxy; it ends, with its children, when this is dropped.
pub struct RealProxy {
    child: Child,
    port: HeldPort,
}

impl RealProxy {
    /// SOCKS5, for all or for [`USER`].
    pub fn microsocks(password: bool) -> RealProxy {
        let port = HeldPort::new();
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &port.number().to_string()]);
        if password {
            command.args(["-u", USER, "-P", PASSWORD]);
        }
        RealProxy::start(command, port)
    }

    /// SOCKS5.
    pub fn dante(dir: &Path) -> RealProxy {
        let port = HeldPort::new();
        let conf = format!(
            "logoutput: stderr\n\
             internal: 127.0.0.1 port = {}\n\
             external: lo\n\
             clientmethod: none\n\
             socksmethod: none\n\
             client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}\n\
             socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect }}\n",
            port.number()
        );
        let file = dir.join("danted.conf");
        fs::write(&file, conf).unwrap();
        let mut command = Command::new("/usr/sbin/danted");
        command.arg("-f").arg(&file).arg("-p");
        command.arg(dir.join("danted.pid"));
        RealProxy::start(command, port)
    }

    /// HTTP, for all or for [`USER`].
    pub fn tinyproxy(dir: &Path, password: bool) -> RealProxy {
        let port = HeldPort::new();
        let mut conf = format!(
            "Port {}\nListen 127.0.0.1\nTimeout 600\nMaxClients 50\nAllow 127.0.0.1\n",
            port.number()
        );
        if password {
            conf.push_str(&format!("BasicAuth {USER} {PASSWORD}\n"));
        }
        let file = dir.join("tinyproxy.conf");
        fs::write(&file, conf).unwrap();
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(&file);
        RealProxy::start(command, port)
    }

    /// HTTP, for all or for [`USER`].
    pub fn squid(dir: &Path, password: bool) -> RealProxy {
        let port = HeldPort::new();
        let mut conf = format!(
            "http_port 127.0.0.1:{}\n\
             pid_filename none\n\
             cache deny all\n\
             cache_mem 1 MB\n\
             cache_log stdio:/dev/null\n\
             access_log none\n\
             max_filedescriptors 1024\n\
             pinger_enable off\n\
             visible_hostname localhost\n\
             shutdown_lifetime 0 seconds\n",
            port.number()
        );
        if password {
            // It believes every password, but wants one.
            conf.push_str(
                "auth_param basic program /usr/lib/squid/basic_fake_auth\n\
                 auth_param basic children 1 startup=1\n\
                 acl known proxy_auth REQUIRED\n\
                 http_access allow known\n\
                 http_access deny all\n",
            );
        } else {
            conf.push_str("http_access allow all\n");
        }
        let file = dir.join("squid.conf");
        fs::write(&file, conf).unwrap();
        let mut command = Command::new("/usr/sbin/squid");
        command.arg("-N").arg("-f").arg(&file).current_dir(dir);
        RealProxy::start(command, port)
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    fn start(mut command: Command, port: HeldPort) -> RealProxy {
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} (a Debian package): {error}"));
        let mut proxy = RealProxy { child, port };
        // None of them says that it listens, so that connecting is the one way to know.
        let address = SocketAddr::from(([127, 0, 0, 1], proxy.port()));
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let ended = proxy.child.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            assert!(Instant::now() < deadline, "{command:?} does not listen");
            thread::yield_now();
        }
        proxy
    }
}

impl Drop for RealProxy {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        unsafe { libc::kill(-(self.child.id() as libc::pid_t), libc::SIGKILL) };
        let _ = self.child.wait();
    }
}
