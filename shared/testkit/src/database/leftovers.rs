//! Databases of tests that were killed before they could clean up.

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::processes::{birth, machine};

/// The name of this process' `count`th database. It says which process it belongs to.
pub(super) fn name(count: u32) -> String {
    let pid = std::process::id();
    format!("{}{pid}_{}_{count}", prefix(), birth(pid).expect("this process is alive"))
}

fn prefix() -> String {
    format!("pitchey_test_{}_", machine())
}

/// Drops the databases of this machine's dead processes.
pub(super) async fn sweep(admin: &mut AsyncPgConnection) {
    #[derive(QueryableByName)]
    struct Database {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let all = sql_query("SELECT datname::text AS name FROM pg_database WHERE starts_with(datname, $1)");
    let all: Vec<Database> = all.bind::<Text, _>(prefix()).load(admin).await.expect("pg_database");
    for Database { name } in all.iter().filter(|database| is_left_over(&database.name)) {
        // Another test may be sweeping the same.
        let _ = admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    }
}

fn is_left_over(name: &str) -> bool {
    let mut owner = name.trim_start_matches(&prefix()).split('_');
    let pid: Option<u32> = owner.next().and_then(|pid| pid.parse().ok());
    let born: Option<u64> = owner.next().and_then(|born| born.parse().ok());
    pid.and_then(birth) != born
}
