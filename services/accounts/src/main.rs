//! The accounts service.

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_accounts::Accounts>()
}
