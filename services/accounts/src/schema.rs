//! The tables of accounts. A test compares them with the database.

/// Enumerations of the database.
pub mod sql_types {
    /// `user_type`.
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "user_type"))]
    pub struct UserType;

    /// `subscription_tier`.
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "subscription_tier"))]
    pub struct SubscriptionTier;
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, VarChar};
    use super::sql_types::{SubscriptionTier, UserType};

    users (id) {
        id -> Integer,
        email -> VarChar,
        username -> VarChar,
        password_hash -> Text,
        user_type -> UserType,
        first_name -> Nullable<VarChar>,
        last_name -> Nullable<VarChar>,
        phone -> Nullable<Text>,
        location -> Nullable<VarChar>,
        bio -> Nullable<Text>,
        profile_image -> Nullable<Text>,
        company_name -> Nullable<Text>,
        company_number -> Nullable<VarChar>,
        company_website -> Nullable<Text>,
        company_address -> Nullable<Text>,
        email_verified -> Bool,
        email_verification_token -> Nullable<Text>,
        company_verified -> Bool,
        is_active -> Bool,
        subscription_tier -> SubscriptionTier,
        subscription_start_date -> Nullable<Timestamptz>,
        subscription_end_date -> Nullable<Timestamptz>,
        stripe_customer_id -> Nullable<Text>,
        stripe_subscription_id -> Nullable<Text>,
        last_login_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        email_verified_at -> Nullable<Timestamptz>,
        is_admin -> Bool,
        suspended_at -> Nullable<Timestamptz>,
        banned_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        anonymised_at -> Nullable<Timestamptz>,
        version -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Integer,
        token -> Text,
        refresh_token -> Nullable<Text>,
        ip_address -> Nullable<VarChar>,
        user_agent -> Nullable<Text>,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
        last_activity_at -> Timestamptz,
        access_expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<VarChar>,
        second_factor_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    session_branches (id) {
        id -> BigInt,
        session_id -> Uuid,
        token -> Text,
        refresh_token -> Text,
        access_expires_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    session_refresh_tokens (digest) {
        digest -> Text,
        session_id -> Uuid,
        replaced_at -> Timestamptz,
    }
}

diesel::table! {
    mail_tokens (id) {
        id -> Uuid,
        user_id -> Integer,
        purpose -> VarChar,
        nonce -> Bytea,
        digest -> Bytea,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        requested_from -> Nullable<VarChar>,
    }
}

diesel::table! {
    login_attempts (account_digest, ip_address, failed_at, id) {
        account_digest -> Bytea,
        ip_address -> VarChar,
        failed_at -> Timestamptz,
        id -> BigInt,
    }
}

diesel::table! {
    user_blocks (blocker_id, blocked_id) {
        blocker_id -> Integer,
        blocked_id -> Integer,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    user_preferences (user_id) {
        user_id -> Integer,
        preferences -> Jsonb,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    user_consents (id) {
        id -> BigInt,
        user_id -> Integer,
        purpose -> VarChar,
        document_version -> VarChar,
        granted -> Bool,
        ip_address -> Nullable<VarChar>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    user_totp (user_id) {
        user_id -> Integer,
        secret -> Text,
        last_step -> BigInt,
        confirmed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    user_recovery_codes (user_id, digest) {
        user_id -> Integer,
        digest -> Bytea,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    data_requests (id) {
        id -> BigInt,
        user_id -> Integer,
        kind -> VarChar,
        status -> VarChar,
        attempts -> Integer,
        next_try_at -> Timestamptz,
        claimed_until -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        size_bytes -> Nullable<BigInt>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    data_export_chunks (data_request_id, number) {
        data_request_id -> BigInt,
        user_id -> Integer,
        number -> Integer,
        content -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Nullable, Text, Timestamptz, VarChar};

    company_verifications (id) {
        id -> Integer,
        user_id -> Integer,
        company_name -> Text,
        company_number -> Nullable<VarChar>,
        company_website -> Nullable<Text>,
        note -> Nullable<Text>,
        status -> VarChar,
        reason -> Nullable<Text>,
        decided_by -> Nullable<Integer>,
        decided_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, SmallInt, Text, Timestamptz, VarChar};

    feature_flags (key) {
        key -> VarChar,
        description -> Text,
        enabled -> Bool,
        share -> SmallInt,
        version -> BigInt,
        updated_at -> Timestamptz,
        updated_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Integer, VarChar};

    feature_flag_users (flag, user_id) {
        flag -> VarChar,
        user_id -> Integer,
        enabled -> Bool,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        user_id -> Nullable<Integer>,
        action -> VarChar,
        entity_type -> Nullable<VarChar>,
        entity_id -> Nullable<BigInt>,
        old_values -> Nullable<Jsonb>,
        new_values -> Nullable<Jsonb>,
        ip_address -> Nullable<VarChar>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        entity_key -> Nullable<Text>,
        request_id -> Nullable<Text>,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(feature_flag_users -> feature_flags (flag));
diesel::joinable!(mail_tokens -> users (user_id));
diesel::joinable!(company_verifications -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(feature_flags, feature_flag_users);
diesel::allow_tables_to_appear_in_same_query!(data_requests, data_export_chunks);
diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    mail_tokens,
    user_blocks,
    company_verifications
);
