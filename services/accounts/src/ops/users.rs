//! Users as others know them.

use diesel::QueryResult;
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::UserChanged;

use crate::store::users::User;

/// Tells everybody that what may be known of `user` changed. Its version must have been raised before.
pub fn announce(tx: &mut Tx, user: &User) -> QueryResult<()> {
    let event = UserChanged {
        user_id: user.id(),
        version: user.version,
        user_type: user.user_type,
        tier: user.subscription_tier,
        is_active: user.may_act(),
    };
    outbox::append(tx, &event)?;
    Ok(())
}
