-- $1 the owners' policies, $2 the moment of loading
insert into nda_policies (user_id, policy, updated_at)
select owner, policy, $2 - interval '100 days'
from jsonb_to_recordset($1) as demo (owner integer, policy text)
