-- $2 people of type $1 who are logged in: their id, session and token.
with people as (
    insert into users (email, username, password_hash, user_type, email_verified, email_verified_at, company_name)
    select $1::text || n || '@bench.test', $1::text || n, '!', $1::text::user_type, true, now(), 'Bench ' || n
    from generate_series(1, $2::integer) as n
    returning id
), tokens as (
    select id, 'pitchey_at_' || lpad(id::text, 43, '0') as token from people
), logged_in as (
    insert into sessions (user_id, token, expires_at, access_expires_at, user_agent)
    select id, encode(sha256(token::bytea), 'hex'), now() + interval '30 days', now() + interval '1 day', 'bench' from tokens
    returning id, user_id
)
select tokens.id, logged_in.id::text, tokens.token from tokens join logged_in on user_id = tokens.id order by tokens.id
