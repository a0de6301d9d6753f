//! What needs size to be believed.

mod faults;
mod history;
mod replica;
