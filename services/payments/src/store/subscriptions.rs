//! `subscriptions`: each as the provider told of it last.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{Tier, UserId};

use crate::schema::subscriptions as subs;
use crate::words::{Interval, ProviderName, SubscriptionStatus};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = subs, check_for_backend(diesel::pg::Pg))]
pub struct Subscription {
    pub id: i64,
    pub user_id: i32,
    pub provider: ProviderName,
    pub provider_id: String,
    /// As text: [`Subscription::tier`] reads it.
    #[diesel(column_name = tier)]
    pub tier_word: Option<String>,
    pub billing_interval: Option<Interval>,
    pub status: SubscriptionStatus,
    pub started_at: Option<DateTime<Utc>>,
    pub current_period_start: Option<DateTime<Utc>>,
    pub current_period_end: Option<DateTime<Utc>>,
    pub cancel_at_period_end: bool,
    pub ended_at: Option<DateTime<Utc>>,
    pub paid_until: Option<DateTime<Utc>>,
    pub paid_tier: Option<String>,
    pub paid_as_of: Option<DateTime<Utc>>,
    pub granted_months: i32,
    pub next_grant_at: Option<DateTime<Utc>>,
    pub as_of: DateTime<Utc>,
    pub as_of_rank: i32,
    pub as_of_event: String,
}

impl Subscription {
    pub const fn user(&self) -> UserId {
        UserId(self.user_id)
    }

    /// The plan; `None` while only an invoice of it was heard of.
    pub fn tier(&self) -> Option<Tier> {
        self.tier_word.as_deref().and_then(|word| word.parse().ok())
    }
}

/// The subscription that the provider calls `provider_id`, locked; an empty one of `user` is made where there is none.
pub async fn lock_or_make(
    tx: &mut Tx,
    provider: ProviderName,
    provider_id: &str,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Subscription> {
    diesel::insert_into(subs::table)
        .values((
            subs::user_id.eq(user.0),
            subs::provider.eq(provider),
            subs::provider_id.eq(provider_id),
            subs::status.eq(SubscriptionStatus::Incomplete),
            subs::as_of.eq(DateTime::UNIX_EPOCH),
            subs::created_at.eq(now),
            subs::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    subs::table
        .filter(subs::provider_id.eq(provider_id))
        .select(Subscription::as_select())
        .for_no_key_update()
        .first(tx)
        .await
}

/// The subscription with this id, locked.
pub async fn lock(tx: &mut Tx, id: i64) -> QueryResult<Option<Subscription>> {
    subs::table.find(id).select(Subscription::as_select()).for_no_key_update().first(tx).await.optional()
}

/// All of `user`'s, oldest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> QueryResult<Vec<Subscription>> {
    let query = subs::table.filter(subs::user_id.eq(user.0)).order(subs::id);
    query.select(Subscription::as_select()).load(tx).await
}

/// Writes a locked one.
pub async fn save(tx: &mut Tx, row: &Subscription, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(subs::table.find(row.id))
        .set((
            subs::tier.eq(&row.tier_word),
            subs::billing_interval.eq(row.billing_interval),
            subs::status.eq(row.status),
            subs::started_at.eq(row.started_at),
            subs::current_period_start.eq(row.current_period_start),
            subs::current_period_end.eq(row.current_period_end),
            subs::cancel_at_period_end.eq(row.cancel_at_period_end),
            subs::ended_at.eq(row.ended_at),
            subs::paid_until.eq(row.paid_until),
            subs::paid_tier.eq(&row.paid_tier),
            subs::paid_as_of.eq(row.paid_as_of),
            subs::granted_months.eq(row.granted_months),
            subs::next_grant_at.eq(row.next_grant_at),
            subs::as_of.eq(row.as_of),
            subs::as_of_rank.eq(row.as_of_rank),
            subs::as_of_event.eq(&row.as_of_event),
            subs::version.eq(subs::version + 1),
            subs::updated_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Up to `limit` whose next monthly grant is due.
pub async fn grants_due(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<i64>> {
    let query = subs::table.filter(subs::next_grant_at.le(now)).order(subs::next_grant_at).limit(limit);
    query.select(subs::id).load(tx).await
}

/// Up to `limit` of the local provider whose period has ended.
pub async fn local_periods_over(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<i64>> {
    subs::table
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("provider = 'local' AND status = 'active'"))
        .filter(subs::current_period_end.le(now))
        .order(subs::current_period_end)
        .limit(limit)
        .select(subs::id)
        .load(tx)
        .await
}
