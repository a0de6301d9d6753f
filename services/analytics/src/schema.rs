//! This service's tables; a test compares them with the database.

diesel::table! {
    pitch_views (id, created_at) {
        id -> BigInt,
        pitch_id -> Integer,
        viewer_id -> Nullable<Integer>,
        viewer_type -> Nullable<Varchar>,
        duration -> Nullable<Integer>,
        source -> Nullable<Varchar>,
        ip_address -> Nullable<Varchar>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        anonymous_hash -> Nullable<Bytea>,
        protected -> Bool,
    }
}

diesel::table! {
    analytics_events (id, created_at) {
        id -> BigInt,
        user_id -> Nullable<Integer>,
        event_type -> Varchar,
        event_category -> Nullable<Varchar>,
        event_action -> Nullable<Varchar>,
        event_label -> Nullable<Text>,
        event_value -> Nullable<Integer>,
        metadata -> Nullable<Jsonb>,
        session_id -> Nullable<Varchar>,
        created_at -> Timestamptz,
        pitch_id -> Nullable<Integer>,
        origin -> Varchar,
    }
}

diesel::table! {
    view_salts (day) {
        day -> Date,
        salt -> Bytea,
    }
}

diesel::table! {
    pitch_viewers (pitch_id, viewer) {
        pitch_id -> Integer,
        viewer -> Bytea,
        viewer_id -> Nullable<Integer>,
        viewer_type -> Varchar,
        views -> Integer,
        protected_views -> Integer,
        seconds -> BigInt,
        first_at -> Timestamptz,
        last_at -> Timestamptz,
        last_source -> Varchar,
        last_seconds -> Nullable<Integer>,
        last_protected -> Bool,
    }
}

diesel::table! {
    tracked_pitches (pitch_id) {
        pitch_id -> Integer,
        owner_id -> Integer,
        title -> Nullable<Varchar>,
        first_published_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    pitch_totals (pitch_id) {
        pitch_id -> Integer,
        views -> BigInt,
        protected_views -> BigInt,
        seconds -> BigInt,
        viewers -> BigInt,
        version -> BigInt,
        announced -> BigInt,
        announced_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    pitch_view_hours (pitch_id, hour, viewer_type, source) {
        pitch_id -> Integer,
        hour -> Timestamptz,
        viewer_type -> Varchar,
        source -> Varchar,
        views -> Integer,
        protected_views -> Integer,
        timed_views -> Integer,
        seconds -> BigInt,
    }
}

diesel::table! {
    pitch_view_days (pitch_id, day, viewer_type, source) {
        pitch_id -> Integer,
        day -> Date,
        viewer_type -> Varchar,
        source -> Varchar,
        views -> Integer,
        protected_views -> Integer,
        timed_views -> Integer,
        seconds -> BigInt,
    }
}

diesel::table! {
    activity_hours (subject_type, subject_id, hour, action) {
        subject_type -> Varchar,
        subject_id -> Integer,
        hour -> Timestamptz,
        action -> Varchar,
        amount -> BigInt,
    }
}

diesel::table! {
    activity_days (subject_type, subject_id, day, action) {
        subject_type -> Varchar,
        subject_id -> Integer,
        day -> Date,
        action -> Varchar,
        amount -> BigInt,
    }
}

diesel::table! {
    nda_timings (nda_id) {
        nda_id -> Integer,
        pitch_id -> Integer,
        owner_id -> Integer,
        requester_id -> Integer,
        requested_at -> Nullable<Timestamptz>,
        answered_at -> Nullable<Timestamptz>,
        by_policy -> Bool,
    }
}

diesel::table! {
    active_days (day, user_id) {
        day -> Date,
        user_id -> Integer,
    }
}
