//! What processes cost, from /proc.

use std::time::Duration;

/// Ticks a second: what Linux tells /proc's readers on every machine.
const TICKS: u64 = 100;

/// A process, or one with everything below it.
#[derive(Clone, Copy, Debug)]
pub enum Processes {
    /// One.
    One(u32),
    /// One and its descendants, those that ended included once their parents have taken note.
    Tree(u32),
}

/// Processor time that `processes` have used since they began: user and system.
pub fn used(processes: &[Processes]) -> Duration {
    let ticks: u64 = processes
        .iter()
        .map(|processes| match *processes {
            Processes::One(pid) => stat(pid).map_or(0, |stat| stat.own),
            Processes::Tree(pid) => tree(pid),
        })
        .sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// Resident memory, in MiB.
pub fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

struct Stat {
    parent: u32,
    own: u64,
    ended_children: u64,
}

fn tree(root: u32) -> u64 {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<(u32, Stat)> = pids.filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let mut within = vec![root];
    let mut next = 0;
    while let Some(&parent) = within.get(next) {
        within.extend(all.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    all.iter().filter(|(pid, _)| within.contains(pid)).map(|(_, stat)| stat.own + stat.ended_children).sum()
}

fn stat(pid: u32) -> Option<Stat> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: number(11)? + number(12)?,
        ended_children: number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_time() {
        let me = [Processes::One(std::process::id())];
        let before = used(&me);
        while used(&me) < before + Duration::from_millis(30) {}
        let own = used(&me);
        assert!(used(&[Processes::Tree(std::process::id())]) >= own);
        assert!(resident(std::process::id()) > 1.0);
    }
}
