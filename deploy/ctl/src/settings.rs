//! What every command may want to know from the environment.

use pitchey_config::Mode;

use crate::Failure;

pitchey_config::settings! {
    /// The tool's own.
    struct Common {
        /// `production` or `development`.
        mode: Mode = Mode::Production,
    }
}

pub(crate) fn mode() -> Result<Mode, Failure> {
    Ok(pitchey_config::load::<Common>("ctl")?.mode)
}
