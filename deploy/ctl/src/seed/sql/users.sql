-- $1 the users, $2 the moment of loading, $3 the hash of everybody's password
insert into users (
    id, email, username, password_hash, user_type, first_name, last_name, location, bio, company_name, company_website,
    company_verified, email_verified, email_verified_at, is_active, is_admin,
    suspended_at, banned_at, deleted_at, anonymised_at, created_at, updated_at
)
select
    id, email, username, case when anonymised is null then $3 else '' end, "type", first_name, last_name, location, bio,
    company_name, website, company_verified,
    email_verified, case when email_verified then $2 - joined + interval '10 minutes' end, active, admin,
    $2 - suspended, $2 - banned, $2 - deleted, $2 - anonymised,
    $2 - joined, $2 - least(joined, suspended, banned, deleted, anonymised)
from jsonb_to_recordset($1) as demo (
    id integer, email text, username text, "type" user_type, first_name text, last_name text, location text, bio text,
    company_name text, website text, company_verified boolean, email_verified boolean, active boolean, admin boolean,
    joined interval, suspended interval, banned interval, deleted interval, anonymised interval
)
