use std::path::PathBuf;

/// Where the workspace's programs are: above the test's own, or where `PITCHEY_PROGRAMS` says, as in `make soak`, which measures those of the release
/// build.
pub fn programs() -> PathBuf {
    std::env::var_os("PITCHEY_PROGRAMS").map_or_else(
        || {
            let test = std::env::current_exe().expect("this program");
            test.ancestors().nth(2).expect("target/debug").to_owned()
        },
        PathBuf::from,
    )
}
