//! This service's tables.

/// Enumerations of the database.
pub mod sql_types {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    #[derive(SqlType, QueryId)]
    #[diesel(postgres_type(name = "pitch_status"))]
    pub struct PitchStatus;

    #[derive(SqlType, QueryId)]
    #[diesel(postgres_type(name = "nda_type"))]
    pub struct NdaType;

    #[derive(SqlType, QueryId)]
    #[diesel(postgres_type(name = "genre"))]
    pub struct Genre;

    #[derive(SqlType, QueryId)]
    #[diesel(postgres_type(name = "format"))]
    pub struct Format;

    #[derive(SqlType, QueryId)]
    #[diesel(postgres_type(name = "tsvector"))]
    pub struct TsVector;
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, VarChar};
    use super::sql_types::{Format, Genre, NdaType, PitchStatus};

    pitches (id) {
        id -> Integer,
        user_id -> Integer,
        title -> VarChar,
        logline -> Text,
        genre -> Genre,
        format -> Format,
        short_synopsis -> Nullable<Text>,
        long_synopsis -> Nullable<Text>,
        opener -> Nullable<Text>,
        premise -> Nullable<Text>,
        target_audience -> Nullable<Text>,
        budget -> Nullable<VarChar>,
        comparables -> Nullable<Jsonb>,
        key_talent -> Nullable<Jsonb>,
        themes -> Nullable<Jsonb>,
        why_now -> Nullable<Text>,
        personal_connection -> Nullable<Text>,
        thumbnail_url -> Nullable<Text>,
        media_files -> Nullable<Jsonb>,
        status -> PitchStatus,
        views -> Integer,
        requires_nda -> Bool,
        nda_type -> Nullable<NdaType>,
        custom_nda_url -> Nullable<Text>,
        stage -> Nullable<VarChar>,
        completion_percentage -> Nullable<Integer>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        published_at -> Nullable<Timestamptz>,
        description -> Nullable<Text>,
        characters -> Nullable<Jsonb>,
        world_description -> Nullable<Text>,
        estimated_budget -> Nullable<VarChar>,
        format_category -> Nullable<VarChar>,
        seeking_investment -> Bool,
        custom_nda_sha256 -> Nullable<Text>,
        hidden_by -> Nullable<VarChar>,
        status_before_archive -> Nullable<PitchStatus>,
        deleted_at -> Nullable<Timestamptz>,
        version -> BigInt,
        like_count -> Integer,
        nda_count -> Integer,
        comment_count -> Integer,
        promoted_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    pitch_versions (pitch_id, number) {
        pitch_id -> Integer,
        number -> Integer,
        content -> Nullable<Text>,
        content_sha256 -> Text,
        author_id -> Integer,
        receipt -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bytea, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid, VarChar};
    use super::sql_types::NdaType;

    ndas (id) {
        id -> Integer,
        pitch_id -> Integer,
        requester_id -> Integer,
        owner_id -> Integer,
        nda_type -> NdaType,
        status -> VarChar,
        request_message -> Nullable<Text>,
        reject_reason -> Nullable<Text>,
        signed_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        document_url -> Nullable<Text>,
        ip_address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        pitch_version -> Integer,
        hold_key -> Nullable<Uuid>,
        terms -> Nullable<Text>,
        expiry_days -> Nullable<Integer>,
        document -> Nullable<Bytea>,
        document_media_type -> Nullable<VarChar>,
        document_hash -> Nullable<Text>,
        approved_at -> Nullable<Timestamptz>,
        rejected_at -> Nullable<Timestamptz>,
        withdrawn_at -> Nullable<Timestamptz>,
        signer_name -> Nullable<VarChar>,
        signer_title -> Nullable<VarChar>,
        signer_company -> Nullable<VarChar>,
        receipt -> Nullable<Jsonb>,
        revoked_at -> Nullable<Timestamptz>,
        revoked_by -> Nullable<Integer>,
        revoke_reason -> Nullable<Text>,
        reminded_at -> Nullable<Timestamptz>,
        version -> BigInt,
        approved_by -> Nullable<Integer>,
        custom_file_id -> Nullable<Integer>,
        agreement -> Nullable<Text>,
        signed_copy -> Nullable<Text>,
        signed_copy_hash -> Nullable<Text>,
    }
}

diesel::table! {
    media_files (id) {
        id -> Integer,
        pitch_id -> Integer,
        owner_id -> Integer,
        kind -> VarChar,
        title -> VarChar,
        public -> Bool,
        media_type -> Nullable<VarChar>,
        size -> Nullable<BigInt>,
        sha256 -> Nullable<Text>,
        object_key -> Nullable<Text>,
        link -> Nullable<Text>,
        created_at -> Timestamptz,
        replaced_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    investments (id) {
        id -> Integer,
        investor_id -> Integer,
        pitch_id -> Integer,
        amount_cents -> BigInt,
        currency -> Bpchar,
        notes -> Nullable<VarChar>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    nda_policies (user_id) {
        user_id -> Integer,
        policy -> VarChar,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    follows (id) {
        id -> Integer,
        follower_id -> Integer,
        following_id -> Nullable<Integer>,
        pitch_id -> Nullable<Integer>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    pitch_likes (pitch_id, user_id) {
        pitch_id -> Integer,
        user_id -> Integer,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    pitch_comments (id) {
        id -> BigInt,
        pitch_id -> Integer,
        author_id -> Integer,
        content -> Text,
        created_at -> Timestamptz,
        edited_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    content_reports (id) {
        id -> BigInt,
        reporter_id -> Integer,
        pitch_id -> Integer,
        reason -> VarChar,
        description -> Nullable<Text>,
        status -> VarChar,
        created_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        resolved_by -> Nullable<Integer>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    pitch_share_links (id) {
        id -> Uuid,
        pitch_id -> Integer,
        user_id -> Integer,
        platform -> VarChar,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        opens -> BigInt,
    }
}

diesel::table! {
    trending_pitches (pitch_id) {
        pitch_id -> Integer,
        rank -> Integer,
        score -> Double,
        unique_viewers -> BigInt,
        follows -> BigInt,
        nda_requests -> BigInt,
        computed_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamptz, VarChar};
    use super::sql_types::{Format, Genre, TsVector};

    pitch_search (pitch_id) {
        pitch_id -> Integer,
        user_id -> Integer,
        published_at -> Timestamptz,
        genre -> Genre,
        format -> Format,
        stage -> Nullable<VarChar>,
        estimated_budget -> Nullable<VarChar>,
        seeking_investment -> Bool,
        title_key -> Text,
        document -> TsVector,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Timestamptz};
    use super::sql_types::Genre;

    genre_readings (user_id, genre) {
        user_id -> Integer,
        genre -> Genre,
        times -> Integer,
        last_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(pitches, pitch_versions, ndas);
diesel::allow_tables_to_appear_in_same_query!(
    pitches,
    follows,
    pitch_likes,
    trending_pitches,
    content_reports
);
