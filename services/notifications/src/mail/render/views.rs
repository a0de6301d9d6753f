//! What the templates see.

use minijinja::Value;
use serde::{Serialize, Serializer};

use crate::mail::letter::Ended;

/// An address of the platform. It is made here from settings and ids, so it needs no escaping.
#[derive(Clone, Debug)]
pub(super) struct Link(pub(super) String);

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

/// What every template gets.
#[derive(Serialize)]
pub(super) struct Page<L> {
    pub(super) name: Option<String>,
    pub(super) home: Link,
    pub(super) preferences: Link,
    /// To get no more of this kind, and what kind that is.
    pub(super) unsubscribe: Option<Link>,
    pub(super) kind: &'static str,
    pub(super) letter: L,
}

#[derive(Serialize)]
pub(super) struct WithToken {
    pub(super) link: Link,
    pub(super) day: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Welcome {
    pub(super) link: Link,
    pub(super) may_publish: bool,
    pub(super) may_buy: bool,
}

#[derive(Serialize)]
pub(super) struct Security {
    pub(super) at: String,
    pub(super) link: Link,
}

#[derive(Serialize)]
pub(super) struct Nda {
    pub(super) other: String,
    pub(super) title: String,
    pub(super) nda: Link,
    pub(super) pitch: Link,
    /// Whether a message or a reason came with it, it had been signed, or is to be signed.
    pub(super) more: bool,
    /// The day that matters.
    pub(super) day: Option<String>,
    pub(super) ended: Option<Ended>,
}

/// Of people and pitches.
#[derive(Serialize)]
pub(super) struct Around {
    pub(super) other: String,
    pub(super) title: Option<String>,
    pub(super) link: Link,
    pub(super) count: i64,
}

#[derive(Serialize)]
pub(super) struct Money {
    pub(super) amount: String,
    pub(super) description: String,
    pub(super) invoice: String,
    pub(super) day: String,
    pub(super) for_plan: bool,
    pub(super) link: Link,
}

#[derive(Serialize)]
pub(super) struct Plan {
    pub(super) tier: &'static str,
    pub(super) before: &'static str,
    pub(super) changed: bool,
    pub(super) ends: Option<String>,
    pub(super) grace: Option<String>,
    pub(super) link: Link,
}

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) about_pitch: bool,
    pub(super) upheld: bool,
}

#[derive(Serialize)]
pub(super) struct Lines {
    pub(super) lines: Vec<Shown>,
    pub(super) unread: Vec<Shown>,
    /// Lines that did not fit.
    pub(super) more: usize,
    pub(super) link: Link,
}

#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) what: String,
    pub(super) title: Option<String>,
    pub(super) who: Option<String>,
    pub(super) link: Link,
}
