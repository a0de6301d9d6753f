//! Everything this service keeps about a user, over all its tables: for the user's own copy.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_events::UserId;
use serde_json::Value;

/// What there is, with the rows of the user `$1`: `number` puts them in order and is not shown. Of what lies between two people, what the other one wrote is
/// theirs.
pub const KINDS: &[(&str, &str)] = &[
    (
        "pitches",
        r#"SELECT id::bigint AS number, id, title, logline, genre, format, format_category AS "formatCategory", status, short_synopsis AS "shortSynopsis",
                  long_synopsis AS "longSynopsis", opener, premise, description, target_audience AS "targetAudience", themes, comparables,
                  key_talent AS "keyTalent", characters, world_description AS "worldDescription", why_now AS "whyNow",
                  personal_connection AS "personalConnection", thumbnail_url AS "thumbnailUrl", media_files AS "mediaFiles", budget,
                  estimated_budget AS "estimatedBudget", stage, seeking_investment AS "seekingInvestment", requires_nda AS "requiresNDA",
                  nda_type AS "ndaType", views, like_count AS "likeCount", nda_count AS "ndaCount", comment_count AS "commentCount",
                  created_at AS "createdAt", updated_at AS "updatedAt", published_at AS "publishedAt"
           FROM pitches WHERE user_id = $1 AND deleted_at IS NULL"#,
    ),
    (
        "pitch_versions",
        r#"SELECT pitch_id::bigint * 1000000 + number AS number, pitch_id AS "pitchId", number AS version, content_sha256 AS "contentSha256",
                  created_at AS "createdAt"
           FROM pitch_versions WHERE author_id = $1"#,
    ),
    (
        "ndas_requested",
        r#"SELECT id::bigint AS number, id, pitch_id AS "pitchId", owner_id AS "ownerId", nda_type AS "ndaType", status,
                  request_message AS "requestMessage", signer_name AS "signerName", signer_title AS "signerTitle",
                  signer_company AS "signerCompany", document_hash AS "documentHash", receipt, created_at AS "createdAt",
                  signed_at AS "signedAt", expires_at AS "expiresAt"
           FROM ndas WHERE requester_id = $1"#,
    ),
    (
        "ndas_received",
        r#"SELECT id::bigint AS number, id, pitch_id AS "pitchId", requester_id AS "requesterId", nda_type AS "ndaType", status, terms,
                  reject_reason AS "rejectReason", created_at AS "createdAt", approved_at AS "approvedAt", signed_at AS "signedAt"
           FROM ndas WHERE owner_id = $1"#,
    ),
    (
        "nda_policy",
        r#"SELECT user_id::bigint AS number, policy, updated_at AS "updatedAt" FROM nda_policies WHERE user_id = $1"#,
    ),
    (
        "follows",
        r#"SELECT id::bigint AS number, following_id AS "userId", pitch_id AS "pitchId", created_at AS "createdAt"
           FROM follows WHERE follower_id = $1"#,
    ),
    (
        "likes",
        r#"SELECT pitch_id::bigint AS number, pitch_id AS "pitchId", created_at AS "createdAt" FROM pitch_likes WHERE user_id = $1"#,
    ),
    (
        "genres_read",
        r#"SELECT row_number() OVER (ORDER BY genre) AS number, genre, times, last_at AS "lastAt" FROM genre_readings WHERE user_id = $1"#,
    ),
    (
        "comments",
        r#"SELECT id AS number, id, pitch_id AS "pitchId", content, created_at AS "createdAt", edited_at AS "editedAt"
           FROM pitch_comments WHERE author_id = $1"#,
    ),
    (
        "reports",
        r#"SELECT id AS number, id, pitch_id AS "pitchId", reason, description, status, created_at AS "createdAt",
                  resolved_at AS "resolvedAt"
           FROM content_reports WHERE reporter_id = $1"#,
    ),
    (
        "shared_links",
        r#"SELECT pitch_id::bigint * 1000 + row_number() OVER (PARTITION BY pitch_id ORDER BY platform) AS number, pitch_id AS "pitchId",
                  platform, opens, created_at AS "createdAt", expires_at AS "expiresAt"
           FROM pitch_share_links WHERE user_id = $1"#,
    ),
    (
        "media",
        r#"SELECT id::bigint AS number, id, pitch_id AS "pitchId", kind AS "type", title, public, media_type AS "mediaType", size, sha256, link,
                  created_at AS "createdAt"
           FROM media_files WHERE owner_id = $1"#,
    ),
    (
        "investments",
        r#"SELECT id::bigint AS number, id, pitch_id AS "pitchId", amount_cents AS "amountCents", currency, notes, created_at AS "createdAt"
           FROM investments WHERE investor_id = $1"#,
    ),
];

/// A row, and its place.
#[derive(QueryableByName)]
pub struct Row {
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    #[diesel(sql_type = Jsonb)]
    pub row: Value,
}

/// Up to `limit` rows of one of [`KINDS`] after the place.
pub async fn rows(
    connection: &mut AsyncPgConnection,
    kind: &str,
    user: UserId,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<Row>> {
    let sql = format!(
        "SELECT number, to_jsonb(part) - 'number' AS row FROM ({kind}) AS part WHERE number > $2 ORDER BY number LIMIT $3"
    );
    diesel::sql_query(sql)
        .bind::<Integer, _>(user.0)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(limit)
        .load(connection)
        .await
}
