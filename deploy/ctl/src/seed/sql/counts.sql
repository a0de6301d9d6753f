-- What is counted is what is there: the signed NDAs, likes and comments of each pitch.
update pitches set nda_count = signed.count
from (select pitch_id, count(*) as count from ndas where status = 'signed' group by pitch_id) as signed
where pitches.id = signed.pitch_id;
update pitches
set like_count    = (select count(*) from pitch_likes where pitch_id = pitches.id),
    comment_count = (select count(*) from pitch_comments where pitch_id = pitches.id)
