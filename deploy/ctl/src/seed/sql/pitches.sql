-- $1 the pitches, $2 the moment of loading
insert into pitches (
    id, user_id, title, logline, genre, format, format_category, short_synopsis, long_synopsis, opener, premise,
    description, world_description, personal_connection, themes, target_audience, comparables, characters, key_talent,
    why_now, estimated_budget, stage, requires_nda, nda_type, seeking_investment, completion_percentage,
    status, hidden_by, status_before_archive, created_at, published_at, updated_at, deleted_at
)
select
    id, owner, title, logline, genre, format, "formatCategory", "shortSynopsis", "longSynopsis", opener, premise,
    description, "worldDescription", "personalConnection", themes, "targetAudience", comparables, characters, "keyTalent",
    "whyNow", "estimatedBudget", stage, "requiresNDA", "ndaType", "seekingInvestment", completion,
    status, hidden_by, status_before_archive,
    $2 - created, $2 - published, $2 - least(created, published, updated, deleted), $2 - deleted
from jsonb_to_recordset($1) as demo (
    id integer, owner integer, content jsonb, completion integer, status pitch_status, hidden_by text,
    status_before_archive pitch_status, created interval, published interval, updated interval, deleted interval
)
cross join jsonb_to_record(content) as content (
    title text, logline text, genre genre, format format, "formatCategory" text, "shortSynopsis" text,
    "longSynopsis" text, opener text, premise text, description text, "worldDescription" text,
    "personalConnection" text, themes jsonb, "targetAudience" text, comparables jsonb, characters jsonb,
    "keyTalent" jsonb, "whyNow" text, "estimatedBudget" text, stage text, "requiresNDA" boolean, "ndaType" nda_type,
    "seekingInvestment" boolean
)
order by id
