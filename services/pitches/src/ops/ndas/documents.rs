//! The agreement itself: rendered once, at approval, then frozen.

use chrono::{DateTime, SecondsFormat, Utc};
use minijinja::Environment;
use minijinja::value::Serde;
use pitchey_rpc::PublicUser;
use serde::Serialize;

use crate::content::sha256;
use crate::error::Error;
use crate::words::Agreement;

/// Media type of what [`render`] makes.
pub const MEDIA_TYPE: &str = "text/plain; charset=utf-8";

/// What an agreement is about.
pub struct Terms<'a> {
    pub nda_id: i32,
    pub nda_type: Agreement,
    pub pitch_id: i32,
    pub pitch_title: &'a str,
    pub version: i32,
    pub version_hash: &'a str,
    pub owner: Named,
    pub requester: Named,
    pub additions: Option<&'a str>,
    pub days: i32,
    pub at: DateTime<Utc>,
}

/// A party, as it is named in the agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    pub id: i32,
    pub name: String,
    pub company: Option<String>,
}

impl From<&PublicUser> for Named {
    fn from(user: &PublicUser) -> Self {
        let full = [user.first_name.as_deref(), user.last_name.as_deref()];
        let full: Vec<&str> = full.into_iter().flatten().filter(|name| !name.is_empty()).collect();
        let name = if full.is_empty() { user.username.clone() } else { full.join(" ") };
        Self { id: user.id.0, name, company: user.company_name.clone().filter(|name| !name.is_empty()) }
    }
}

/// A rendered agreement.
pub struct Document {
    pub text: String,
    pub hash: String,
}

/// The agreement as text. A later renderer may make another format of the same terms.
pub fn render(terms: &Terms<'_>) -> Result<Document, Error> {
    let template = match terms.nda_type {
        Agreement::Basic => include_str!("../../../templates/nda_basic.txt"),
        Agreement::Enhanced => include_str!("../../../templates/nda_enhanced.txt"),
        Agreement::Custom => include_str!("../../../templates/nda_custom.txt"),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let text = environment
        .add_template("frame", include_str!("../../../templates/nda_frame.txt"))
        .and_then(|()| environment.add_template("agreement", template))
        .and_then(|()| environment.get_template("agreement"))
        .and_then(|template| {
            template.render(minijinja::context! {
                nda_id => terms.nda_id,
                pitch_id => terms.pitch_id,
                pitch_title => terms.pitch_title,
                version => terms.version,
                version_hash => terms.version_hash,
                owner => Serde(terms.owner.clone()),
                requester => Serde(terms.requester.clone()),
                additions => terms.additions,
                days => terms.days,
                at => terms.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            })
        })
        .map_err(|error| Error::Internal(error.into()))?;
    Ok(Document { hash: sha256(text.as_bytes()), text })
}
