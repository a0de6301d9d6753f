//! `pitch_share_links`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};
use uuid::Uuid;

use crate::schema::pitch_share_links as links;

/// A link.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = links)]
pub struct Link {
    pub id: Uuid,
    pub pitch_id: i32,
    pub platform: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub opens: i64,
}

/// The link of `user` for `pitch` on `platform`: the one there is, with a new end if the old one is past.
pub async fn take(
    tx: &mut Tx,
    pitch: PitchId,
    user: UserId,
    platform: &str,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<(Link, bool)> {
    let id = Uuid::now_v7();
    let upsert = diesel::insert_into(links::table)
        .values((
            links::id.eq(id),
            links::pitch_id.eq(pitch.0),
            links::user_id.eq(user.0),
            links::platform.eq(platform),
            links::created_at.eq(now),
            links::expires_at.eq(expires_at),
        ))
        .on_conflict((links::pitch_id, links::user_id, links::platform))
        .do_update()
        .set(links::expires_at.eq(excluded(links::expires_at)));
    let taken: Option<Link> =
        diesel::query_dsl::methods::FilterDsl::filter(upsert, links::expires_at.le(now))
            .returning(Link::as_returning())
            .get_result(tx)
            .await
            .optional()?;
    if let Some(link) = taken {
        let new = link.id == id;
        return Ok((link, new));
    }
    let link = links::table
        .filter(links::pitch_id.eq(pitch.0))
        .filter(links::user_id.eq(user.0))
        .filter(links::platform.eq(platform))
        .select(Link::as_select())
        .first(tx)
        .await?;
    Ok((link, false))
}

/// Adds what was counted of links that have not ended.
pub async fn count_opens(
    connection: &mut AsyncPgConnection,
    opens: &HashMap<Uuid, i64>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    // In one order, as every replica does.
    let mut opens: Vec<(Uuid, i64)> = opens.iter().map(|(id, count)| (*id, *count)).collect();
    opens.sort_unstable();
    let (ids, counts): (Vec<Uuid>, Vec<i64>) = opens.into_iter().unzip();
    diesel::sql_query(
        "UPDATE pitch_share_links AS link SET opens = opens + counted.n
         FROM (SELECT id, n FROM unnest($1, $2) AS counted (id, n) ORDER BY id) AS counted
         WHERE link.id = counted.id AND link.expires_at > $3 - interval '1 minute'",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(counts)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the links of `user`.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(links::table.filter(links::user_id.eq(user.0))).execute(tx).await?;
    Ok(())
}
