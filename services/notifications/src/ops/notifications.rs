use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::UserId;
use pitchey_web::{Listed, Paging};

use crate::error::Error;
use crate::store::notifications::{self as store, Notification, Which};

/// A page of `user`'s list, and how many are unread in all.
pub(crate) async fn list(
    tx: &mut Tx,
    user: UserId,
    which: Which,
    paging: &Paging,
) -> Result<(Listed<Notification>, i64), Error> {
    let rows = store::page(tx, user, which, paging).await?;
    let unread = store::count(tx, user, Which::Unread).await?;
    let total = match which {
        Which::All => store::count(tx, user, Which::All).await?,
        Which::Unread => unread,
    };
    Ok((Listed::page(paging, rows, total, store::cursor), unread))
}

/// Marks one as read; again is the same.
pub(crate) async fn read(
    tx: &mut Tx,
    user: UserId,
    id: i64,
    now: DateTime<Utc>,
) -> Result<Notification, Error> {
    store::mark_read(tx, user, id, now).await?.ok_or(Error::NotificationNotFound)
}

/// Marks all as read, and says how many were not.
pub(crate) async fn read_all(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<usize, Error> {
    Ok(store::mark_all_read(tx, user, now).await?)
}
