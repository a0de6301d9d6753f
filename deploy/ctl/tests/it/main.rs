//! `ctl` as an operator meets it.

mod database;
mod documents;
