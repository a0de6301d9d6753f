#![doc = include_str!("../README.md")]

mod macros;
mod reader;
mod sections;
mod tls;

pub use reader::{Described, Invalid, Problem, Reader, Setting, Settings, describe, load, load_from};
pub use sections::{Http, Mode, Rpc};
pub use tls::{Certificate, Nobody, Trust};

#[doc(hidden)]
pub use serde as __serde;
