//! The floor of everything that ends in a transaction.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// A script of deploy/bench/sql, with values for its variables.
pub struct Script<'a> {
    /// The script.
    pub sql: &'a str,
    /// Values for the variables that it does not set itself.
    pub variables: &'a [(&'a str, String)],
}

/// Transactions a second of `clients` clients, as prepared statements.
///
/// # Panics
/// If one of them fails.
pub async fn run(url: &str, script: &Script<'_>, clients: usize, sample: Duration) -> f64 {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script.sql).unwrap();
    let seconds = sample.as_secs().max(1).to_string();
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2", "-T", &seconds, "-c", &clients.to_string(), "-f"])
        .arg(file.path())
        .args(script.variables.iter().map(|(name, value)| format!("-D{name}={value}")))
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("pgbench");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !complained.contains("aborted"), "pgbench: {said}{complained}");
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.unwrap_or_else(|| panic!("pgbench did not say how many: {said}"))
}
