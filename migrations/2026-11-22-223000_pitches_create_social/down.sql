alter table pitches drop column promoted_until;
drop table trending_pitches, pitch_share_links, content_reports, pitch_comments, pitch_likes;
