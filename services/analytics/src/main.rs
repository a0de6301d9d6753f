//! The analytics service.

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_analytics::Analytics>()
}
