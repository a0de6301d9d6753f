-- $1 the NDAs, $2 the moment of loading
insert into ndas (
    id, pitch_id, requester_id, owner_id, nda_type, status, request_message, reject_reason, revoke_reason,
    terms, expiry_days, document, document_media_type, document_hash, signer_name, signer_title, signer_company, revoked_by,
    created_at, approved_at, rejected_at, withdrawn_at, signed_at, revoked_at, reminded_at, expires_at, updated_at,
    receipt, signed_copy, signed_copy_hash, agreement, approved_by, pitch_version, version
)
select
    demo.id, demo.pitch, demo.requester, pitches.user_id, coalesce(pitches.nda_type, 'basic'), demo.status, demo.message,
    case when demo.status = 'rejected' then demo.reason end, case when demo.status = 'revoked' then demo.reason end,
    demo.terms, demo.expiry_days, decode(demo.document, 'hex'), demo.document_media_type, demo.document_hash,
    demo.signer_name, demo.signer_title, demo.signer_company, demo.revoked_by,
    $2 - requested, $2 - approved, $2 - rejected, $2 - withdrawn, $2 - signed, $2 - revoked, $2 - reminded,
    $2 - signed + make_interval(days => demo.days),
    $2 - least(requested, approved, rejected, withdrawn, signed, revoked, expired),
    demo.receipt, demo.signed_copy, demo.signed_copy_hash, demo.agreement, case when approved <> requested then pitches.user_id end, 1, 1 + num_nonnulls(approved, rejected, withdrawn, signed, revoked, expired)
from jsonb_to_recordset($1) as demo (
    id integer, pitch integer, requester integer, status text, message text, reason text, terms text, expiry_days integer,
    document text, agreement text, document_media_type text, document_hash text, days integer, receipt jsonb, signed_copy text, signed_copy_hash text,
    signer_name text, signer_title text, signer_company text, revoked_by integer,
    requested interval, approved interval, rejected interval, withdrawn interval, signed interval, revoked interval,
    expired interval, reminded interval
)
join pitches on pitches.id = demo.pitch
