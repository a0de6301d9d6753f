drop table pitch_versions;
drop function pitch_versions_refuse_change();
drop table pitches;
drop function pitch_public_document(text, text, text, text, text, jsonb, jsonb);
drop type format;
drop type genre;
drop type nda_type;
drop type pitch_status;
