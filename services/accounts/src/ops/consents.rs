//! What users agreed to: which text, when, from where. The newest word on a purpose holds.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_db::audit::Origin;
use pitchey_events::UserId;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::store::user_consents::{self, Consent, NewConsent};

/// What one can agree to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// The terms of use: nobody has an account without.
    Terms,
    /// How data is treated: the same.
    Privacy,
    /// Mails about offers.
    Marketing,
    /// Counting what is used.
    Analytics,
}

impl Purpose {
    pub const ALL: [Self; 4] = [Self::Terms, Self::Privacy, Self::Marketing, Self::Analytics];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Privacy => "privacy",
            Self::Marketing => "marketing",
            Self::Analytics => "analytics",
        }
    }

    /// The version of the text that is shown now. A new text is a new version here.
    pub const fn current_version(self) -> &'static str {
        match self {
            Self::Terms | Self::Privacy | Self::Marketing | Self::Analytics => "2026-11",
        }
    }

    const fn needed(self) -> bool {
        matches!(self, Self::Terms | Self::Privacy)
    }
}

/// What somebody says about a purpose.
pub struct Word<'a> {
    pub purpose: Purpose,
    pub granted: bool,
    /// Of the text that was shown; the current one unless given.
    pub document_version: Option<&'a str>,
}

/// What registering agrees to.
pub async fn at_registration(
    tx: &mut Tx,
    user: UserId,
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<(), Error> {
    let given = Purpose::ALL.into_iter().filter(|purpose| purpose.needed());
    let rows: Vec<_> = given.map(|purpose| row(user, purpose, true, now, origin)).collect();
    Ok(user_consents::insert(tx, &rows).await?)
}

/// Keeps what is new among `words`; returns what holds then.
pub async fn say(
    tx: &mut Tx,
    user: UserId,
    words: &[Word<'_>],
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<Vec<Consent>, Error> {
    for word in words {
        if word.purpose.needed() && !word.granted {
            return Err(Error::ConsentNeeded);
        }
        if word.document_version.is_some_and(|version| version != word.purpose.current_version()) {
            return Err(Error::ConsentOutdated(word.purpose));
        }
    }
    let before = user_consents::newest(tx, user).await?;
    let is_new = |word: &&Word<'_>| {
        !before.iter().any(|consent| {
            consent.purpose == word.purpose.as_str()
                && consent.granted == word.granted
                && consent.document_version == word.purpose.current_version()
        })
    };
    let rows: Vec<_> =
        words.iter().filter(is_new).map(|word| row(user, word.purpose, word.granted, now, origin)).collect();
    if rows.is_empty() {
        return Ok(before);
    }
    user_consents::insert(tx, &rows).await?;
    Ok(user_consents::newest(tx, user).await?)
}

fn row(user: UserId, purpose: Purpose, granted: bool, now: DateTime<Utc>, origin: &Origin) -> NewConsent<'_> {
    NewConsent {
        user_id: user.0,
        purpose: purpose.as_str(),
        document_version: purpose.current_version(),
        granted,
        ip_address: origin.ip.as_deref(),
        created_at: now,
    }
}
