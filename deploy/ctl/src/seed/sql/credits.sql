-- $1 the users, $2 the moment of loading
insert into credits (user_id, balance, granted, updated_at)
select id, credits, credits, $2 - joined + interval '10 minutes'
from jsonb_to_recordset($1) as demo (id integer, credits integer, joined interval)
where credits > 0
order by id
