//! What needs size to be believed.

mod faults;
mod replica;
