//! The one place that connects to Postgres, plainly or by TLS as the URL says.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use pitchey_config::Trust;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connects to the database at `url`, as [`Place::read`] understands it. Who may vouch for the server says its `sslrootcert`, else `trust`.
///
/// # Errors
/// [`ConnectionError::InvalidConnectionUrl`] for a URL that can't be used, or asks for TLS where nobody may vouch for the server.
pub async fn connect(url: &str, trust: &Trust) -> ConnectionResult<AsyncPgConnection> {
    let place = Place::read(url).map_err(ConnectionError::InvalidConnectionUrl)?;
    let tls = place.tls(trust).map_err(ConnectionError::InvalidConnectionUrl)?;
    let config = place.config;
    match tls {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err passes it")]
fn bad(error: tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(in_full(&error))
}

/// With the reason, such as a certificate that does not hold: it is behind the driver's error.
fn in_full(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(reason) => format!("{error}: {reason}"),
        None => error.to_string(),
    }
}

/// Where a database is, and how it is spoken to.
pub struct Place {
    /// What the driver knows of it.
    pub config: Config,
    /// Whether by TLS.
    pub is_secure: bool,
    /// The file of `sslrootcert`.
    pub authorities: Option<String>,
}

impl Place {
    /// Understands the URL of a database. Of its `sslmode`, `disable` (or nothing) is plain; `require`, `verify-ca` and `verify-full` all mean TLS with
    /// the server's chain and name verified: what is not verified protects from nobody who is in between.
    ///
    /// # Errors
    /// What is wrong with the URL; never the URL, which holds a password.
    pub fn read(url: &str) -> Result<Self, String> {
        let Wanted { url, mode, authorities } = Wanted::read(url)?;
        let mut config: Config = url.parse().map_err(|error| in_full(&error))?;
        let is_secure = match mode.as_deref() {
            // The form without a scheme says it by itself.
            None => config.get_ssl_mode() == SslMode::Require,
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some("allow" | "prefer") => {
                return Err("sslmode=allow and prefer leave it to who is in between whether there is TLS: \
                            write disable or verify-full"
                    .to_owned());
            }
            Some(_) => return Err("sslmode is neither disable nor verify-full".to_owned()),
        };
        config.ssl_mode(if is_secure { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config, is_secure, authorities })
    }

    pub(crate) fn tls(&self, trust: &Trust) -> Result<Option<MakeRustlsConnect>, String> {
        if !self.is_secure {
            return Ok(None);
        }
        let trust = match &self.authorities {
            Some(file) => std::fs::read(file)
                .map_err(|error| error.to_string())
                .and_then(Trust::new)
                .map_err(|error| format!("sslrootcert: {error}"))?,
            None => trust.clone(),
        };
        let client = trust.client().map_err(|nobody| format!("the URL {nobody}"))?;
        Ok(Some(MakeRustlsConnect::new((*client).clone())))
    }
}

/// A URL without what the driver does not know.
struct Wanted {
    url: String,
    mode: Option<String>,
    authorities: Option<String>,
}

impl Wanted {
    fn read(url: &str) -> Result<Self, String> {
        let mut wanted = Self { url: url.to_owned(), mode: None, authorities: None };
        let Some((place, query)) = url.split_once('?').filter(|(place, _)| place.contains("://")) else {
            return Ok(wanted);
        };
        let mut rest = Vec::new();
        for pair in query.split('&') {
            let given = match pair.split_once('=').map_or(pair, |(name, _)| name) {
                "sslmode" => &mut wanted.mode,
                "sslrootcert" => &mut wanted.authorities,
                _ => {
                    rest.push(pair);
                    continue;
                }
            };
            if given.is_some() {
                return Err("sslmode or sslrootcert is given twice".to_owned());
            }
            *given = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
        }
        wanted.url = if rest.is_empty() { place.to_owned() } else { format!("{place}?{}", rest.join("&")) };
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why `url` is refused where nobody may vouch for anybody.
    fn refused(url: &str) -> String {
        match Place::read(url).and_then(|place| place.tls(&Trust::default())) {
            Ok(_) => panic!("{url} is taken"),
            Err(why) => why,
        }
    }

    #[test]
    fn without_a_word_it_is_plain_and_nothing_is_lost() {
        for url in [
            "postgres://a:b%2F@h:1/d?options=-c%20role=x&connect_timeout=3",
            "postgres://a:b%2F@h:1/d?options=-c%20role=x&sslmode=disable&connect_timeout=3",
            "host=h port=1 user=a password=b/ dbname=d options='-c role=x' connect_timeout=3",
        ] {
            let place = Place::read(url).unwrap();
            assert!(place.tls(&Trust::default()).unwrap().is_none(), "{url}");
            assert_eq!(place.config.get_password(), Some(b"b/".as_slice()), "{url}");
            assert_eq!(place.config.get_options(), Some("-c role=x"), "{url}");
            assert_eq!(
                place.config.get_connect_timeout().map(std::time::Duration::as_secs),
                Some(3),
                "{url}"
            );
        }
    }

    #[test]
    fn tls_is_never_asked_for_in_vain() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let why = refused(&format!("postgres://a:secret@h/d?sslmode={mode}"));
            assert!(why.contains("PITCHEY_TLS__AUTHORITIES") && !why.contains("secret"), "{why}");
        }
        assert!(refused("host=h user=a sslmode=require").contains("PITCHEY_TLS__AUTHORITIES"));
        assert!(refused("postgres://h/d?sslmode=verify-full&sslrootcert=/nowhere").contains("sslrootcert"));
    }

    #[test]
    fn half_a_wish_is_refused() {
        for mode in ["prefer", "allow", "verify-fully", "", "DISABLE"] {
            assert!(refused(&format!("postgres://h/d?sslmode={mode}")).contains("sslmode"), "{mode}");
        }
        assert!(refused("postgres://h/d?sslmode=disable&sslmode=verify-full").contains("twice"));
    }
}
