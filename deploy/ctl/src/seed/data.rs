//! The demo data as its files say it.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Failure;

const USERS: &str = include_str!("../../demo/users.toml");
const PEOPLE: &str = include_str!("../../demo/people.toml");
const PITCHES: [&str; 2] =
    [include_str!("../../demo/pitches-1.toml"), include_str!("../../demo/pitches-2.toml")];
const NDAS: &str = include_str!("../../demo/ndas.toml");

/// All of it.
pub(crate) struct Demo {
    pub(crate) users: Vec<User>,
    pub(crate) pitches: Vec<Pitch>,
    pub(crate) ndas: Vec<Nda>,
    pub(crate) follows: Vec<Follow>,
    pub(crate) policies: Vec<Policy>,
}

/// An age before the moment of loading, as Postgres reads an interval.
pub(crate) type Age = String;

const fn yes() -> bool {
    true
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) id: i32,
    pub(crate) email: String,
    pub(crate) username: String,
    r#type: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) company_name: Option<String>,
    #[serde(default)]
    company_verified: bool,
    location: Option<String>,
    bio: Option<String>,
    website: Option<String>,
    #[serde(default = "yes")]
    email_verified: bool,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    credits: i32,
    joined: Age,
    suspended: Option<Age>,
    banned: Option<Age>,
    deleted: Option<Age>,
    pub(crate) anonymised: Option<Age>,
}

#[derive(Deserialize)]
pub(crate) struct Pitch {
    pub(crate) id: i32,
    pub(crate) owner: i32,
    #[serde(default = "published")]
    pub(crate) status: String,
    pub(crate) hidden_by: Option<String>,
    pub(crate) status_before_archive: Option<String>,
    pub(crate) created: Age,
    pub(crate) published: Option<Age>,
    pub(crate) updated: Option<Age>,
    pub(crate) deleted: Option<Age>,
    /// What its owner writes, in the names of the API.
    #[serde(flatten)]
    pub(crate) content: Map<String, Value>,
}

fn published() -> String {
    "published".to_owned()
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nda {
    pub(crate) id: i32,
    pub(crate) pitch: i32,
    pub(crate) requester: i32,
    pub(crate) status: String,
    pub(crate) message: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) terms: Option<String>,
    pub(crate) expiry_days: Option<i32>,
    pub(crate) signer_name: Option<String>,
    pub(crate) signer_title: Option<String>,
    pub(crate) signer_company: Option<String>,
    pub(crate) revoked_by: Option<i32>,
    pub(crate) requested: Age,
    pub(crate) approved: Option<Age>,
    pub(crate) rejected: Option<Age>,
    pub(crate) withdrawn: Option<Age>,
    pub(crate) signed: Option<Age>,
    pub(crate) revoked: Option<Age>,
    pub(crate) expired: Option<Age>,
    pub(crate) reminded: Option<Age>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Follow {
    follower: i32,
    users: Vec<i32>,
    pitches: Vec<i32>,
    since: Age,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    owner: i32,
    policy: String,
}

impl Demo {
    pub(crate) fn read() -> Result<Self, Failure> {
        let mut people = tables("people.toml", PEOPLE)?;
        let mut pitches = Vec::new();
        for (number, text) in (1..).zip(PITCHES) {
            let name = format!("pitches-{number}.toml");
            pitches.extend(rows(&name, "pitch", &mut tables(&name, text)?)?);
        }
        let demo = Self {
            users: rows("users.toml", "user", &mut tables("users.toml", USERS)?)?,
            pitches,
            ndas: rows("ndas.toml", "nda", &mut tables("ndas.toml", NDAS)?)?,
            follows: rows("people.toml", "follow", &mut people)?,
            policies: rows("people.toml", "policy", &mut people)?,
        };
        demo.check()?;
        Ok(demo)
    }

    /// What the database would not say clearly.
    fn check(&self) -> Result<(), Failure> {
        for (what, ids) in [
            ("users", self.users.iter().map(|user| user.id).collect::<Vec<_>>()),
            ("pitches", self.pitches.iter().map(|pitch| pitch.id).collect()),
            ("NDAs", self.ndas.iter().map(|nda| nda.id).collect()),
        ] {
            if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
                return Err(Failure::Failed(format!("demo data: two {what} have the same id")));
            }
        }
        Ok(())
    }
}

type Tables = BTreeMap<String, Vec<toml::Value>>;

fn tables(file: &str, text: &str) -> Result<Tables, Failure> {
    toml::from_str(text).map_err(|error| Failure::Failed(format!("demo/{file}: {error}")))
}

fn rows<T: DeserializeOwned>(file: &str, table: &str, tables: &mut Tables) -> Result<Vec<T>, Failure> {
    let rows = tables.remove(table).unwrap_or_default();
    (1..)
        .zip(rows)
        .map(|(number, row)| {
            T::deserialize(row).map_err(|error| {
                Failure::Failed(format!("demo/{file}: [[{table}]] number {number}: {error}"))
            })
        })
        .collect()
}
