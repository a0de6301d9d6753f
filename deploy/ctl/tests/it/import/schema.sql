-- The database of the existing product, version 2.0.0, as it is documented.
CREATE TYPE user_type AS ENUM ('creator', 'production', 'investor', 'viewer');
CREATE TYPE subscription_tier AS ENUM ('free', 'creator', 'pro', 'investor');
CREATE TYPE pitch_status AS ENUM ('draft', 'published', 'hidden', 'archived');
CREATE TYPE nda_type AS ENUM ('basic', 'enhanced', 'custom');
CREATE TYPE genre AS ENUM ('drama', 'comedy', 'thriller', 'horror', 'scifi', 'fantasy', 'documentary', 'animation', 'action', 'romance', 'other');
CREATE TYPE format AS ENUM ('feature', 'tv', 'short', 'webseries', 'other');
CREATE TYPE notification_frequency AS ENUM ('instant', 'daily', 'weekly', 'never');
CREATE TYPE email_status AS ENUM ('pending', 'sent', 'delivered', 'bounced', 'failed', 'unsubscribed');

CREATE TABLE users (
    id serial PRIMARY KEY, email varchar(255) NOT NULL UNIQUE, username varchar(100) NOT NULL UNIQUE,
    password_hash text NOT NULL, user_type user_type NOT NULL DEFAULT 'viewer', first_name varchar(100),
    last_name varchar(100), phone varchar(20), location varchar(200), bio text, profile_image text, company_name text,
    company_number varchar(100), company_website text, company_address text, email_verified boolean DEFAULT false,
    email_verification_token text, company_verified boolean DEFAULT false, is_active boolean DEFAULT true,
    subscription_tier subscription_tier DEFAULT 'free', subscription_start_date timestamp,
    subscription_end_date timestamp, stripe_customer_id text, stripe_subscription_id text, last_login_at timestamp,
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now());
CREATE TABLE pitches (
    id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users, title varchar(200) NOT NULL, logline text NOT NULL,
    genre genre NOT NULL, format format NOT NULL, short_synopsis text, long_synopsis text, opener text, premise text,
    target_audience text, budget varchar(100), comparables jsonb, key_talent jsonb, themes jsonb, why_now text,
    personal_connection text, thumbnail_url text, media_files jsonb, status pitch_status DEFAULT 'draft',
    views integer DEFAULT 0, requires_nda boolean DEFAULT false, nda_type nda_type, custom_nda_url text,
    stage varchar(50), completion_percentage integer, created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now(), published_at timestamp);
CREATE TABLE ndas (
    id serial PRIMARY KEY, pitch_id integer NOT NULL REFERENCES pitches, requester_id integer NOT NULL REFERENCES users,
    owner_id integer NOT NULL REFERENCES users, nda_type nda_type NOT NULL, status varchar(50) DEFAULT 'pending',
    request_message text, reject_reason text, signed_at timestamp, expires_at timestamp, document_url text,
    ip_address varchar(45), user_agent text, created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now());
CREATE TABLE follows (
    id serial PRIMARY KEY, follower_id integer NOT NULL REFERENCES users, following_id integer REFERENCES users,
    pitch_id integer REFERENCES pitches, created_at timestamp DEFAULT now(), UNIQUE (follower_id, following_id),
    UNIQUE (follower_id, pitch_id));
CREATE TABLE conversations (
    id serial PRIMARY KEY, title varchar(255), type varchar(50) DEFAULT 'direct', pitch_id integer REFERENCES pitches,
    is_archived boolean DEFAULT false, metadata jsonb, created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now());
CREATE TABLE conversation_participants (
    id serial PRIMARY KEY, conversation_id integer NOT NULL REFERENCES conversations,
    user_id integer NOT NULL REFERENCES users, role varchar(50) DEFAULT 'member', joined_at timestamp DEFAULT now(),
    last_read_at timestamp, is_active boolean DEFAULT true, UNIQUE (conversation_id, user_id));
CREATE TABLE messages (
    id serial PRIMARY KEY, conversation_id integer NOT NULL REFERENCES conversations,
    sender_id integer NOT NULL REFERENCES users, content text, encrypted_content text, attachments jsonb,
    message_type varchar(50) DEFAULT 'text', parent_id integer REFERENCES messages, edited_at timestamp,
    deleted_at timestamp, metadata jsonb, created_at timestamp DEFAULT now());
CREATE TABLE message_read_receipts (
    id serial PRIMARY KEY, message_id integer NOT NULL REFERENCES messages, user_id integer NOT NULL REFERENCES users,
    read_at timestamp DEFAULT now(), delivered_at timestamp, UNIQUE (message_id, user_id));
CREATE TABLE typing_indicators (
    id serial PRIMARY KEY, conversation_id integer NOT NULL REFERENCES conversations,
    user_id integer NOT NULL REFERENCES users, started_at timestamp DEFAULT now(), expires_at timestamp);
CREATE TABLE transactions (
    id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users, type varchar(50) NOT NULL,
    amount decimal(10, 2) NOT NULL, currency varchar(3) DEFAULT 'USD', status varchar(50) DEFAULT 'pending',
    stripe_payment_intent_id text, description text, metadata jsonb, created_at timestamp DEFAULT now());
CREATE TABLE credits (
    id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users, balance integer DEFAULT 0,
    lifetime_purchased integer DEFAULT 0, lifetime_used integer DEFAULT 0, updated_at timestamp DEFAULT now());
CREATE TABLE pitch_views (
    id serial PRIMARY KEY, pitch_id integer NOT NULL REFERENCES pitches, viewer_id integer REFERENCES users,
    viewer_type varchar(50), duration integer, source varchar(100), ip_address varchar(45), user_agent text,
    created_at timestamp DEFAULT now());
CREATE TABLE analytics_events (
    id serial PRIMARY KEY, user_id integer REFERENCES users, event_type varchar(100) NOT NULL,
    event_category varchar(100), event_action varchar(100), event_label text, event_value integer, metadata jsonb,
    session_id varchar(100), created_at timestamp DEFAULT now());
CREATE TABLE email_preferences (
    id serial PRIMARY KEY, user_id integer NOT NULL UNIQUE REFERENCES users,
    nda_requests notification_frequency DEFAULT 'instant', messages notification_frequency DEFAULT 'instant',
    pitch_views notification_frequency DEFAULT 'daily', weekly_digest boolean DEFAULT true,
    marketing notification_frequency DEFAULT 'weekly', updated_at timestamp DEFAULT now());
CREATE TABLE email_queue (
    id serial PRIMARY KEY, to_email varchar(255) NOT NULL, from_email varchar(255) NOT NULL, subject text NOT NULL,
    html_content text, text_content text, status email_status DEFAULT 'pending', priority integer DEFAULT 5,
    attempts integer DEFAULT 0, sent_at timestamp, error text, metadata jsonb, scheduled_for timestamp,
    created_at timestamp DEFAULT now());
CREATE TABLE email_events (
    id serial PRIMARY KEY, email_id integer REFERENCES email_queue, event varchar(50) NOT NULL,
    timestamp timestamp DEFAULT now(), metadata jsonb);
CREATE TABLE audit_log (
    id serial PRIMARY KEY, user_id integer REFERENCES users, action varchar(100) NOT NULL, entity_type varchar(50),
    entity_id integer, old_values jsonb, new_values jsonb, ip_address varchar(45), user_agent text,
    created_at timestamp DEFAULT now());
CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id integer NOT NULL REFERENCES users, token text NOT NULL UNIQUE,
    refresh_token text UNIQUE, ip_address varchar(45), user_agent text, expires_at timestamp NOT NULL,
    created_at timestamp DEFAULT now(), last_activity_at timestamp DEFAULT now());
