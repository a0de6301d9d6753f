//! Migrations are embedded at compile time: a new folder must recompile this crate.
#![expect(clippy::expect_used, reason = "a build that can't read its sources has failed")]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    let mut files = vec![PathBuf::from("../../deploy/postgres/roles.sql")];
    collect(Path::new("../../migrations"), &mut files);
    files.sort();
    println!("cargo:rerun-if-changed=../../migrations");
    println!("cargo:rerun-if-changed=../../deploy/postgres/roles.sql");

    let mut hasher = DefaultHasher::new();
    for file in files {
        (&file, std::fs::read(&file).expect("a file just listed")).hash(&mut hasher);
    }
    println!("cargo:rustc-env=PITCHEY_SCHEMA_FINGERPRINT={:016x}", hasher.finish());
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the migrations").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => collect(&path, files),
            false if path.extension().is_some_and(|extension| extension != "md") => files.push(path),
            false => {}
        }
    }
}
