//! Whose requests an owner approves without looking.

use pitchey_db::Tx;

use crate::error::Error;
use crate::ops::Act;
use crate::store::policies;
use crate::words::Policy;

/// Sets the acting owner's policy.
pub async fn set(tx: &mut Tx, act: &Act<'_>, policy: Policy) -> Result<(), Error> {
    act.may_pitch()?;
    policies::set(tx, act.actor.id, policy, act.now).await?;
    Ok(())
}
