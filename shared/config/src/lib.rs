#![doc = include_str!("../README.md")]

mod macros;
mod reader;
mod sections;

pub use reader::{Described, Invalid, Problem, Reader, Setting, Settings, describe, load, load_from};
pub use sections::{Http, Mode, Rpc};

#[doc(hidden)]
pub use serde as __serde;
