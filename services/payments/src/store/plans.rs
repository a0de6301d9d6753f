//! `user_plans`: the plan each user is on.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{Tier, UserId};

use crate::schema::user_plans as plans;
use crate::words::Interval;

/// A user's plan.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = plans, check_for_backend(diesel::pg::Pg))]
pub struct UserPlan {
    pub user_id: i32,
    #[diesel(column_name = tier)]
    pub tier_word: String,
    /// `none`, or a [`crate::words::SubscriptionStatus`].
    pub status: String,
    pub billing_interval: Option<Interval>,
    pub subscription_id: Option<i64>,
    pub current_period_end: Option<DateTime<Utc>>,
    pub cancel_at_period_end: bool,
    pub grace_until: Option<DateTime<Utc>>,
    pub customer_id: Option<String>,
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i64,
}

impl UserPlan {
    /// What the user may use at `now`, whether or not the sweep has come by.
    pub fn tier_at(&self, now: DateTime<Utc>) -> Tier {
        if self.grace_until.is_some_and(|until| until <= now) {
            return Tier::Free;
        }
        self.tier_word.parse().unwrap_or(Tier::Free)
    }
}

/// `user`'s, if there ever was one.
pub async fn find(tx: &mut Tx, user: UserId) -> QueryResult<Option<UserPlan>> {
    plans::table.find(user.0).select(UserPlan::as_select()).first(tx).await.optional()
}

/// `user`'s, locked; the free plan is noted where there was none.
pub async fn lock(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> QueryResult<UserPlan> {
    diesel::insert_into(plans::table)
        .values((plans::user_id.eq(user.0), plans::updated_at.eq(now)))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    plans::table.find(user.0).select(UserPlan::as_select()).for_no_key_update().first(tx).await
}

/// Writes a locked one.
pub async fn save(tx: &mut Tx, row: &UserPlan, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(plans::table.find(row.user_id))
        .set((
            plans::tier.eq(&row.tier_word),
            plans::status.eq(&row.status),
            plans::billing_interval.eq(row.billing_interval),
            plans::subscription_id.eq(row.subscription_id),
            plans::current_period_end.eq(row.current_period_end),
            plans::cancel_at_period_end.eq(row.cancel_at_period_end),
            plans::grace_until.eq(row.grace_until),
            plans::customer_id.eq(&row.customer_id),
            plans::closed_at.eq(row.closed_at),
            plans::version.eq(row.version),
            plans::updated_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whom the provider calls `customer`.
pub async fn of_customer(tx: &mut Tx, customer: &str) -> QueryResult<Option<UserId>> {
    let query = plans::table.filter(plans::customer_id.eq(customer)).select(plans::user_id);
    Ok(query.first(tx).await.optional()?.map(UserId))
}

/// Up to `limit` users whose grace is over.
pub async fn grace_over(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<UserId>> {
    let query = plans::table.filter(plans::grace_until.le(now)).order(plans::grace_until).limit(limit);
    Ok(query.select(plans::user_id).load(tx).await?.into_iter().map(UserId).collect())
}

/// Up to `limit` users who are gone and whom the provider still knows.
pub async fn closed(tx: &mut Tx, limit: i64) -> QueryResult<Vec<UserPlan>> {
    plans::table
        .filter(plans::closed_at.is_not_null())
        .filter(plans::customer_id.is_not_null())
        .order(plans::closed_at)
        .limit(limit)
        .select(UserPlan::as_select())
        .load(tx)
        .await
}
