//! `conversation_keys`.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;

use crate::schema::conversation_keys as keys;

/// A data key as it lies here: wrapped.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = keys)]
pub struct Wrapped {
    pub conversation_id: i32,
    pub version: i32,
    pub wrapped_key: String,
    pub master_key: String,
}

pub async fn insert(tx: &mut Tx, wrapped: &Wrapped) -> QueryResult<()> {
    diesel::insert_into(keys::table).values(wrapped).execute(tx).await?;
    Ok(())
}

/// The keys of `conversations`, the newest first.
pub async fn of(tx: &mut Tx, conversations: &[i32]) -> QueryResult<Vec<Wrapped>> {
    keys::table
        .filter(keys::conversation_id.eq_any(conversations))
        .order((keys::conversation_id, keys::version.desc()))
        .select(Wrapped::as_select())
        .load(tx)
        .await
}

/// Up to `most` keys that are not wrapped by `master`, in order after `after`.
pub async fn under_others(
    connection: &mut AsyncPgConnection,
    master: &str,
    after: (i32, i32),
    most: i64,
) -> QueryResult<Vec<Wrapped>> {
    let (conversation, version) = after;
    keys::table
        .filter(keys::master_key.ne(master))
        .filter(
            keys::conversation_id
                .gt(conversation)
                .or(keys::conversation_id.eq(conversation).and(keys::version.gt(version))),
        )
        .order((keys::conversation_id, keys::version))
        .select(Wrapped::as_select())
        .limit(most)
        .load(connection)
        .await
}

/// Wraps a key anew, unless somebody did since it was read.
pub async fn rewrap(connection: &mut AsyncPgConnection, old: &Wrapped, new: &Wrapped) -> QueryResult<bool> {
    let updated = diesel::update(keys::table.find((old.conversation_id, old.version)))
        .filter(keys::wrapped_key.eq(&old.wrapped_key))
        .set((keys::wrapped_key.eq(&new.wrapped_key), keys::master_key.eq(&new.master_key)))
        .execute(connection)
        .await?;
    Ok(updated == 1)
}
