//! The messaging service.

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_messaging::Messaging>()
}
