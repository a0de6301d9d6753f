use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::sql_types::{Array, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pitchey_config::Trust;
use pitchey_db::Databases;
use pitchey_events::Service;
use secrecy::SecretString;
use url::Url;

use crate::environment;
use crate::off_runtime::off_runtime;

mod leftovers;
mod people;
mod template;

/// With `RUST_LOG` set, everything logs to the test's output.
fn logs() {
    if std::env::var_os("RUST_LOG").is_some() {
        // There may be one already: of the test itself, or of another database of it.
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    }
}

/// A database of one test, with the whole schema and no rows. Gone when dropped, with everybody's connections to it.
pub struct TestDatabase {
    server: Url,
    name: String,
    /// By role, what its sessions start with: `statement_timeout=5s`.
    roles: BTreeMap<String, Vec<String>>,
}

impl TestDatabase {
    /// On the server of this run.
    pub async fn create() -> Self {
        Self::create_on(&environment::database_url()).await
    }

    /// On the server at `url`, a superuser's.
    pub async fn create_on(url: &str) -> Self {
        logs();
        let (server, mut admin) = server(url).await;
        // Another process may throw an old template away between our look and our use of it.
        let name = loop {
            let template = template::ensure(&mut admin, &server).await;
            match create(&mut admin, &format!("TEMPLATE {template}")).await {
                Err(error) if error.to_string().contains(&format!("\"{template}\" does not exist")) => {}
                result => break result.expect("CREATE DATABASE"),
            }
        };
        let roles = roles(&mut admin).await;
        Self { server, name, roles }
    }

    /// A database without any schema, on the server of this run: for tests of the migrations.
    pub async fn empty() -> Self {
        let (server, mut admin) = server(&environment::database_url()).await;
        let name = create(&mut admin, "TEMPLATE template0").await.expect("CREATE DATABASE");
        Self { server, name, roles: BTreeMap::new() }
    }

    /// A database with the schema that `ctl`, a program of some release, makes.
    ///
    /// # Panics
    /// If it does not.
    pub async fn migrated_by(ctl: &Path) -> Self {
        let mut db = Self::empty().await;
        db.migrate(ctl).await;
        db.roles = roles(&mut db.admin().await).await;
        db
    }

    /// Runs the migrations of that program that are pending.
    ///
    /// # Panics
    /// It fails.
    pub async fn migrate(&self, ctl: &Path) {
        let mut migrate = tokio::process::Command::new(ctl);
        let migrate = migrate.args(["migrate", "up"]).env_clear().env("DATABASE_URL", self.admin_url());
        let migrated = migrate.output().await.unwrap_or_else(|error| panic!("{}: {error}", ctl.display()));
        let said = String::from_utf8_lossy(&migrated.stderr);
        assert!(migrated.status.success(), "{} migrate up: {said}", ctl.display());
    }

    /// Its URL for the superuser.
    pub fn admin_url(&self) -> String {
        with_database(&self.server, &self.name).into()
    }

    /// Its URL for `role`, with what a login of that role starts with. No password is needed: the superuser puts the role on.
    pub fn url_as(&self, role: &str) -> String {
        let mut url = with_database(&self.server, &self.name);
        let settings = self.roles.get(role).unwrap_or_else(|| panic!("there is no role {role}"));
        let options: Vec<_> = std::iter::once(format!("role={role}"))
            .chain(settings.iter().cloned())
            .map(|s| format!("-c {s}"))
            .collect();
        let options = format!("options={}", options.join(" "));
        url.set_query(Some(&match self.server.query() {
            Some(given) => format!("{given}&{options}"),
            None => options,
        }));
        url.into()
    }

    /// A superuser's connection, to arrange and to look: no row level security applies.
    pub async fn admin(&self) -> AsyncPgConnection {
        connect(&self.admin_url()).await
    }

    /// Runs `sql`, one or more statements, as the superuser: to arrange many rows, or to break something. (Where diesel's `RunQueryDsl` is imported,
    /// write `(&db).execute(sql)`: its method of this name comes first.)
    ///
    /// # Panics
    /// If it fails.
    pub async fn execute(&self, sql: &str) {
        self.admin().await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// A connection as `role`, outside of any pool.
    pub async fn connect_as(&self, role: &str) -> AsyncPgConnection {
        connect(&self.url_as(role)).await
    }

    /// What `service` would be configured with to use this database: both of its roles, small pools.
    pub fn settings(&self, service: Service) -> pitchey_db::Database {
        pitchey_db::Database {
            user_url: SecretString::from(self.url_as(&format!("pitchey_{service}"))),
            system_url: SecretString::from(self.url_as(&format!("pitchey_{service}_system"))),
            user_pool: 2,
            system_pool: 2,
            wait_ms: 5_000,
            trust: Default::default(),
        }
    }

    /// The doors of `service`.
    pub async fn databases(&self, service: Service) -> Databases {
        Databases::open(&self.settings(service)).await.expect("the doors open")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        off_runtime(async move {
            // If the server is gone, so is the database; if it hangs, the next test sweeps up.
            let _ = tokio::time::timeout(Duration::from_secs(10), async {
                let mut admin = pitchey_db::connect(server.as_str(), &Trust::default()).await.ok()?;
                admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.ok()
            })
            .await;
        });
    }
}

async fn server(url: &str) -> (Url, AsyncPgConnection) {
    let server = Url::parse(url).unwrap_or_else(|error| panic!("DATABASE_URL: {error}"));
    let mut admin = connect(url).await;
    leftovers::sweep(&mut admin).await;
    (server, admin)
}

async fn create(admin: &mut AsyncPgConnection, how: &str) -> diesel::QueryResult<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = leftovers::name(COUNT.fetch_add(1, Ordering::Relaxed));
    admin.batch_execute(&format!("CREATE DATABASE {name} {how}")).await?;
    Ok(name)
}

/// Our roles with what `ALTER ROLE ... SET` gave them: that applies to logins only, not to who puts a role on.
async fn roles(admin: &mut AsyncPgConnection) -> BTreeMap<String, Vec<String>> {
    #[derive(QueryableByName)]
    struct Role {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Array<Text>)]
        settings: Vec<String>,
    }
    let roles: Vec<Role> = sql_query(
        "SELECT rolname::text AS name, coalesce(setconfig, '{}') AS settings
         FROM pg_roles LEFT JOIN pg_db_role_setting ON setrole = pg_roles.oid AND setdatabase = 0
         WHERE rolname LIKE 'pitchey\\_%'",
    )
    .load(admin)
    .await
    .expect("the roles");
    roles.into_iter().map(|role| (role.name, role.settings)).collect()
}

async fn connect(url: &str) -> AsyncPgConnection {
    pitchey_db::connect(url, &Trust::default()).await.unwrap_or_else(|error| {
        panic!("Postgres can't be reached ({error}): is the server of DATABASE_URL still running? `make test` starts one")
    })
}

fn with_database(server: &Url, name: &str) -> Url {
    let mut url = server.clone();
    url.set_path(name);
    url
}
