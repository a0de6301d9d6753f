//! The tables of the bus.

diesel::table! {
    outbox (producer, id) {
        producer -> Text,
        id -> BigInt,
        event_id -> Uuid,
        event_type -> Text,
        subject -> Text,
        subject_version -> Nullable<BigInt>,
        traceparent -> Nullable<Text>,
        tracestate -> Nullable<Text>,
        payload -> Jsonb,
        occurred_at -> Timestamptz,
        attempts -> Integer,
        next_attempt_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    seen_versions (consumer, subject) {
        consumer -> Text,
        subject -> Text,
        version -> BigInt,
    }
}
