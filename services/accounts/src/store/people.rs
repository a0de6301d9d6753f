//! Finding users among all: by name, for everybody; by what became of them, for admins.

use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserType;
use serde::Deserialize;

use super::lower;
use super::users::User;
use super::words::TypeWord;
use crate::schema::users;

/// Of more matches than that, the newest are ranked.
const RANKED: i64 = 1_000;

/// Words of which each begins one of somebody's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// As typed, in lower case.
    text: String,
    /// For `to_tsquery`: nothing but letters and digits of theirs gets in.
    query: String,
}

impl Words {
    /// Most words that are looked at.
    const MOST: usize = 8;

    /// Those of `text`, if there are any.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let words: Vec<_> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(Self::MOST)
            .map(|word| format!("'{word}':*"))
            .collect();
        let query = words.join(" & ");
        (!query.is_empty()).then_some(Self { text, query })
    }
}

/// The conditions are those of the index, the words are the index's own.
const SEARCH: &str = "
    WITH matches AS (
        SELECT id, lower(username) AS name
        FROM users
        WHERE user_names(username, first_name, last_name, company_name) @@ to_tsquery('simple', $1)
          AND is_active AND banned_at IS NULL AND deleted_at IS NULL AND suspended_at IS NULL
          AND ($2 IS NULL OR user_type::text = $2)
          AND id <> ALL (ARRAY(SELECT app_blocked_ids()))
        ORDER BY id DESC
        LIMIT $3
    )
    SELECT id, count(*) OVER () AS found
    FROM matches
    ORDER BY name = $4 DESC, starts_with(name, $4) DESC, id
    OFFSET $5 LIMIT $6";

/// A user found.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Active users by name, the best first, and how many there are, counted to one more than are ranked. Those with whom the acting user has a block are not there.
pub async fn search(
    tx: &mut Tx,
    words: &Words,
    user_type: Option<UserType>,
    skip: i64,
    most: i64,
) -> QueryResult<(Vec<User>, i64)> {
    let found: Vec<Found> = diesel::sql_query(SEARCH)
        .bind::<Text, _>(&words.query)
        .bind::<Nullable<Text>, _>(user_type.map(UserType::as_str))
        .bind::<BigInt, _>(RANKED + 1)
        .bind::<Text, _>(&words.text)
        .bind::<BigInt, _>(skip)
        .bind::<BigInt, _>(most)
        .load(tx)
        .await?;
    let counted = found.as_slice().first().map_or(0, |first| first.found);
    let ids: Vec<i32> = found.iter().map(|found| found.id).collect();
    let mut rows: Vec<User> =
        users::table.filter(users::id.eq_any(&ids)).select(User::as_select()).load(tx).await?;
    rows.sort_by_key(|user| ids.iter().position(|id| *id == user.id));
    Ok((rows, counted))
}

/// What became of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Neither suspended nor closed.
    Active,
    /// May read only.
    Suspended,
    /// Has no session.
    Banned,
    /// Asked for deletion, or is gone.
    Deleted,
}

/// Whom an admin looks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// An e-mail address, or the words of a name.
    pub email: Option<String>,
    pub words: Option<Words>,
    pub user_type: Option<UserType>,
    pub state: Option<State>,
    pub company_verified: Option<bool>,
}

fn narrowed(wanted: &Wanted) -> IntoBoxed<'_, users::table, Pg> {
    let mut query = users::table.into_boxed();
    if let Some(email) = &wanted.email {
        query = query.filter(lower(users::email).eq(lower(email)));
    }
    if let Some(words) = &wanted.words {
        let named = diesel::dsl::sql::<Bool>(
            "user_names(username, first_name, last_name, company_name) @@ to_tsquery('simple', ",
        );
        query = query.filter(named.bind::<Text, _>(&words.query).sql(")"));
    }
    if let Some(user_type) = wanted.user_type {
        query = query.filter(users::user_type.eq(TypeWord(user_type)));
    }
    if let Some(verified) = wanted.company_verified {
        query = query.filter(users::company_verified.eq(verified));
    }
    match wanted.state {
        Some(State::Active) => query
            .filter(users::is_active)
            .filter(users::suspended_at.is_null())
            .filter(users::banned_at.is_null())
            .filter(users::deleted_at.is_null()),
        Some(State::Suspended) => query.filter(users::suspended_at.is_not_null()),
        Some(State::Banned) => query.filter(users::banned_at.is_not_null()),
        Some(State::Deleted) => query.filter(users::deleted_at.is_not_null()),
        None => query,
    }
}

/// Newest first, before `before`.
pub async fn list(
    tx: &mut Tx,
    wanted: &Wanted,
    before: Option<i32>,
    skip: i64,
    most: i64,
) -> QueryResult<Vec<User>> {
    let mut query = narrowed(wanted);
    if let Some(before) = before {
        query = query.filter(users::id.lt(before));
    }
    let query = query.order(users::id.desc()).offset(skip).limit(most);
    query.select(User::as_select()).load(tx).await
}

/// How many there are, counted up to `most`.
pub async fn count(tx: &mut Tx, wanted: &Wanted, most: i64) -> QueryResult<i64> {
    let ids: Vec<i32> = narrowed(wanted).limit(most).select(users::id).load(tx).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use diesel_async::SimpleAsyncConnection;
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[test]
    fn nothing_but_words_gets_into_the_query() {
        let words = |text| Words::of(text).map(|words| words.query);
        assert_eq!(words("Ada  o'Brien").as_deref(), Some("'ada':* & 'o':* & 'brien':*"));
        assert_eq!(words("a:*|!(b)\\").as_deref(), Some("'a':* & 'b':*"));
        assert_eq!(words("Zieliński").as_deref(), Some("'zieliński':*"));
        assert_eq!(words(" .,' "), None);
    }

    #[tokio::test]
    async fn names_are_found_by_their_index_as_the_run_time_role() {
        let db = TestDatabase::create().await;
        TestDatabase::execute(
            &db,
            "INSERT INTO users (email, username, password_hash)
             SELECT 'u' || n || '@x.test', md5(n::text), '' FROM generate_series(1, 20000) AS n; ANALYZE users",
        )
        .await;
        let mut connection = db.connect_as("pitchey_accounts").await;
        connection.batch_execute("SET app.uid = '1'").await.unwrap();
        let query = diesel::sql_query(SEARCH)
            .bind::<Text, _>("'abcd':*")
            .bind::<Nullable<Text>, _>(None::<&str>)
            .bind::<BigInt, _>(RANKED + 1)
            .bind::<Text, _>("abcd")
            .bind::<BigInt, _>(0)
            .bind::<BigInt, _>(21);
        Plan::of(&mut connection, query).await.assert_uses_index("users_names_idx");
    }
}
