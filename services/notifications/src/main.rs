//! The notifications service.

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_notifications::Notifications>()
}
