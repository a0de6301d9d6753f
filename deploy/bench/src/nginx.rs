//! Debian's nginx as a proxy, run by hand.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::upstream::{WORKERS, free_address};

/// Where a package that is not installed is unpacked: it is needed for nothing else.
const UNPACKED: &str = "target/bench/nginx";

/// The program: installed, or unpacked before.
pub fn program() -> Option<PathBuf> {
    let unpacked = PathBuf::from(UNPACKED).join("usr/sbin/nginx");
    [Path::new("/usr/sbin/nginx"), &unpacked].into_iter().find(|path| path.exists()).map(Path::to_path_buf)
}

/// Fetches Debian's package, without installing it, if there is none.
pub fn ensure() -> Option<PathBuf> {
    if program().is_none() {
        let script = format!(
            "set -e; mkdir -p {UNPACKED}; cd {UNPACKED}; apt-get -q download nginx >/dev/null 2>&1; dpkg -x nginx_*.deb .; rm nginx_*.deb"
        );
        let _ = Command::new("bash").args(["-c", &script]).status();
    }
    program()
}

/// A running proxy.
pub struct Nginx {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Nginx {
    /// In front of `upstream`, with as many workers and as little logging as the gateway has.
    pub fn start(program: &Path, upstream: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (address, dir) = (free_address(), folder.path().display());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {dir}/{kind};\n"))
            .collect();
        let configuration = format!(
            "daemon off; worker_processes {WORKERS}; pid {dir}/pid; error_log {dir}/error.log;
             events {{ worker_connections 1024; }}
             http {{
                 access_log off; keepalive_requests 1000000; server_tokens off;
                 {temporary}
                 upstream behind {{ server {upstream}; keepalive 64; keepalive_requests 1000000; }}
                 server {{
                     listen {address};
                     location / {{ proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
                 }}
             }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let process = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { address, process, _folder: folder }
    }

    /// Its master process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A master that is killed leaves its workers.
        let master = nix::unistd::Pid::from_raw(self.process.id().cast_signed());
        let _ = nix::sys::signal::kill(master, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}
