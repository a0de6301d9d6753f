//! How Postgres answers the hot queries, asked as the role that runs them.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use pitchey_events::{PitchId, UserId};
use pitchey_testkit::{Plan, TestDatabase};

use super::ndas::{self, Side};
use super::pitch_lists::{self, Filter};
use super::{Place, comments, discovery, follows, investments, likes, media};
use crate::words::{Genre, NdaStatus, PitchStatus};

const FIRST: Place = Place { after: None, offset: 0, limit: 20 };
const OWNER: UserId = UserId(1);
const BUYER: UserId = UserId(50);

/// 20,000 pitches and as many NDAs. A fifth of both are those of one owner, another fifth of the NDAs are one buyer's.
async fn filled() -> TestDatabase {
    let db = TestDatabase::create().await;
    db.execute(
        "INSERT INTO users (id, email, username, password_hash, user_type)
         SELECT n, n || '@example.test', 'user' || n, '!', (CASE WHEN n <= 40 THEN 'creator' ELSE 'investor' END)::user_type
         FROM generate_series(1, 80) AS n;
         INSERT INTO pitches (id, user_id, title, logline, genre, format, status, published_at, created_at)
         SELECT n, CASE WHEN n % 5 = 0 THEN 1 ELSE 2 + n % 39 END, 'Title', 'A logline of enough words',
                (CASE WHEN n % 50 = 0 THEN 'drama' ELSE 'comedy' END)::genre, 'tv',
                (CASE WHEN n % 3 = 0 THEN 'draft' ELSE 'published' END)::pitch_status,
                now() - n * interval '1 minute', now() - n * interval '1 minute'
         FROM generate_series(1, 20000) AS n;
         INSERT INTO pitch_versions (pitch_id, number, author_id, content_sha256) SELECT id, 1, user_id, repeat('0', 64) FROM pitches;
         INSERT INTO ndas (pitch_id, requester_id, owner_id, nda_type, status, pitch_version, created_at)
         SELECT id, CASE WHEN id % 5 = 1 THEN 50 ELSE 51 + id % 29 END, user_id, 'basic',
                (ARRAY['pending', 'expired', 'withdrawn'])[1 + id % 3], 1, created_at
         FROM pitches;
         ANALYZE users, pitches, pitch_versions, ndas",
    )
    .await;
    db
}

async fn acting(db: &TestDatabase, user: UserId) -> AsyncPgConnection {
    let mut connection = db.connect_as("pitchey_pitches").await;
    connection.batch_execute(&format!("SET app.uid = '{user}'")).await.unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_investments_come_from_their_indexes() {
    let db = filled().await;
    db.execute(
        "INSERT INTO media_files (pitch_id, owner_id, kind, title, link)
         SELECT id, user_id, 'video', 'v', 'https://a.b/' || id FROM pitches;
         INSERT INTO investments (investor_id, pitch_id, amount_cents, created_at)
         SELECT CASE WHEN id % 5 = 0 THEN 50 ELSE 51 + id % 29 END, id, 100, created_at FROM pitches;
         ANALYZE media_files, investments",
    )
    .await;
    let connection = &mut acting(&db, BUYER).await;
    let plan = Plan::of(connection, media::there(PitchId(7))).await;
    plan.assert_uses_index("media_files_content_key");
    plan.assert_never_scans("media_files");
    let deep = Place { after: Some((chrono::DateTime::UNIX_EPOCH, 7)), ..FIRST };
    for place in [FIRST, deep] {
        let plan = Plan::of(connection, investments::page(BUYER, place)).await;
        plan.assert_uses_index("investments_investor_created_at_idx");
        plan.assert_never_scans("investments");
        plan.assert_never_sorts();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn public_lists_come_in_order_from_their_indexes() {
    let db = filled().await;
    let connection = &mut acting(&db, BUYER).await;
    let drama = Filter { genre: Some(Genre::Drama), ..Filter::default() };
    let deep = Place { after: Some((chrono::DateTime::UNIX_EPOCH, 7)), ..FIRST };
    for (filter, place, index) in [
        (Filter::default(), FIRST, "pitches_published_at_idx"),
        (Filter::default(), deep, "pitches_published_at_idx"),
        (drama, FIRST, "pitches_genre_published_at_idx"),
    ] {
        let plan = Plan::of(connection, pitch_lists::published_page(filter, place)).await;
        plan.assert_uses_index(index);
        plan.assert_never_scans("pitches");
        plan.assert_never_sorts();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_lists_come_in_order_from_their_indexes() {
    let db = filled().await;
    let connection = &mut acting(&db, OWNER).await;
    let drafts = Filter { status: Some(PitchStatus::Draft), ..Filter::default() };
    for (filter, index) in
        [(Filter::default(), "pitches_user_created_at_idx"), (drafts, "pitches_user_status_idx")]
    {
        let plan = Plan::of(connection, pitch_lists::owned_page(OWNER, filter, FIRST)).await;
        plan.assert_uses_index(index);
        plan.assert_never_sorts();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_somebody_may_read_is_one_look_into_an_index() {
    let db = filled().await;
    let plan = Plan::of(&mut acting(&db, BUYER).await, ndas::for_pitches(BUYER, &[7])).await;
    plan.assert_never_scans("ndas");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_parties_lists_come_from_their_indexes() {
    let now = chrono::DateTime::UNIX_EPOCH;
    let db = filled().await;
    for (user, side, status, index) in [
        (OWNER, Side::Incoming(OWNER), None, "ndas_owner_created_at_idx"),
        (OWNER, Side::Incoming(OWNER), Some((NdaStatus::Withdrawn, now)), "ndas_owner_status_idx"),
        (BUYER, Side::Outgoing(BUYER), None, "ndas_requester_created_at_idx"),
        (BUYER, Side::Outgoing(BUYER), Some((NdaStatus::Withdrawn, now)), "ndas_requester_status_idx"),
    ] {
        let plan = Plan::of(&mut acting(&db, user).await, ndas::page(side, status, FIRST)).await;
        plan.assert_uses_index(index);
        plan.assert_never_scans("ndas");
        // Of one status the planner may rather sort the few that the policy leaves.
        if status.is_none() {
            plan.assert_never_sorts();
        }
    }
}

/// 4,000 users; one is followed by all and follows all, watches and likes much.
async fn sociable() -> TestDatabase {
    let db = filled().await;
    db.execute(
        "INSERT INTO users (id, email, username, password_hash, user_type)
         SELECT n, n || '@example.test', 'user' || n, '!', 'viewer' FROM generate_series(81, 4000) AS n;
         INSERT INTO follows (follower_id, following_id, created_at)
         SELECT n, 1, now() - n * interval '1 minute' FROM generate_series(2, 4000) AS n;
         INSERT INTO follows (follower_id, following_id, created_at)
         SELECT 50, n, now() - n * interval '1 minute' FROM generate_series(2, 4000) AS n WHERE n <> 50;
         INSERT INTO follows (follower_id, pitch_id, created_at)
         SELECT 50, id, created_at FROM pitches WHERE id % 20 = 1;
         INSERT INTO pitch_likes (pitch_id, user_id, created_at) SELECT 7, n, now() - n * interval '1 minute' FROM generate_series(1, 4000) AS n;
         INSERT INTO pitch_likes (pitch_id, user_id) SELECT n, 50 FROM generate_series(100, 4000) AS n;
         INSERT INTO pitch_comments (pitch_id, author_id, content) SELECT 7, n, 'Fine.' FROM generate_series(1, 4000) AS n;
         INSERT INTO pitch_comments (pitch_id, author_id, content) SELECT n, 50, 'Fine.' FROM generate_series(100, 4000) AS n;
         UPDATE pitches SET promoted_until = now() + interval '1 day' WHERE id % 500 = 1;
         ANALYZE follows, pitch_likes, pitch_comments, pitches",
    )
    .await;
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_likes_and_says_what_comes_in_order_from_its_index() {
    let db = sociable().await;
    let connection = &mut acting(&db, BUYER).await;
    let plans = [
        (
            "follows",
            "follows_following_id_idx",
            Plan::of(connection, follows::followers_page(OWNER, FIRST)).await,
        ),
        (
            "follows",
            "follows_follower_users_idx",
            Plan::of(connection, follows::following_page(BUYER, FIRST)).await,
        ),
        (
            "pitch_likes",
            "pitch_likes_created_at_idx",
            Plan::of(connection, likes::page(PitchId(7), FIRST)).await,
        ),
    ];
    for (table, index, plan) in plans {
        plan.assert_uses_index(index);
        plan.assert_never_scans(table);
        plan.assert_never_sorts();
    }
    let first = Place { after: None, offset: 0, limit: 20 };
    let plan = Plan::of(connection, comments::page(PitchId(7), first)).await;
    plan.assert_uses_index("pitch_comments_pitch_created_at_idx");
    plan.assert_never_sorts();
    let plan = Plan::of(connection, discovery::promoted_query(chrono::DateTime::UNIX_EPOCH, 20)).await;
    plan.assert_uses_index("pitches_promoted_until_idx");
}

#[tokio::test(flavor = "multi_thread")]
async fn recommendations_read_a_bounded_part() {
    let db = sociable().await;
    let query = diesel::sql_query(discovery::RECOMMENDED)
        .bind::<diesel::sql_types::Integer, _>(BUYER.0)
        .bind::<diesel::sql_types::Array<diesel::sql_types::Integer>, _>(vec![1])
        .bind::<diesel::sql_types::BigInt, _>(100);
    let plan = Plan::of(&mut acting(&db, BUYER).await, query).await;
    for table in ["pitches", "follows", "pitch_likes", "ndas", "pitch_search"] {
        plan.assert_never_scans(table);
    }
}
