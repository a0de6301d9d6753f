use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::error::Error;
use crate::store::email_preferences::{self as store, Change, Preferences};

/// `user`'s preferences, or the defaults.
pub(crate) async fn get(tx: &mut Tx, user: UserId) -> Result<Preferences, Error> {
    let row = store::of(tx, &[user.0]).await?.pop();
    Ok(row.unwrap_or_else(|| Preferences::of_nobody_yet(user)))
}

/// Changes some of them.
pub(crate) async fn set(tx: &mut Tx, user: UserId, change: &Change) -> Result<Preferences, Error> {
    Ok(store::upsert(tx, user, change).await?)
}
