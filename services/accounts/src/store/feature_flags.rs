//! `feature_flags` and `feature_flag_users`. Written as the owner of the tables, by the operator's tool; the service's roles only read, and forget who is gone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::{Error, OnConstraint, Tx};
use pitchey_events::UserId;
use pitchey_flags::Flag;

use crate::schema::{feature_flag_users as own, feature_flags as flags};

/// A flag that was ever set. The program may not know it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = flags, check_for_backend(Pg))]
pub struct Row {
    /// Its name.
    pub key: String,
    /// What it does, as the program that set it last had it.
    pub description: String,
    /// Off for everybody, or on for the share of them.
    pub enabled: bool,
    /// In percent, 0 to 100.
    pub share: i16,
    /// Raised with every change.
    pub version: i64,
    /// When it was set last.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
}

/// For whom a flag is on or off whatever the flag itself says.
pub type Own = BTreeMap<UserId, bool>;

/// All of them by name, as they are at one moment.
pub async fn all(tx: &mut Tx) -> QueryResult<Vec<(Row, Own)>> {
    let rows: Vec<(Row, Option<(i32, bool)>)> = flags::table
        .left_join(own::table)
        .order(flags::key)
        .select((Row::as_select(), (own::user_id, own::enabled).nullable()))
        .load(tx)
        .await?;
    let mut all: Vec<(Row, Own)> = Vec::new();
    for (row, user) in rows {
        if all.last().is_none_or(|(last, _)| last.key != row.key) {
            all.push((row, Own::new()));
        }
        if let (Some((_, own)), Some((user, enabled))) = (all.last_mut(), user) {
            own.insert(UserId(user), enabled);
        }
    }
    Ok(all)
}

/// The row of `flag`, locked; made with the flag's default where there was none.
pub async fn lock(tx: &mut Tx, flag: Flag, by: &str, now: DateTime<Utc>) -> QueryResult<Row> {
    diesel::insert_into(flags::table)
        .values((
            flags::key.eq(flag.as_str()),
            flags::description.eq(flag.meaning()),
            flags::enabled.eq(flag.default()),
            flags::version.eq(0),
            flags::updated_at.eq(now),
            flags::updated_by.eq(by),
        ))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    flags::table.find(flag.as_str()).select(Row::as_select()).for_update().get_result(tx).await
}

/// Users with a setting of their own, of a locked flag.
pub async fn own(tx: &mut Tx, flag: Flag) -> QueryResult<Own> {
    let rows = own::table.filter(own::flag.eq(flag.as_str())).select((own::user_id, own::enabled));
    let rows: Vec<(i32, bool)> = rows.load(tx).await?;
    Ok(rows.into_iter().map(|(user, enabled)| (UserId(user), enabled)).collect())
}

/// Writes a locked flag.
pub async fn set(tx: &mut Tx, flag: Flag, row: &Row) -> QueryResult<()> {
    diesel::update(flags::table.find(flag.as_str()))
        .set((
            flags::description.eq(&row.description),
            flags::enabled.eq(row.enabled),
            flags::share.eq(row.share),
            flags::version.eq(row.version),
            flags::updated_at.eq(row.updated_at),
            flags::updated_by.eq(&row.updated_by),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives `user` a setting of their own, or takes it away. `nobody` if there is no such user.
pub async fn set_own<E: From<Error>>(
    tx: &mut Tx,
    flag: Flag,
    user: UserId,
    enabled: Option<bool>,
    nobody: E,
) -> Result<(), E> {
    let Some(enabled) = enabled else {
        let row = own::table.find((flag.as_str(), user.0));
        diesel::delete(row).execute(tx).await.map_err(Error::from)?;
        return Ok(());
    };
    diesel::insert_into(own::table)
        .values((own::flag.eq(flag.as_str()), own::user_id.eq(user.0), own::enabled.eq(enabled)))
        .on_conflict((own::flag, own::user_id))
        .do_update()
        .set(own::enabled.eq(enabled))
        .execute(tx)
        .await
        .on_constraint("feature_flag_users_user_id_fkey", nobody)?;
    Ok(())
}

/// What was set for `user`.
pub async fn of_user(tx: &mut Tx, user: UserId) -> QueryResult<Vec<(String, bool)>> {
    let rows = own::table.filter(own::user_id.eq(user.0)).order(own::flag);
    rows.select((own::flag, own::enabled)).load(tx).await
}

/// Forgets what was set for `user`.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(own::table.filter(own::user_id.eq(user.0))).execute(tx).await?;
    Ok(())
}
