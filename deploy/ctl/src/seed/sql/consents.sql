-- what registering agrees to; every third likes to hear of offers
insert into user_consents (user_id, purpose, document_version, granted, created_at)
select id, purpose, '2026-11', true, users.created_at
from users
cross join unnest(array['terms', 'privacy', 'marketing']) as purpose
where anonymised_at is null and (purpose <> 'marketing' or id % 3 = 0)
order by id, purpose
