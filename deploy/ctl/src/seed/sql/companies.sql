-- $1 the moment of loading: whose company was checked, who waits, and who was told no
insert into company_verifications (
    user_id, company_name, company_number, company_website, note, status, reason, decided_by, decided_at, created_at
)
select
    id, company_name, company_number, company_website, 'Please have a look at our imprint.', status,
    case status when 'rejected' then 'The register knows no company of this name.' end,
    case when status <> 'pending' then (select min(id) from users where is_admin) end,
    case when status <> 'pending' then asked + interval '2 days' end,
    asked
from (
    select
        users.*,
        case when company_verified then 'approved' when id % 2 = 0 then 'rejected' else 'pending' end as status,
        case when company_verified or id % 2 = 0 then created_at + interval '3 days' else $1 - interval '1 day' end as asked
    from users
    where company_name is not null and user_type <> 'viewer' and anonymised_at is null
) as companies
order by id
