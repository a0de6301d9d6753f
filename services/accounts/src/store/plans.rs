//! The columns of `users` that follow payments: the plan, and the user's names at the provider.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::SubscriptionChanged;

use super::users::User;
use super::words::TierWord;
use crate::schema::users;

/// Writes what payments told. Raises the version. `None`: there is no such user any more.
pub async fn follow(tx: &mut Tx, told: &SubscriptionChanged, at: DateTime<Utc>) -> QueryResult<Option<User>> {
    diesel::update(users::table.find(told.user_id.0))
        .set((
            users::subscription_tier.eq(TierWord(told.tier)),
            users::subscription_start_date.eq(told.started_at),
            users::subscription_end_date.eq(told.current_period_end),
            users::stripe_customer_id.eq(&told.customer_id),
            users::stripe_subscription_id.eq(&told.subscription_id),
            users::updated_at.eq(at),
            users::version.eq(users::version + 1),
        ))
        .returning(User::as_returning())
        .get_result(tx)
        .await
        .optional()
}
