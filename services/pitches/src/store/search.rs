//! `pitch_search`: published pitches by their words. A trigger keeps it at what `pitches` says.
//!
//! However frequent the words are, no more than the newest matches are looked at: the search goes back through time, first by weeks, then by
//! four weeks, and ends when it has enough. Weeks, also those of a genre and a format, are words of the document like the text, so each step is one
//! look into one index, whose cost goes by what the step finds and not by what there is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz, VarChar};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use super::Place;
use crate::schema::sql_types;
use crate::words::{Format, Genre};

/// As many matches are counted, ranked and told apart by what they can be narrowed to.
pub const WINDOW: i64 = 1_000;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query {
    /// What somebody typed; empty matches everything.
    pub text: String,
    pub genres: Vec<Genre>,
    pub formats: Vec<Format>,
    pub stages: Vec<String>,
    pub budgets: Vec<String>,
    pub seeking_investment: Option<bool>,
    /// Whose pitches are not to be found by whoever asks.
    pub hidden: Vec<UserId>,
}

/// A match, without its text.
#[derive(Clone, Debug, QueryableByName)]
pub struct Match {
    #[diesel(sql_type = Integer)]
    pub pitch_id: i32,
    #[diesel(sql_type = Timestamptz)]
    pub published_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Genre)]
    pub genre: Genre,
    #[diesel(sql_type = sql_types::Format)]
    pub format: Format,
    #[diesel(sql_type = Nullable<VarChar>)]
    pub stage: Option<String>,
    #[diesel(sql_type = Nullable<VarChar>)]
    pub estimated_budget: Option<String>,
    #[diesel(sql_type = Bool)]
    pub seeking_investment: bool,
    /// By how well and where the words match: the title weighs most. 0 if nobody asked.
    #[diesel(sql_type = Double)]
    pub score: f64,
}

impl Query {
    /// Whether the text has a word that can be looked for; without any text everything matches.
    fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// What the words of weeks end with: one genre, one format, or both.
    fn ending(&self) -> String {
        match (self.genres.as_slice(), self.formats.as_slice()) {
            ([genre], [format]) => format!("/{}/{}", genre.as_str(), format.as_str()),
            ([genre], _) => format!("/{}", genre.as_str()),
            (_, [format]) => format!("//{}", format.as_str()),
            _ => String::new(),
        }
    }

    /// What else it is narrowed to, as a tsquery of the words that stand for it.
    fn narrowed(&self) -> String {
        let several = |words: Vec<String>| if words.len() > 1 { words } else { Vec::new() };
        let genres = self.genres.iter().map(|genre| format!("=g:{}", genre.as_str())).collect();
        let formats = self.formats.iter().map(|format| format!("=f:{}", format.as_str())).collect();
        let lower =
            |start: &'static str| move |word: &String| format!("{start}{}", word.trim().to_lowercase());
        let groups = [
            several(genres),
            several(formats),
            self.stages.iter().map(lower("=s:")).collect(),
            self.budgets.iter().map(lower("=e:")).collect(),
        ];
        let mut all: Vec<String> =
            groups.iter().filter(|words| !words.is_empty()).map(|words| any(words)).collect();
        match self.seeking_investment {
            Some(true) => all.push("'=i'".to_owned()),
            Some(false) => all.push("!'=i'".to_owned()),
            None => {}
        }
        all.join(" & ")
    }
}

/// A tsquery for any of `words`, whatever is in them.
fn any(words: &[String]) -> String {
    let quoted = words.iter().map(|word| format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''")));
    format!("({})", quoted.collect::<Vec<_>>().join(" | "))
}

/// The newest matches before the place, newest first.
///
/// The rows come in the order of the steps, and in a step by time: a LATERAL subquery runs once for each row before it, in their order.
const MATCHES: &str = "
    WITH asked AS MATERIALIZED (
        SELECT CASE WHEN $1 <> '' THEN websearch_to_tsquery('english', $1) END AS words,
               CASE WHEN $2 <> '' THEN $2::tsquery END AS narrowed
    ), bounds AS MATERIALIZED (
        SELECT pitch_week(least($3, (SELECT max(published_at) FROM pitch_search))) AS newest,
               pitch_week((SELECT min(published_at) FROM pitch_search)) AS oldest
    ), steps AS MATERIALIZED (
        SELECT quote_literal('=w:' || week || $9)::tsquery AS step
        FROM bounds, generate_series(newest, newest - 7, -1) AS week
        UNION ALL
        SELECT (
            SELECT string_agg(quote_literal('=w:' || week || $9), '|') FROM generate_series(last - 3, last) AS week
        )::tsquery
        FROM bounds, generate_series(newest - 8, oldest, -4) AS last
    ), looks AS MATERIALIZED (
        SELECT CASE
                   WHEN words IS NULL AND narrowed IS NULL THEN step
                   WHEN words IS NULL THEN narrowed && step
                   WHEN narrowed IS NULL THEN words && step
                   ELSE words && narrowed && step
               END AS look,
               words
        FROM asked, steps
        WHERE words IS NULL OR numnode(words) > 0
    )
    SELECT found.*
    FROM looks CROSS JOIN LATERAL (
        SELECT pitch_id, published_at, genre, format, stage, estimated_budget, seeking_investment,
               CASE WHEN $5 AND words IS NOT NULL THEN ts_rank(document, words) ELSE 0 END::float8 AS score
        FROM pitch_search
        WHERE document @@ look AND (published_at, pitch_id) < ($3, $4) AND user_id <> ALL ($6)
        ORDER BY published_at DESC, pitch_id DESC
    ) AS found
    OFFSET $7 LIMIT $8";

/// The newest matches: one more than the window, to see whether there are more. `ranked` gives them scores.
pub async fn window(tx: &mut Tx, query: &Query, ranked: bool) -> QueryResult<Vec<Match>> {
    let place = Place { after: None, offset: 0, limit: WINDOW };
    matches(query, place, ranked).load(tx).await
}

/// The newest matches after a place: one page and one more.
pub async fn page(tx: &mut Tx, query: &Query, place: Place) -> QueryResult<Vec<Match>> {
    matches(query, place, false).load(tx).await
}

/// The query of both.
pub(super) fn matches(
    query: &Query,
    place: Place,
    ranked: bool,
) -> diesel::query_builder::BoxedSqlQuery<'static, diesel::pg::Pg, diesel::query_builder::SqlQuery> {
    let (at, id) = place.begin();
    let text = if query.has_text() { query.text.clone() } else { String::new() };
    let hidden: Vec<i32> = query.hidden.iter().map(|user| user.0).collect();
    diesel::sql_query(MATCHES)
        .into_boxed()
        .bind::<Text, _>(text)
        .bind::<Text, _>(query.narrowed())
        .bind::<Timestamptz, _>(at)
        .bind::<Integer, _>(id)
        .bind::<Bool, _>(ranked)
        .bind::<Array<Integer>, _>(hidden)
        .bind::<BigInt, _>(place.offset)
        .bind::<BigInt, _>(place.limit + 1)
        .bind::<Text, _>(query.ending())
}

/// A title that begins with what somebody typed.
#[derive(Clone, Debug, QueryableByName)]
pub struct Completion {
    #[diesel(sql_type = Integer)]
    pub pitch_id: i32,
    #[diesel(sql_type = VarChar)]
    pub title: String,
}

/// Titles of published pitches that begin with `typed`, in order; articles don't count.
pub async fn complete(
    tx: &mut Tx,
    typed: &str,
    hidden: &[UserId],
    limit: i64,
) -> QueryResult<Vec<Completion>> {
    completions(typed, hidden, limit).load(tx).await
}

pub(super) fn completions(
    typed: &str,
    hidden: &[UserId],
    limit: i64,
) -> diesel::query_builder::BoxedSqlQuery<'static, diesel::pg::Pg, diesel::query_builder::SqlQuery> {
    let pattern: String = key(typed)
        .chars()
        .flat_map(|c| if matches!(c, '%' | '_' | '\\') { vec!['\\', c] } else { vec![c] })
        .chain(['%'])
        .collect();
    let hidden: Vec<i32> = hidden.iter().map(|user| user.0).collect();
    diesel::sql_query(
        "SELECT found.pitch_id, pitches.title
         FROM (SELECT pitch_id, title_key FROM pitch_search
               WHERE title_key LIKE $1 AND user_id <> ALL ($2)
               ORDER BY title_key USING ~<~, pitch_id LIMIT $3) AS found
         JOIN pitches ON pitches.id = found.pitch_id
         ORDER BY found.title_key, found.pitch_id",
    )
    .into_boxed()
    .bind::<Text, _>(pattern)
    .bind::<Array<Integer>, _>(hidden)
    .bind::<BigInt, _>(limit)
}

/// As `pitch_title_key()` has it.
fn key(typed: &str) -> String {
    let lower = typed.trim_start().to_lowercase();
    for article in ["the ", "an ", "a "] {
        if let Some(rest) = lower.strip_prefix(article) {
            return rest.trim_start().to_owned();
        }
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_a_word_it_stays_one() {
        let query = Query { stages: vec![r"it's \ done' | '=g:drama".to_owned()], ..Query::default() };
        assert_eq!(query.narrowed(), r"('=s:it''s \\ done'' | ''=g:drama')");
        let query = Query {
            genres: vec![Genre::Drama],
            formats: vec![Format::Tv],
            seeking_investment: Some(false),
            ..Query::default()
        };
        assert_eq!((query.ending().as_str(), query.narrowed().as_str()), ("/drama/tv", "!'=i'"));
        let query = Query {
            genres: vec![Genre::Drama, Genre::Horror],
            formats: vec![Format::Tv],
            ..Query::default()
        };
        assert_eq!(
            (query.ending().as_str(), query.narrowed().as_str()),
            ("//tv", "('=g:drama' | '=g:horror')")
        );
    }

    #[test]
    fn articles_are_no_part_of_what_is_completed() {
        assert_eq!(key(" The Lighth"), "lighth");
        assert_eq!(key("Theodora"), "theodora");
    }
}
