//! `socket_tickets`, `socket_replicas`, `open_sockets`: who may open a socket, and who has which. Replicas are timed by the database's clock.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, SmallInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{SessionId, UserId};
use uuid::Uuid;

use crate::schema::{open_sockets as sockets, socket_replicas as replicas, socket_tickets as tickets};

/// Keeps a ticket's digest.
pub async fn keep_ticket(
    tx: &mut Tx,
    digest: &str,
    user: UserId,
    session: SessionId,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(tickets::table)
        .values((
            tickets::digest.eq(digest),
            tickets::user_id.eq(user.0),
            tickets::session_id.eq(session.0),
            tickets::expires_at.eq(expires_at),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whose ticket it is. It is used up.
pub async fn use_ticket(
    tx: &mut Tx,
    digest: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<(UserId, SessionId)>> {
    let used: Option<(i32, Uuid, DateTime<Utc>)> = diesel::delete(tickets::table.find(digest))
        .returning((tickets::user_id, tickets::session_id, tickets::expires_at))
        .get_result(tx)
        .await
        .optional()?;
    Ok(used
        .filter(|(.., expires_at)| *expires_at > now)
        .map(|(user, session, _)| (UserId(user), SessionId(session))))
}

/// Says that this replica is there.
pub async fn seen(tx: &mut Tx, replica: Uuid) -> QueryResult<()> {
    let sql = "INSERT INTO socket_replicas (id, seen_at) VALUES ($1, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()";
    diesel::sql_query(sql).bind::<SqlUuid, _>(replica).execute(tx).await?;
    Ok(())
}

/// Takes one of the user's five places; a place of a replica that is gone is free. `None`: all are taken.
pub async fn take_place(
    tx: &mut Tx,
    user: UserId,
    session: SessionId,
    replica: Uuid,
) -> QueryResult<Option<i16>> {
    #[derive(QueryableByName)]
    struct Place {
        #[diesel(sql_type = SmallInt)]
        slot: i16,
    }
    // One user's sockets are opened one after the other.
    tx.lock(&format!("messaging/sockets_of/{user}"));
    let sql = "INSERT INTO open_sockets (user_id, slot, replica_id, session_id, opened_at)
               SELECT $1, slot, $2, $3, now() FROM generate_series(1, 5) AS slot
               WHERE NOT EXISTS (
                   SELECT FROM open_sockets AS o JOIN socket_replicas AS r ON r.id = o.replica_id
                   WHERE o.user_id = $1 AND o.slot = slot.slot AND r.seen_at > now() - interval '5 seconds')
               ORDER BY slot LIMIT 1
               ON CONFLICT (user_id, slot) DO UPDATE
               SET replica_id = excluded.replica_id, session_id = excluded.session_id, opened_at = excluded.opened_at
               RETURNING slot";
    let place: Option<Place> = diesel::sql_query(sql)
        .bind::<Integer, _>(user.0)
        .bind::<SqlUuid, _>(replica)
        .bind::<SqlUuid, _>(session.0)
        .get_result(tx)
        .await
        .optional()?;
    Ok(place.map(|place| place.slot))
}

/// Gives places back, unless another replica has taken them since.
pub async fn leave_places(tx: &mut Tx, places: &[(UserId, i16)], replica: Uuid) -> QueryResult<()> {
    let sql = "DELETE FROM open_sockets AS o USING unnest($1::int[], $2::smallint[]) AS gone (user_id, slot)
               WHERE o.user_id = gone.user_id AND o.slot = gone.slot AND o.replica_id = $3";
    diesel::sql_query(sql)
        .bind::<Array<Integer>, _>(places.iter().map(|(user, _)| user.0).collect::<Vec<_>>())
        .bind::<Array<SmallInt>, _>(places.iter().map(|(_, slot)| *slot).collect::<Vec<_>>())
        .bind::<SqlUuid, _>(replica)
        .execute(tx)
        .await?;
    Ok(())
}

/// This replica goes, and all its sockets.
pub async fn gone(tx: &mut Tx, replica: Uuid) -> QueryResult<()> {
    diesel::delete(replicas::table.find(replica)).execute(tx).await?;
    Ok(())
}

/// Forgets replicas that went without a word, and tickets that nobody used.
pub async fn forget_old(tx: &mut Tx, now: DateTime<Utc>) -> QueryResult<usize> {
    let expired = diesel::delete(tickets::table.filter(tickets::expires_at.lt(now))).execute(tx).await?;
    let sql = "DELETE FROM socket_replicas WHERE seen_at < now() - interval '1 minute'";
    let lost = diesel::sql_query(sql).execute(tx).await?;
    Ok(expired + lost)
}

/// Forgets the tickets of a user who is gone; the sockets end with the sessions.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    let open = diesel::delete(sockets::table.filter(sockets::user_id.eq(user.0))).execute(tx).await?;
    Ok(open + diesel::delete(tickets::table.filter(tickets::user_id.eq(user.0))).execute(tx).await?)
}
