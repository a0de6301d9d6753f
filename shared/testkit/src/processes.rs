//! What other processes are there, and signals for a server with all of its children.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// When the process began, in ticks since the machine did; `None` if there is none. With its id it names a process for ever: ids come again.
pub(crate) fn birth(pid: u32) -> Option<u64> {
    field(&stat(pid)?, 19)
}

/// Tells machines and containers apart: ids of processes mean something only within one.
pub(crate) fn machine() -> String {
    let mut hasher = DefaultHasher::new();
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().hash(&mut hasher);
    std::fs::read_link("/proc/self/ns/pid").unwrap_or_default().hash(&mut hasher);
    format!("{:06x}", hasher.finish() & 0xff_ffff)
}

/// Sends `signal` to `pid` and everything below it, parents first.
pub(crate) fn signal_tree(pid: u32, signal: Signal) {
    let mut tree = vec![pid];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        // Gone already is as good as signalled.
        let _ = kill(Pid::from_raw(parent.cast_signed()), signal);
        tree.extend(children(parent));
        next += 1;
    }
}

fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| stat(pid).and_then(|stat| field(&stat, 1)) == Some(u64::from(parent))).collect()
}

/// What follows the name of the command in `/proc/<pid>/stat`: the name may hold anything.
fn stat(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.to_owned())
}

fn field(stat: &str, index: usize) -> Option<u64> {
    stat.split(' ').nth(index)?.parse().ok()
}
