use pitchey_db::OnConstraint;
use serde_json::json;

use crate::error::Error;
use crate::mail::Unsubscription;
use crate::state::AppState;
use crate::store::email_events::{self, Event};
use crate::store::email_preferences::{self, Change, Preferences};

/// Nothing of the category comes any more. Again is the same; it is noted once for a mail. Whoever has the link is not logged in, so this runs as
/// the system, in a transaction of its own.
pub(crate) async fn unsubscribe(state: &AppState, said: Unsubscription) -> Result<(), Error> {
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let known = email_preferences::of(&mut tx, &[said.user.0]).await?.pop();
    let preferences = known.unwrap_or_else(|| Preferences::of_nobody_yet(said.user));
    let change = Change { updated_at: now, ..said.category.never(&preferences) };
    email_preferences::upsert(&mut tx, said.user, &change)
        .await
        .on_constraint("email_preferences_user_id_fkey", Error::UnsubscribeTokenUnknown)?;
    let name = format!("unsubscribe/{}/{}", said.email, said.category.as_str());
    let metadata = json!({ "category": said.category });
    email_events::told_by_provider(&mut tx, &name, said.email, Event::Unsubscribed, now, metadata).await?;
    tx.commit().await?;
    Ok(())
}
