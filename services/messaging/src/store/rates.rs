//! `message_rates`: a bucket a user, that fills by itself.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::schema::message_rates as rates;

/// How fast somebody may write.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// One message more each.
    pub refill: TimeDelta,
    /// Messages at once.
    pub burst: i32,
}

/// Takes one message of `user`'s, or says from when there is one. Tries of one user wait for each other.
pub async fn take(
    tx: &mut Tx,
    user: UserId,
    rate: Rate,
    now: DateTime<Utc>,
) -> QueryResult<Result<(), DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = Timestamptz)]
        #[allow(dead_code, reason = "that there is a row is the answer")]
        full_at: DateTime<Utc>,
    }
    let room = rate.refill * (rate.burst - 1).max(0);
    let sql = "INSERT INTO message_rates AS r (user_id, full_at) VALUES ($1, $3)
               ON CONFLICT (user_id) DO UPDATE SET full_at = greatest(r.full_at, $2) + ($3 - $2)
               WHERE r.full_at <= $4
               RETURNING full_at";
    let taken: Option<Taken> = diesel::sql_query(sql)
        .bind::<Integer, _>(user.0)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now + rate.refill)
        .bind::<Timestamptz, _>(now + room)
        .get_result(tx)
        .await
        .optional()?;
    if taken.is_some() {
        return Ok(Ok(()));
    }
    let full_at: DateTime<Utc> = rates::table.find(user.0).select(rates::full_at).first(tx).await?;
    Ok(Err(full_at - room))
}
