//! The database that tests' databases are copied from: migrated once, by whichever test comes first.

use diesel::sql_types::{Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pitchey_db::migrations;
use url::Url;

use super::with_database;

const PREFIX: &str = "pitchey_template_";
const UNFINISHED: &str = "pitchey_template_unfinished";
const LOCK: &str = "SELECT pg_advisory_lock(hashtext('pitchey.template'))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtext('pitchey.template'))";

/// The name of the template for the migrations and roles of this build; makes it if nobody has.
pub(super) async fn ensure(admin: &mut AsyncPgConnection, server: &Url) -> String {
    let template = format!("{PREFIX}{}", migrations::FINGERPRINT);
    if !exists(admin, &template).await {
        admin.batch_execute(LOCK).await.expect("the template's lock");
        if !exists(admin, &template).await {
            make(admin, server, &template).await;
        }
        admin.batch_execute(UNLOCK).await.expect("the template's lock");
    }
    template
}

/// Under another name until it is whole: who finds the template finds all of it.
async fn make(admin: &mut AsyncPgConnection, server: &Url, template: &str) {
    let mut outdated = outdated(admin).await;
    outdated.push(UNFINISHED.to_owned());
    for name in outdated {
        admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await
            .expect("DROP DATABASE");
    }
    admin
        .batch_execute(&format!("CREATE DATABASE {UNFINISHED} TEMPLATE template0"))
        .await
        .expect("CREATE DATABASE");
    migrations::up(with_database(server, UNFINISHED).as_str())
        .await
        .unwrap_or_else(|error| panic!("migrate up: {error}"));
    // A copy needs its original to itself.
    for sql in [
        format!("ALTER DATABASE {UNFINISHED} WITH ALLOW_CONNECTIONS false"),
        format!("ALTER DATABASE {UNFINISHED} RENAME TO {template}"),
    ] {
        admin.batch_execute(&sql).await.expect("ALTER DATABASE");
    }
}

async fn exists(admin: &mut AsyncPgConnection, name: &str) -> bool {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        exists: bool,
    }
    let query = sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS exists")
        .bind::<Text, _>(name);
    query.get_result::<Answer>(admin).await.expect("pg_database").exists
}

/// Templates of other migrations that are older than a day. (A younger one may be another checkout's.)
async fn outdated(admin: &mut AsyncPgConnection) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Database {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let outdated = sql_query(
        "SELECT datname::text AS name FROM pg_database
         WHERE datname LIKE 'pitchey\\_template\\_%'
           AND (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification < now() - interval '1 day'",
    );
    let outdated: Vec<Database> = outdated.load(admin).await.expect("pg_database");
    outdated.into_iter().map(|database| database.name).collect()
}
