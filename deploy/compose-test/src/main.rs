//! Plays what operators do to the platform with real containers.

fn main() {}
