-- $1 the moment of loading. What people think of the published pitches: likes, comments, shared links, reports in each of their states.
with liked as (
    insert into pitch_likes (pitch_id, user_id, created_at)
    select pitches.id, users.id, greatest(pitches.published_at, users.created_at, $1 - (pitches.id * 7 + users.id * 11) % 90 * interval '1 day')
    from pitches
    join users on users.id <> pitches.user_id and users.is_active and users.deleted_at is null and (pitches.id * 13 + users.id * 5) % 7 = 0
    where pitches.status = 'published'
), said (pitch, author, age, words) as (
    values (1, 2, interval '40 days', 'I read the logline twice and then cancelled a meeting.'),
           (1, 20, interval '31 days', 'The brother is the best idea I have seen this year.'),
           (1, 1, interval '30 days', 'Thank you both. The second draft is kinder to him.'),
           (2, 21, interval '12 days', 'A clerk as the hero. At last.'),
           (4, 3, interval '9 days', 'Is the stage version still running?'),
           (9, 2, interval '6 days', 'Send me the deck when there is one.'),
           (16, 25, interval '2 days', 'This should be a series.')
), commented as (
    insert into pitch_comments (pitch_id, author_id, content, created_at)
    select said.pitch, said.author, said.words, greatest(pitches.published_at, $1 - said.age)
    from said join pitches on pitches.id = said.pitch and pitches.status = 'published'
    order by said.age desc
), shared as (
    insert into pitch_share_links (id, pitch_id, user_id, platform, created_at, expires_at, opens)
    select md5('demo share ' || pitch || platform)::uuid, pitch, owner, platform, $1 - age, $1 - age + interval '90 days', opens
    from (values (1, 1, 'link', interval '20 days', 41), (1, 1, 'email', interval '10 days', 7), (2, 1, 'linkedin', interval '89 days', 112))
         as demo (pitch, owner, platform, age, opens)
), reported as (
    insert into content_reports (reporter_id, pitch_id, reason, description, status, created_at, resolved_at, resolved_by, note)
    select demo.reporter, demo.pitch, demo.reason, demo.words, demo.status, $1 - demo.age,
           case when demo.status <> 'open' then $1 - demo.age + interval '1 day' end,
           case when demo.status <> 'open' then (select min(id) from users where is_admin) end,
           case when demo.status <> 'open' then 'Looked into.' end
    from (values (20, 2, 'copyright', 'I know this town log.', 'dismissed', interval '25 days'),
                 (21, 5, 'spam', 'The same text as last week.', 'upheld', interval '14 days'),
                 (25, 9, 'misinformation', null, 'open', interval '1 day'))
         as demo (reporter, pitch, reason, words, status, age)
    order by demo.age desc
)
update pitches set promoted_until = $1 + interval '5 days' where id in (1, 9) and status = 'published'
