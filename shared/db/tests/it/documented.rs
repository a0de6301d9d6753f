//! The documented data model: 18 tables, as they must be found. A question mark allows NULL.

/// Tables with their columns, in order.
pub const TABLES: [(&str, &str); 18] = [
    (
        "users",
        "id int4, email varchar(255), username varchar(100), password_hash text, \
         user_type user_type, first_name varchar(100)?, last_name varchar(100)?, phone text?, \
         location varchar(200)?, bio text?, profile_image text?, company_name text?, \
         company_number varchar(100)?, company_website text?, company_address text?, \
         email_verified bool, email_verification_token text?, company_verified bool, \
         is_active bool, subscription_tier subscription_tier, \
         subscription_start_date timestamptz?, subscription_end_date timestamptz?, \
         stripe_customer_id text?, stripe_subscription_id text?, last_login_at timestamptz?, \
         created_at timestamptz, updated_at timestamptz",
    ),
    (
        "pitches",
        "id int4, user_id int4, title varchar(200), logline text, genre genre, format format, \
         short_synopsis text?, long_synopsis text?, opener text?, premise text?, \
         target_audience text?, budget varchar(100)?, comparables jsonb?, key_talent jsonb?, \
         themes jsonb?, why_now text?, personal_connection text?, thumbnail_url text?, \
         media_files jsonb?, status pitch_status, views int4, requires_nda bool, \
         nda_type nda_type?, custom_nda_url text?, stage varchar(50)?, \
         completion_percentage int4?, created_at timestamptz, updated_at timestamptz, \
         published_at timestamptz?",
    ),
    (
        "ndas",
        "id int4, pitch_id int4, requester_id int4, owner_id int4, nda_type nda_type, \
         status varchar(50), request_message text?, reject_reason text?, signed_at timestamptz?, \
         expires_at timestamptz?, document_url text?, ip_address text?, user_agent text?, \
         created_at timestamptz, updated_at timestamptz",
    ),
    ("follows", "id int4, follower_id int4, following_id int4?, pitch_id int4?, created_at timestamptz"),
    (
        "conversations",
        "id int4, title varchar(255)?, type varchar(50), pitch_id int4?, is_archived bool, \
         metadata jsonb?, created_at timestamptz, updated_at timestamptz",
    ),
    (
        "conversation_participants",
        "id int4, conversation_id int4, user_id int4, role varchar(50), joined_at timestamptz, \
         last_read_at timestamptz?, is_active bool",
    ),
    (
        "messages",
        "id int8, conversation_id int4, sender_id int4, content text?, encrypted_content text?, \
         attachments jsonb?, message_type varchar(50), parent_id int8?, edited_at timestamptz?, \
         deleted_at timestamptz?, metadata jsonb?, created_at timestamptz",
    ),
    (
        "message_read_receipts",
        "id int8, message_id int8, user_id int4, read_at timestamptz?, \
         delivered_at timestamptz?",
    ),
    (
        "typing_indicators",
        "id int4, conversation_id int4, user_id int4, started_at timestamptz, \
         expires_at timestamptz",
    ),
    (
        "transactions",
        "id int8, user_id int4, type varchar(50), amount numeric(10,2), currency varchar(3), \
         status varchar(50), stripe_payment_intent_id text?, description text?, metadata jsonb?, \
         created_at timestamptz",
    ),
    (
        "credits",
        "id int4, user_id int4, balance int4, lifetime_purchased int4, lifetime_used int4, \
         updated_at timestamptz",
    ),
    (
        "pitch_views",
        "id int8, pitch_id int4, viewer_id int4?, viewer_type varchar(50)?, duration int4?, \
         source varchar(100)?, ip_address varchar(45)?, user_agent text?, \
         created_at timestamptz",
    ),
    (
        "analytics_events",
        "id int8, user_id int4?, event_type varchar(100), event_category varchar(100)?, \
         event_action varchar(100)?, event_label text?, event_value int4?, metadata jsonb?, \
         session_id varchar(100)?, created_at timestamptz",
    ),
    (
        "email_preferences",
        "id int4, user_id int4, nda_requests notification_frequency, \
         messages notification_frequency, pitch_views notification_frequency, \
         weekly_digest bool, marketing notification_frequency, updated_at timestamptz",
    ),
    (
        "email_queue",
        "id int8, to_email varchar(255), from_email varchar(255), subject text, \
         html_content text?, text_content text?, status email_status, priority int4, \
         attempts int4, sent_at timestamptz?, error text?, metadata jsonb?, \
         scheduled_for timestamptz, created_at timestamptz",
    ),
    ("email_events", "id int8, email_id int8?, event varchar(50), timestamp timestamptz, metadata jsonb?"),
    (
        "audit_log",
        "id int8, user_id int4?, action varchar(100), entity_type varchar(50)?, entity_id int8?, \
         old_values jsonb?, new_values jsonb?, ip_address varchar(45)?, user_agent text?, \
         created_at timestamptz",
    ),
    (
        "sessions",
        "id uuid, user_id int4, token text, refresh_token text?, ip_address varchar(45)?, \
         user_agent text?, expires_at timestamptz, created_at timestamptz, \
         last_activity_at timestamptz",
    ),
];

/// Indexes: table, name, the columns it begins with.
pub const INDEXES: [(&str, &str, &str); 19] = [
    ("users", "users_email_idx", "email"),
    ("users", "users_username_idx", "username"),
    ("users", "users_user_type_idx", "user_type"),
    ("pitches", "pitches_user_id_idx", "user_id"),
    ("pitches", "pitches_status_idx", "status"),
    ("pitches", "pitches_genre_idx", "genre"),
    ("ndas", "ndas_pitch_id_idx", "pitch_id"),
    ("ndas", "ndas_requester_id_idx", "requester_id"),
    ("ndas", "ndas_owner_id_idx", "owner_id"),
    ("ndas", "ndas_status_idx", "status"),
    ("messages", "messages_conversation_id_idx", "conversation_id"),
    ("messages", "messages_sender_id_idx", "sender_id"),
    ("pitch_views", "pitch_views_pitch_id_idx", "pitch_id"),
    ("pitch_views", "pitch_views_viewer_id_idx", "viewer_id"),
    ("email_queue", "email_queue_status_idx", "status"),
    ("email_queue", "email_queue_scheduled_idx", "scheduled_for"),
    ("ndas", "idx_ndas_pitch_status", "pitch_id, status"),
    ("messages", "idx_messages_conversation_created", "conversation_id, created_at DESC"),
    ("pitch_views", "idx_pitch_views_pitch_date", "pitch_id, created_at DESC"),
];

/// Combinations of columns that occur once.
pub const UNIQUE: [(&str, &str); 11] = [
    ("users", "lower((email)::text)"),
    ("users", "lower((username)::text)"),
    ("sessions", "token"),
    ("sessions", "refresh_token"),
    ("follows", "follower_id, following_id"),
    ("follows", "follower_id, pitch_id"),
    ("conversation_participants", "conversation_id, user_id"),
    ("message_read_receipts", "message_id, user_id"),
    ("email_preferences", "user_id"),
    ("credits", "user_id"),
    ("typing_indicators", "conversation_id, user_id"),
];

/// Enumerations with their values, in order.
pub const ENUMERATIONS: [(&str, &str); 8] = [
    ("user_type", "creator, production, investor, viewer"),
    ("subscription_tier", "free, creator, pro, investor"),
    ("pitch_status", "draft, published, hidden, archived"),
    ("nda_type", "basic, enhanced, custom"),
    (
        "genre",
        "drama, comedy, thriller, horror, scifi, fantasy, documentary, animation, action, romance, other",
    ),
    ("format", "feature, tv, short, webseries, other"),
    ("notification_frequency", "instant, daily, weekly, never"),
    ("email_status", "pending, sent, delivered, bounced, failed, unsubscribed"),
];
