//! Where it was measured.

use std::process::Command;

/// The first value of `key` in a file of /proc.
fn proc_value(file: &str, key: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
}

/// The first line that a command prints, on whichever of its outputs.
pub fn version(command: &str, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(command).args(arguments).output() else { return "unknown".to_owned() };
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned()
}

/// Processor, memory, kernel.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory =
        proc_value("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0)
            / 1_048_576.0;
    format!(
        "{cores} cores of {}, {memory:.0} GiB of memory, {}, Linux {}",
        proc_value("/proc/cpuinfo", "model name"),
        std::fs::read_to_string("/etc/os-release")
            .unwrap_or_default()
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_NAME="))
            .unwrap_or("unknown")
            .trim_matches('"'),
        version("uname", &["-r"]),
    )
}

/// Load averages, and the processor time that the machine's host gave to others, since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Over 1, 5 and 15 minutes.
    pub averages: [f64; 3],
    steal: f64,
    total: f64,
}

impl Load {
    /// Now.
    pub fn now() -> Self {
        let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let mut numbers = text.split(' ').filter_map(|number| number.parse().ok());
        let averages = std::array::from_fn(|_| numbers.next().unwrap_or(f64::NAN));
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks: Vec<f64> = stat
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .filter_map(|n| n.parse().ok())
            .collect();
        Self { averages, steal: ticks.get(7).copied().unwrap_or(0.0), total: ticks.iter().take(8).sum() }
    }

    /// The share of processor time that was stolen since `before`, in percent.
    pub fn stolen_since(&self, before: &Self) -> f64 {
        100.0 * (self.steal - before.steal) / (self.total - before.total).max(1.0)
    }
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [one, five, fifteen] = self.averages;
        write!(f, "{one:.2} {five:.2} {fifteen:.2}")
    }
}
