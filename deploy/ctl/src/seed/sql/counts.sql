-- What is counted is what is there: the signed NDAs of each pitch.
update pitches set nda_count = signed.count
from (select pitch_id, count(*) as count from ndas where status = 'signed' group by pitch_id) as signed
where pitches.id = signed.pitch_id
