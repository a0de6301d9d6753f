//! Mail, from what an event asked for to what a mail server took:
//!
//! 1. a consumer writes an `email_requests` row: whom, which letter, the ids in it (it may ask nobody);
//! 2. the **addresser** decides by the preferences: what is wanted in a digest is held back; for the rest it asks accounts for addresses and names,
//!    renders, and moves the row to `email_queue`;
//! 3. the **digester** makes one mail of what was held back for a user, when a period's digests were planned;
//! 4. the **sender** asks accounts for the token if the letter has one, puts it where the placeholder is, sends, and writes down how it ended.
//!
//! Beside them the **herald** tells the followers of who published something, page by page: it writes the same rows as a consumer does.
//!
//! All of them run on every replica. Each claims rows in a short transaction, works outside of any, and ends in another short one.

mod addresser;
mod digest;
mod digester;
mod dkim;
mod folder;
mod herald;
mod letter;
mod message;
mod pages;
mod render;
mod samples;
mod sender;
mod smtp;
mod transport;
mod unsubscribe;
mod words;
mod worker;
mod writer;

pub(crate) use folder::{Folder, Kept};
pub(crate) use letter::{Agreement, Amount, Category, Ended, Letter, Named};
pub(crate) use pages::{mails_page, unsubscribe_page};
pub use samples::{NoPreview, Preview, previews};
pub(crate) use transport::Transport;
pub(crate) use unsubscribe::{BadKey as BadUnsubscribeKey, Unsubscriber, Unsubscription};
pub(crate) use words::one_line;
pub(crate) use worker::Workers;
