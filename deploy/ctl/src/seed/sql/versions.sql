-- $1 the first versions, $2 the moment of loading
insert into pitch_versions (pitch_id, number, content, content_sha256, author_id, created_at)
select pitch_id, 1, content, content_sha256, author_id, $2 - created
from jsonb_to_recordset($1) as demo (
    pitch_id integer, content text, content_sha256 text, author_id integer, created interval
)
