//! The payments service.

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_payments::Payments>()
}
