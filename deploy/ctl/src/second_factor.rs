//! The second factor of the demo's admin: a secret of this machine's own, from the environment.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Integer, Text, Timestamptz};
use diesel::{OptionalExtension, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_clock::Clock;
use pitchey_seal::Sealer;
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret};

use crate::Failure;

pitchey_config::settings! {
    /// What is needed to give it.
    struct Keys {
        /// The secret in base32; `deploy/dev/secrets` makes one at the first run.
        admin_totp_secret: Option<SecretString> = None,
        /// As in accounts' own settings.
        pii_key: Option<SecretString> = None,
    }
}

/// Gives the admins among the demo's users their second factor; false if there is no secret to give.
pub(crate) async fn give(connection: &mut AsyncPgConnection, at: DateTime<Utc>) -> Result<bool, Failure> {
    #[derive(diesel::QueryableByName)]
    struct Admin {
        #[diesel(sql_type = Integer)]
        id: i32,
    }
    let keys = pitchey_config::load::<Keys>("ctl")?;
    let (Some(secret), Some(pii_key)) = (keys.admin_totp_secret, keys.pii_key) else { return Ok(false) };
    parsed(&secret)?;
    let sealer = sealer(&pii_key)?;
    let admins: Vec<Admin> = sql_query("SELECT id FROM users WHERE is_admin").load(connection).await?;
    for Admin { id } in admins {
        let sealed = sealer.seal(&place(id), secret.expose_secret());
        let sealed = sealed.map_err(|error| Failure::Failed(error.to_string()))?;
        sql_query("INSERT INTO user_totp (user_id, secret, confirmed_at, created_at) VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING")
            .bind::<Integer, _>(id)
            .bind::<Text, _>(sealed)
            .bind::<Timestamptz, _>(at)
            .execute(connection)
            .await?;
    }
    Ok(true)
}

/// Fails where the data outlived the keys that it was sealed with, as beside a checkout made anew: each login of a second factor would fail, too.
pub(crate) async fn check_key(connection: &mut AsyncPgConnection) -> Result<(), Failure> {
    #[derive(diesel::QueryableByName)]
    struct Kept {
        #[diesel(sql_type = Integer)]
        user_id: i32,
        #[diesel(sql_type = Text)]
        secret: String,
    }
    let Some(pii_key) = pitchey_config::load::<Keys>("ctl")?.pii_key else { return Ok(()) };
    let sealer = sealer(&pii_key)?;
    let some = sql_query("SELECT user_id, secret FROM user_totp ORDER BY user_id LIMIT 1");
    let Some(Kept { user_id, secret }) = some.get_result(connection).await.optional()? else { return Ok(()) };
    sealer.open(&place(user_id), &secret).map(drop).map_err(|error| {
        Failure::Failed(format!(
            "the data that is kept does not fit the secrets of this checkout ({error}): bring back the .pitchey/secrets.env that it was made with"
        ))
    })
}

fn sealer(pii_key: &SecretString) -> Result<Sealer, Failure> {
    Sealer::new(pii_key).map_err(|error| Failure::Usage(error.to_string()))
}

/// As accounts seals it.
fn place(user: i32) -> String {
    format!("user_totp|secret|{user}")
}

fn parsed(secret: &SecretString) -> Result<Secret, Failure> {
    Secret::try_from_base32(secret.expose_secret())
        .map_err(|_| Failure::Usage("CTL_ADMIN_TOTP_SECRET is not base32".into()))
}

/// Prints the code that the demo's admin needs to log in now.
pub(crate) fn print_code() -> Result<(), Failure> {
    let secret = pitchey_config::load::<Keys>("ctl")?.admin_totp_secret;
    let secret = secret.ok_or_else(|| Failure::Usage("CTL_ADMIN_TOTP_SECRET is not set".into()))?;
    let totp = Builder::new().with_secret(parsed(&secret)?).build();
    let totp = totp.map_err(|error| Failure::Usage(format!("CTL_ADMIN_TOTP_SECRET: {error}")))?;
    println!("{}", totp.generate(u64::try_from(Clock::system().now().timestamp()).unwrap_or(0)));
    Ok(())
}
