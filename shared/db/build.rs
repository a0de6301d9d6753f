//! Migrations are embedded at compile time: a new folder must recompile this crate.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
    println!("cargo:rerun-if-changed=../../deploy/postgres/roles.sql");
}
