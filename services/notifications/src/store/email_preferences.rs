use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::schema::{email_preferences, sql_types};
use crate::store::pg_enum;

pg_enum! {
    /// How often mails of a category may come.
    Frequency = sql_types::NotificationFrequency {
        /// At once.
        Instant = "instant",
        /// In the daily digest.
        Daily = "daily",
        /// In the weekly digest.
        Weekly = "weekly",
        /// Not at all.
        Never = "never",
    }
}

/// How often which mails may come.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = email_preferences)]
pub(crate) struct Preferences {
    pub(crate) user_id: i32,
    pub(crate) nda_requests: Frequency,
    pub(crate) messages: Frequency,
    pub(crate) pitch_views: Frequency,
    pub(crate) weekly_digest: bool,
    pub(crate) marketing: Frequency,
    #[diesel(select_expression = email_preferences::updated_at.nullable())]
    #[diesel(select_expression_type = diesel::dsl::Nullable<email_preferences::updated_at>)]
    pub(crate) updated_at: Option<DateTime<Utc>>,
}

impl Preferences {
    /// What the columns default to: those of a user without a row.
    pub(crate) const fn of_nobody_yet(user: UserId) -> Self {
        Self {
            user_id: user.0,
            nda_requests: Frequency::Instant,
            messages: Frequency::Instant,
            pitch_views: Frequency::Daily,
            weekly_digest: true,
            marketing: Frequency::Weekly,
            updated_at: None,
        }
    }
}

/// New values; what is `None` stays as it is.
#[derive(Clone, Debug, Default, AsChangeset, Insertable)]
#[diesel(table_name = email_preferences)]
pub(crate) struct Change {
    pub(crate) nda_requests: Option<Frequency>,
    pub(crate) messages: Option<Frequency>,
    pub(crate) pitch_views: Option<Frequency>,
    pub(crate) weekly_digest: Option<bool>,
    pub(crate) marketing: Option<Frequency>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// Those of `users` that ever set theirs.
pub(crate) async fn of(tx: &mut Tx, users: &[i32]) -> QueryResult<Vec<Preferences>> {
    email_preferences::table
        .filter(email_preferences::user_id.eq_any(users))
        .select(Preferences::as_select())
        .load(tx)
        .await
}

/// Applies `change` to `user`'s, or to the defaults.
pub(crate) async fn upsert(tx: &mut Tx, user: UserId, change: &Change) -> QueryResult<Preferences> {
    diesel::insert_into(email_preferences::table)
        .values((email_preferences::user_id.eq(user.0), change))
        .on_conflict(email_preferences::user_id)
        .do_update()
        .set(change)
        .returning(Preferences::as_returning())
        .get_result(tx)
        .await
}

/// Forgets those of a user who is gone.
pub(crate) async fn erase(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    diesel::delete(email_preferences::table.filter(email_preferences::user_id.eq(user.0))).execute(tx).await
}
