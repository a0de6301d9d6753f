alter table ndas
    drop column approved_by,
    drop column custom_file_id,
    drop column agreement,
    drop column signed_copy,
    drop column signed_copy_hash;

drop table media_files;

comment on column pitches.media_files    is 'Mirror of the media of this pitch: array of {id, type, url, title, public}.';
comment on column pitches.custom_nda_url is 'The owner''s own NDA, a PDF. Readable by whom it may be offered to.';
