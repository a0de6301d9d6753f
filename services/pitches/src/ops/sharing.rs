//! Links to published pitches: signed, ending, and counted when they are opened. They grant nothing that anybody would not see.

use chrono::TimeDelta;
use pitchey_db::Tx;
use pitchey_events::PitchId;

use super::{Act, published};
use crate::error::Error;
use crate::store::share_links::{self, Link};

/// How long a link counts.
const LASTS: TimeDelta = TimeDelta::days(90);

/// The acting user's link for a published pitch on `platform`; `false`: it was there.
pub async fn share(
    tx: &mut Tx,
    act: &Act<'_>,
    pitch: PitchId,
    platform: &str,
) -> Result<(Link, bool), Error> {
    act.may_write()?;
    published(tx, act.actor, pitch).await?;
    Ok(share_links::take(tx, pitch, act.actor.id, platform, act.now + LASTS, act.now).await?)
}
