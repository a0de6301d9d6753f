//! This service's tables.

diesel::table! {
    conversations (id) {
        id -> Integer,
        title -> Nullable<VarChar>,
        #[sql_name = "type"]
        kind -> VarChar,
        pitch_id -> Nullable<Integer>,
        is_archived -> Bool,
        metadata -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        created_by -> Nullable<Integer>,
        user_low_id -> Nullable<Integer>,
        user_high_id -> Nullable<Integer>,
        signer_id -> Nullable<Integer>,
        last_message_at -> Nullable<Timestamptz>,
        version -> BigInt,
    }
}

diesel::table! {
    conversation_participants (id) {
        id -> Integer,
        conversation_id -> Integer,
        user_id -> Integer,
        role -> VarChar,
        joined_at -> Timestamptz,
        last_read_at -> Nullable<Timestamptz>,
        is_active -> Bool,
        last_read_message_id -> Nullable<BigInt>,
        last_delivered_message_id -> Nullable<BigInt>,
        left_at -> Nullable<Timestamptz>,
        archived_at -> Nullable<Timestamptz>,
        active_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    conversation_keys (conversation_id, version) {
        conversation_id -> Integer,
        version -> Integer,
        wrapped_key -> Text,
        master_key -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    discussion_ndas (nda_id) {
        nda_id -> Integer,
        pitch_id -> Integer,
        signer_id -> Integer,
        owner_id -> Integer,
        signed_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messages (id) {
        id -> BigInt,
        conversation_id -> Integer,
        sender_id -> Integer,
        content -> Nullable<Text>,
        encrypted_content -> Nullable<Text>,
        attachments -> Nullable<Jsonb>,
        message_type -> VarChar,
        parent_id -> Nullable<BigInt>,
        edited_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        metadata -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    message_rates (user_id) {
        user_id -> Integer,
        full_at -> Timestamptz,
    }
}

diesel::table! {
    message_read_receipts (id) {
        id -> BigInt,
        message_id -> BigInt,
        user_id -> Integer,
        read_at -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    typing_indicators (id) {
        id -> Integer,
        conversation_id -> Integer,
        user_id -> Integer,
        started_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    socket_streams (user_id) {
        user_id -> Integer,
        last_seq -> BigInt,
    }
}

diesel::table! {
    socket_frames (user_id, seq) {
        user_id -> Integer,
        seq -> BigInt,
        #[sql_name = "type"]
        kind -> VarChar,
        event -> VarChar,
        conversation_id -> Nullable<Integer>,
        message_id -> Nullable<BigInt>,
        data -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    socket_tickets (digest) {
        digest -> Text,
        user_id -> Integer,
        session_id -> Uuid,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    socket_replicas (id) {
        id -> Uuid,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    open_sockets (user_id, slot) {
        user_id -> Integer,
        slot -> SmallInt,
        replica_id -> Uuid,
        session_id -> Uuid,
        opened_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    conversations,
    conversation_participants,
    conversation_keys,
    messages,
    message_read_receipts
);
