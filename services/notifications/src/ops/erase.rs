use diesel::QueryResult;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::store::{email_preferences, email_queue, email_requests, notifications};

/// Forgets a user who is gone: what was told, wanted and waits to be sent. Of mails that were sent only when, and of which kind, stays. Suppressed
/// addresses stay suppressed: whoever said no once must not get mail because of a new account.
pub(crate) async fn erase(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    notifications::erase(tx, user).await?;
    email_requests::erase(tx, user).await?;
    email_preferences::erase(tx, user).await?;
    email_queue::erase(tx, user).await
}
