//! Mail, from what an event asked for to what a mail server took:
//!
//! 1. a consumer writes an `email_requests` row: whom, which letter, the ids in it (it may ask nobody);
//! 2. the **addresser** asks accounts for addresses and names, decides by the preferences, renders, and moves the row to `email_queue`, or
//!    keeps it for a digest;
//! 3. the **sender** asks accounts for the token if the letter has one, puts it where the placeholder is, sends, and writes down how it ended.
//!
//! 2 and 3 run on every replica. Each claims rows in a short transaction, works outside of any, and ends in another short one.

mod addresser;
mod folder;
mod letter;
mod message;
mod render;
mod sender;
mod smtp;
mod transport;
mod words;
mod worker;

pub(crate) use folder::{Folder, Kept};
pub(crate) use letter::{Agreement, Ended, Letter};
pub(crate) use render::mails_page;
pub(crate) use transport::Transport;
pub(crate) use words::one_line;
pub(crate) use worker::Workers;
