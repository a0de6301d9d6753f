//! The tables of this service, as the migrations make them.

/// Postgres' enumerations.
pub mod sql_types {
    /// `email_status`.
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "email_status"))]
    pub struct EmailStatus;

    /// `notification_frequency`.
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "notification_frequency"))]
    pub struct NotificationFrequency;
}

diesel::table! {
    use diesel::sql_types::{Bool, Integer, Timestamptz};
    use super::sql_types::NotificationFrequency;

    email_preferences (id) {
        id -> Integer,
        user_id -> Integer,
        nda_requests -> NotificationFrequency,
        messages -> NotificationFrequency,
        pitch_views -> NotificationFrequency,
        weekly_digest -> Bool,
        marketing -> NotificationFrequency,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    email_requests (id) {
        id -> BigInt,
        event_id -> Uuid,
        user_id -> Integer,
        template -> VarChar,
        letter -> Jsonb,
        held -> Nullable<VarChar>,
        attempts -> Integer,
        not_before -> Timestamptz,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, VarChar};
    use super::sql_types::EmailStatus;

    email_queue (id) {
        id -> BigInt,
        to_email -> VarChar,
        from_email -> VarChar,
        subject -> Text,
        html_content -> Nullable<Text>,
        text_content -> Nullable<Text>,
        status -> EmailStatus,
        priority -> Integer,
        attempts -> Integer,
        sent_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
        metadata -> Nullable<Jsonb>,
        scheduled_for -> Timestamptz,
        created_at -> Timestamptz,
        user_id -> Nullable<Integer>,
        template -> VarChar,
        dedupe_key -> Text,
        message_id -> Text,
        open_attempts -> SmallInt,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    email_events (id) {
        id -> BigInt,
        email_id -> Nullable<BigInt>,
        event -> VarChar,
        timestamp -> Timestamptz,
        metadata -> Nullable<Jsonb>,
        provider_event_id -> Nullable<Text>,
    }
}

diesel::table! {
    email_suppressions (email) {
        email -> VarChar,
        reason -> VarChar,
        keep_transactional -> Bool,
        email_id -> Nullable<BigInt>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    notifications (id) {
        id -> BigInt,
        user_id -> Integer,
        event_id -> Uuid,
        #[sql_name = "type"]
        kind -> VarChar,
        title -> VarChar,
        body -> Nullable<Text>,
        data -> Nullable<Jsonb>,
        read_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    email_digests (rhythm, period, user_id) {
        rhythm -> VarChar,
        period -> Date,
        user_id -> Integer,
        outcome -> Nullable<VarChar>,
        attempts -> Integer,
        not_before -> Timestamptz,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    announcements (id) {
        id -> BigInt,
        event_id -> Uuid,
        owner_id -> Integer,
        pitch_id -> Integer,
        reached -> Integer,
        told -> Integer,
        attempts -> Integer,
        not_before -> Timestamptz,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}
