//! Postgres by TLS.

use diesel::QueryableByName;
use diesel::sql_query;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_config::Trust;
use pitchey_db::{connect, migrations};
use pitchey_events::Service;
use pitchey_testkit::{Authority, Server, Servers};

/// Whether this very connection is TLS.
async fn is_secure(connection: &mut AsyncPgConnection) -> bool {
    ask(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await
}

async fn ask(connection: &mut AsyncPgConnection, sql: &str) -> bool {
    #[derive(QueryableByName)]
    struct Ssl {
        #[diesel(sql_type = Bool)]
        ssl: bool,
    }
    sql_query(sql).get_result::<Ssl>(connection).await.unwrap().ssl
}

async fn refusal(url: &str, trust: &Trust) -> String {
    match connect(url, trust).await {
        Ok(_) => panic!("{url} let us in"),
        Err(why) => why.to_string(),
    }
}

#[tokio::test]
async fn only_the_server_that_it_should_be_is_spoken_to() {
    let servers = Servers::start_one_secure(Server::Postgres).await;
    let url = servers.database_url();
    let (place, _) = url.split_once('?').unwrap();
    let nobody = Trust::default();
    let ours = Trust::new(std::fs::read(servers.authorities()).unwrap()).unwrap();
    let strangers = Authority::new();

    // By the URL's own authorities, or by the house's; the login is bound to the channel.
    assert!(is_secure(&mut connect(url, &nobody).await.unwrap()).await);
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!("{place}?sslmode={mode}&channel_binding=require");
        assert!(is_secure(&mut connect(&url, &ours).await.unwrap()).await, "{mode}");
    }

    // Whatever the word for it: an authority that nobody knows is refused, and a name that is another's.
    for mode in ["require", "verify-ca", "verify-full"] {
        let why = refusal(&format!("{place}?sslmode={mode}"), &strangers.trust()).await;
        assert!(why.contains("invalid peer certificate") && !why.contains("name"), "{mode}: {why}");
        let elsewhere = place.replace("@127.0.0.1:", "@elsewhere.example:");
        let why = refusal(&format!("{elsewhere}?hostaddr=127.0.0.1&sslmode={mode}"), &ours).await;
        assert!(why.contains("not valid for name"), "{mode}: {why}");
    }
    let why = refusal(&format!("{place}?sslmode=verify-full"), &nobody).await;
    assert!(why.contains("PITCHEY_TLS__AUTHORITIES"), "{why}");

    // The server, for its part, takes nobody without.
    let why = refusal(place, &ours).await;
    assert!(why.contains("no encryption"), "{why}");
}

#[tokio::test]
async fn pools_and_migrations_go_by_tls() {
    let servers = Servers::start_one_secure(Server::Postgres).await;
    let db = servers.database().await;
    let databases = db.databases(Service::Accounts).await;
    let (_user, _system) =
        (databases.user.connection().await.unwrap(), databases.system.connection().await.unwrap());
    let all =
        "SELECT count(*) >= 3 AND bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE datname = current_database()";
    assert!(ask(&mut db.admin().await, all).await);
    assert!(migrations::status(&db.admin_url()).await.unwrap().iter().all(|migration| migration.applied));
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password_of_who_wants_it() {
    let servers = Servers::start_one(Server::Postgres).await;
    let url = format!("{}?sslmode=verify-full", servers.database_url());
    let why = refusal(&url, &Authority::new().trust()).await;
    assert!(why.contains("does not support TLS"), "{why}");
}
