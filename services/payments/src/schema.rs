//! This service's tables.

diesel::table! {
    transactions (id) {
        id -> BigInt,
        user_id -> Integer,
        #[sql_name = "type"]
        kind -> VarChar,
        amount -> Numeric,
        currency -> VarChar,
        status -> VarChar,
        stripe_payment_intent_id -> Nullable<Text>,
        description -> Nullable<Text>,
        metadata -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        provider_id -> Nullable<Text>,
        credits -> Nullable<Integer>,
        given_credits -> Integer,
        changes -> Integer,
        paid_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        refunded_cents -> BigInt,
        dispute -> Nullable<VarChar>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    credits (id) {
        id -> Integer,
        user_id -> Integer,
        balance -> Integer,
        lifetime_purchased -> Integer,
        lifetime_used -> Integer,
        updated_at -> Timestamptz,
        granted -> Integer,
        purchased -> Integer,
        version -> BigInt,
        monthly -> Integer,
    }
}

diesel::table! {
    credit_holds (key) {
        key -> Uuid,
        user_id -> Integer,
        reason -> VarChar,
        amount -> Integer,
        granted -> Integer,
        monthly -> Integer,
        status -> VarChar,
        tentative_until -> Timestamptz,
        uncovered -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        free_because -> Nullable<VarChar>,
    }
}

diesel::table! {
    credit_ledger (id) {
        id -> BigInt,
        user_id -> Integer,
        kind -> VarChar,
        amount -> Integer,
        granted -> Integer,
        monthly -> Integer,
        used -> Integer,
        bought -> Integer,
        balance_after -> Integer,
        reason -> Nullable<VarChar>,
        hold_key -> Nullable<Uuid>,
        transaction_id -> Nullable<BigInt>,
        idempotency_key -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    stripe_events (event_id) {
        event_id -> Text,
        #[sql_name = "type"]
        kind -> Text,
        object_id -> Text,
        created_at -> Timestamptz,
        received_at -> Timestamptz,
        outcome -> VarChar,
    }
}

diesel::table! {
    subscriptions (id) {
        id -> BigInt,
        user_id -> Integer,
        provider -> VarChar,
        provider_id -> Text,
        tier -> Nullable<VarChar>,
        billing_interval -> Nullable<VarChar>,
        status -> VarChar,
        started_at -> Nullable<Timestamptz>,
        current_period_start -> Nullable<Timestamptz>,
        current_period_end -> Nullable<Timestamptz>,
        cancel_at_period_end -> Bool,
        ended_at -> Nullable<Timestamptz>,
        paid_until -> Nullable<Timestamptz>,
        paid_tier -> Nullable<VarChar>,
        paid_as_of -> Nullable<Timestamptz>,
        granted_months -> Integer,
        next_grant_at -> Nullable<Timestamptz>,
        as_of -> Timestamptz,
        as_of_rank -> Integer,
        as_of_event -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    user_plans (user_id) {
        user_id -> Integer,
        tier -> VarChar,
        status -> VarChar,
        billing_interval -> Nullable<VarChar>,
        subscription_id -> Nullable<BigInt>,
        current_period_end -> Nullable<Timestamptz>,
        cancel_at_period_end -> Bool,
        grace_until -> Nullable<Timestamptz>,
        customer_id -> Nullable<Text>,
        closed_at -> Nullable<Timestamptz>,
        version -> BigInt,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    invoice_numbers (year) {
        year -> Integer,
        last -> Integer,
    }
}

diesel::table! {
    invoices (id) {
        id -> BigInt,
        user_id -> Integer,
        transaction_id -> BigInt,
        year -> Integer,
        sequence -> Integer,
        kind -> VarChar,
        amount -> Numeric,
        currency -> VarChar,
        description -> Text,
        issued_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(transactions, invoices);
diesel::joinable!(invoices -> transactions (transaction_id));
