//! Programs in Python that tests talk to.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use tokio::process::Command;

/// A Python with the packages of `deploy/dev/python`.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/dev/python");
        let output = std::process::Command::new(script).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "deploy/dev/python found or made no Python: see above");
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// One of the programs beside this file, to be given its arguments.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(python());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(name)).kill_on_drop(true);
    command
}
