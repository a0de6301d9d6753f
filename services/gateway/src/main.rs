//! The gateway.

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_gateway::Gateway>()
}
