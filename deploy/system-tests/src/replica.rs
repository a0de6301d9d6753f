//! One process of a service.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pitchey_events::Service;
use serde_json::Value;
use tokio::process::{Child, Command};

/// A replica: where it is, and what can be done to it.
pub struct Replica {
    /// Which service.
    pub service: Service,
    pub(crate) http: u16,
    environment: Vec<(String, String)>,
    /// The folder of the program that it is started from.
    programs: Mutex<PathBuf>,
    log: PathBuf,
    /// Who vouches for it, if it speaks TLS.
    authorities: Option<PathBuf>,
    child: Mutex<Option<Child>>,
}

impl Replica {
    pub(crate) fn new(
        service: Service,
        number: usize,
        (http, rpc): (u16, u16),
        environment: &[(String, String)],
        programs: &Path,
        dir: &Path,
        authorities: Option<PathBuf>,
    ) -> Self {
        let prefix = service.as_str().to_uppercase();
        let mut environment = environment.to_vec();
        environment.push((format!("{prefix}_HTTP__ADDRESS"), format!("127.0.0.1:{http}")));
        if service != Service::Gateway {
            environment.push((format!("{prefix}_RPC__ADDRESS"), format!("127.0.0.1:{rpc}")));
        }
        let log = dir.join(format!("{service}-{number}.log"));
        let programs = Mutex::new(programs.to_owned());
        Self { service, http, environment, programs, log, authorities, child: Mutex::default() }
    }

    /// Starts it, also again.
    pub fn start(&self) {
        let program = self.programs().join(format!("pitchey-{}", self.service));
        let log = File::options().create(true).append(true).open(&self.log).expect("a log file");
        let child = Command::new(&program)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: cargo build --bins", program.display()));
        *self.child() = Some(child);
    }

    /// Lets it end in order, and starts the program of another folder in its place.
    ///
    /// # Panics
    /// If it does not end in order.
    pub async fn become_that_of(&self, programs: &Path) {
        let status = self.terminate().await;
        assert!(status.success(), "{} ended with {status}:\n{}", self.service, self.log());
        programs.clone_into(&mut self.programs());
        self.start();
    }

    /// Where its HTTP is.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.http).into()
    }

    /// What it says of itself, if it can serve.
    pub async fn health(&self) -> Option<Value> {
        let mut client = pitchey_testkit::http().timeout(Duration::from_secs(2));
        let mut scheme = "http";
        if let Some(authorities) = &self.authorities {
            let pem = std::fs::read(authorities).ok()?;
            client = client.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem).ok()?);
            scheme = "https";
        }
        let url = format!("{scheme}://{}/health", self.address());
        let answer = client.build().ok()?.get(url).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// What its program finds out as `ask PATH`, with the same settings: exit code and what it prints.
    pub async fn ask(&self, path: &str) -> (i32, String) {
        let program = self.programs().join(format!("pitchey-{}", self.service));
        let output = Command::new(program)
            .args(["ask", path])
            .env_clear()
            .envs(self.environment.iter().cloned())
            .output()
            .await
            .expect("its program");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&self) {
        let child = self.child().take();
        if let Some(mut child) = child {
            child.kill().await.expect("SIGKILL");
        }
    }

    /// SIGTERM, and waits for its end.
    pub async fn terminate(&self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        let mut child = self.child().take().expect("it runs");
        child.wait().await.expect("its end")
    }

    /// SIGSTOP: stands still, its connections stay open.
    pub fn stop(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn cont(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).expect("a signal");
    }

    fn pid(&self) -> u32 {
        self.child().as_ref().and_then(Child::id).expect("it runs")
    }

    /// The most memory that was its own at any time since it started, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kilobytes = peak.trim().trim_end_matches(" kB");
        kilobytes.parse::<u64>().expect("a number") * 1024
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The exit status, if it ended by itself.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child().as_mut()?.try_wait().ok()?
    }

    fn programs(&self) -> MutexGuard<'_, PathBuf> {
        self.programs.lock().expect("nobody panics with it")
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().expect("nobody panics with it")
    }
}
