//! `ctl load-sessions`: people who are logged in, for load tests.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use diesel::sql_types::{Integer, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use crate::{Failure, cli, migrate, settings};

/// How many, and where their tokens go.
#[derive(Debug, Args)]
pub struct LoadSessions {
    /// Where to.
    #[command(flatten)]
    database: cli::Database,
    /// How many people.
    #[arg(long, default_value_t = 1_000)]
    count: i32,
    /// The file to write their tokens into, one a line; without it they are printed.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(QueryableByName)]
struct Token {
    #[diesel(sql_type = Text)]
    token: String,
}

/// As accounts keeps a session: the digest of its token only. Whoever is asked for again gets another session.
const SESSIONS: &str = "
    WITH people AS (
        INSERT INTO users (email, username, password_hash, user_type, email_verified)
        SELECT 'load-' || n || '@load.test', 'load-' || n, '!', 'investor', true FROM generate_series(1, $1) AS n
        ON CONFLICT DO NOTHING
        RETURNING id
    ), drawn AS MATERIALIZED (
        SELECT id AS user_id, 'pitchey_at_' || replace(gen_random_uuid() || '' || gen_random_uuid(), '-', '') AS token
        FROM (SELECT id FROM people
              UNION ALL
              SELECT id FROM users WHERE username LIKE 'load-%' AND substring(username FROM 6) ~ '^[0-9]{1,9}$'
                                     AND substring(username FROM 6)::int <= $1) AS everybody
    ), made AS (
        INSERT INTO sessions (user_id, token, expires_at, access_expires_at)
        SELECT user_id, encode(sha256(token::bytea), 'hex'), now() + interval '1 day', now() + interval '12 hours' FROM drawn
    )
    SELECT token FROM drawn ORDER BY user_id";

pub(crate) async fn run(arguments: &LoadSessions) -> Result<(), Failure> {
    if !settings::mode()?.is_development() {
        return Err(Failure::Usage(
            "sessions that nobody logged in to belong into development: PITCHEY_MODE=development".into(),
        ));
    }
    let mut connection = migrate::connect(&arguments.database.url).await?;
    let tokens: Vec<Token> =
        sql_query(SESSIONS).bind::<Integer, _>(arguments.count).load(&mut connection).await?;
    let mut lines: String = tokens.into_iter().map(|Token { token }| token + "\n").collect();
    match &arguments.to {
        Some(file) => std::fs::write(file, lines),
        None => {
            lines.truncate(lines.trim_end().len());
            writeln!(std::io::stdout(), "{lines}")
        }
    }
    .map_err(|error| Failure::Failed(error.to_string()))
}
