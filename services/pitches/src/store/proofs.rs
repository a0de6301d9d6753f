//! What a search costs the database, as the role that runs it.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use pitchey_events::UserId;
use pitchey_testkit::{Plan, TestDatabase, size};

use super::Place;
use super::search::{Match, Query, WINDOW, completions, matches};
use crate::words::{Format, Genre};

/// Milliseconds of database time that a page may cost.
const BUDGET: f64 = 15.0;
const WHOLE: Place = Place { after: None, offset: 0, limit: WINDOW };

/// Published pitches over three years. Every one has `everywhere` in it, every second `often` ... every thousandth `seldom`; `longago` is in the oldest
/// third only. The rest are 20,000 words as frequent as words are.
async fn filled(pitches: i32) -> TestDatabase {
    let db = TestDatabase::create().await;
    db.execute(&format!(
        "SELECT setseed(0.5);
         INSERT INTO users (id, email, username, password_hash, user_type)
         SELECT n, n || '@example.test', 'user' || n, '!', 'creator' FROM generate_series(1, 1000) AS n;
         CREATE FUNCTION some_words(how_many integer, n integer) RETURNS text LANGUAGE sql VOLATILE AS $$
             SELECT string_agg('w' || translate(floor(power(20000, random()))::integer::text, '0123456789', 'abcdefghij'), ' ')
             FROM generate_series(1, how_many) WHERE n IS NOT NULL
         $$;
         INSERT INTO pitches (
             id, user_id, title, logline, short_synopsis, target_audience, why_now, themes, genre, format, status, published_at,
             seeking_investment, stage
         )
         SELECT n, 1 + n % 1000, initcap(some_words(3, n)), some_words(15, n),
                'everywhere ' || CASE WHEN n % 2 = 0 THEN 'often ' ELSE '' END || CASE WHEN n % 20 = 0 THEN 'sometimes ' ELSE '' END
                || CASE WHEN n % 1000 = 0 THEN 'seldom ' ELSE '' END || CASE WHEN n < {pitches} / 3 THEN 'longago ' ELSE '' END
                || some_words(60, n),
                some_words(5, n), some_words(20, n), to_jsonb(string_to_array(some_words(3, n), ' ')),
                (enum_range(NULL::genre))[1 + (n * 7) % 11], (enum_range(NULL::format))[1 + (n * 3) % 5], 'published',
                now() - ({pitches} - n) * interval '1095 days' / {pitches}, n % 4 = 0,
                (ARRAY['script', 'development', 'concept'])[1 + n % 3]
         FROM generate_series(1, {pitches}) AS n"
    ))
    .await;
    db.execute("VACUUM ANALYZE pitches").await;
    db.execute("VACUUM ANALYZE pitch_search").await;
    db
}

/// The least of several times: what the query costs, and not what else the machine does.
async fn least(connection: &mut AsyncPgConnection, query: &Query, place: Place, ranked: bool) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..7 {
        least = least.min(Plan::run(connection, matches(query, place, ranked)).await.milliseconds());
    }
    least
}

fn words(text: &str) -> Query {
    Query { text: text.to_owned(), hidden: vec![UserId(3), UserId(7)], ..Query::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_page_costs_little_however_frequent_the_words_and_however_deep_the_page() {
    let pitches = size(2_000, 150_000);
    let db = filled(pitches).await;
    let connection = &mut db.connect_as("pitchey_pitches").await;
    let horror = Query { genres: vec![Genre::Horror], ..words("often") };
    let both = Query { formats: vec![Format::Tv], ..horror.clone() };
    let seeking =
        Query { seeking_investment: Some(true), stages: vec!["Script".to_owned()], ..words("everywhere") };
    let queries = [
        ("nothing in particular", words("")),
        ("everywhere", words("everywhere")),
        ("often", words("often")),
        ("sometimes", words("sometimes")),
        ("seldom", words("seldom")),
        ("nowhere", words("nowhere")),
        ("two frequent words", words("often longago")),
        ("a phrase and a negation", words("\"everywhere often\" -sometimes")),
        ("longago", words("longago")),
        ("often, of a genre", horror),
        ("often, of a genre and a format", both),
        ("everywhere, of a stage, seeking investment", seeking),
    ];
    let mut dear = Vec::new();
    for (name, query) in &queries {
        let window = least(connection, query, WHOLE, false).await;
        let ranked = least(connection, query, WHOLE, true).await;
        let rows: Vec<Match> = load(connection, query, WHOLE).await;
        println!("{name}: {} matches, {window:.2} ms, ranked {ranked:.2} ms", rows.len());
        if window.max(ranked) > BUDGET {
            dear.push(*name);
        }
        assert!(
            rows.is_sorted_by(|a, b| (a.published_at, a.pitch_id) > (b.published_at, b.pitch_id)),
            "{name}"
        );
    }
    assert!(dear.is_empty(), "of {pitches} pitches a page costs more than {BUDGET} ms for: {dear:?}");

    let query = words("often");
    let first = Place { limit: 20, ..WHOLE };
    let deep = Place { after: Some(after_pages(connection, &query, size(20, 500)).await), ..first };
    let (one, last) =
        (least(connection, &query, first, false).await, least(connection, &query, deep, false).await);
    println!("page 1: {one:.2} ms, page {}: {last:.2} ms", size(20, 500));
    assert!(last < one * 3.0 + 1.0, "a deep page costs {last} ms, the first {one} ms");
}

/// Where the page of this number ends.
async fn after_pages(connection: &mut AsyncPgConnection, query: &Query, pages: i64) -> (DateTime<Utc>, i32) {
    let place = Place { after: None, offset: pages * 20 - 1, limit: 1 };
    let rows: Vec<Match> = load(connection, query, place).await;
    (rows[0].published_at, rows[0].pitch_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_types_is_completed_from_an_index() {
    let db = filled(2_000).await;
    let connection = &mut db.connect_as("pitchey_pitches").await;
    let plan = Plan::of(connection, completions("The wa", &[], 10)).await;
    plan.assert_uses_index("pitch_search_title_key_idx");
    plan.assert_never_scans("pitch_search");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_back_in_time_is_a_look_into_the_text_index() {
    let db = filled(2_000).await;
    let connection = &mut db.connect_as("pitchey_pitches").await;
    let plan = Plan::of(connection, matches(&words("often"), WHOLE, false)).await;
    plan.assert_uses_index("pitch_search_document_idx");
    plan.assert_never_scans("pitch_search");
}

async fn load(connection: &mut AsyncPgConnection, query: &Query, place: Place) -> Vec<Match> {
    // Not by its trait: a test's database has a method of the same name.
    diesel_async::RunQueryDsl::load(matches(query, place, false), connection).await.unwrap()
}
