//! A user is gone: what was counted stays, whom it was counted of does not.

use diesel::QueryResult;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::store::{active_days, activity, events, nda_timings, take_turns, views};

/// Takes `user` out of everything that is kept here.
pub(crate) async fn user(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    take_turns(tx);
    views::anonymise(tx, user).await?;
    events::anonymise(tx, user).await?;
    activity::forget_member(tx, user).await?;
    active_days::forget(tx, user).await?;
    nda_timings::anonymise(tx, user.0).await?;
    Ok(())
}
