//! What every command may want to know from the environment.

use std::convert::Infallible;

use pitchey_config::{Mode, Trust};
use pitchey_db::Place;
use url::Url;

use crate::Failure;

pitchey_config::settings! {
    /// The tool's own.
    struct Common {
        /// `production` or `development`.
        mode: Mode = Mode::Production,
        /// Who may vouch for the broker and the gateway.
        trust: Trust = Trust::default(),
    }
}

pitchey_config::settings! {
    /// The part that names files.
    struct Files {
        /// As in the services' own settings.
        tls: Named,
    }
}

pitchey_config::settings! {
    /// The authorities' file.
    struct Named {
        /// As in the services' own settings.
        authorities: String = String::new(),
    }
}

pub(crate) fn mode() -> Result<Mode, Failure> {
    Ok(pitchey_config::load::<Common>("ctl")?.mode)
}

pub(crate) fn trust() -> Result<Trust, Failure> {
    Ok(pitchey_config::load::<Common>("ctl")?.trust)
}

/// A database's URL as an argument: one that asks for TLS says from here on who may vouch for the server, so that all who get it know: the
/// migrations, pg_dump. One that can't be used stays as it is: who connects says why, without its password, which clap would print.
#[expect(clippy::unnecessary_wraps, reason = "as clap wants it")]
pub(crate) fn database_url(text: &str) -> Result<String, Infallible> {
    Ok(with_authorities(text).unwrap_or_else(|| text.to_owned()))
}

fn with_authorities(text: &str) -> Option<String> {
    Place::read(text).ok().filter(|place| place.is_secure && place.authorities.is_none())?;
    let file = pitchey_config::load::<Files>("ctl").ok()?.tls.authorities;
    let mut url: Url = text.parse().ok()?;
    url.query_pairs_mut().append_pair("sslrootcert", &file);
    (!file.is_empty()).then(|| url.into())
}
