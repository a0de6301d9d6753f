//! The pitches service.

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_pitches::Pitches>()
}
