//! What accounts does with the events of others: plans follow payments.

use std::sync::Arc;

use pitchey_bus::{Consumes, Failure, Handles, Subscriptions};
use pitchey_db::Tx;
use pitchey_events::{Envelope, SubscriptionChanged};

use crate::ops::users::announce;
use crate::store::plans;

/// The list.
pub fn subscriptions() -> Consumes {
    Subscriptions::of(Arc::new(Plans)).on::<SubscriptionChanged>().into()
}

struct Plans;

impl Handles<SubscriptionChanged> for Plans {
    /// Everybody who keeps something of the user is told, the gateway too: the next request is served by the new plan.
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<SubscriptionChanged>) -> Result<(), Failure> {
        if let Some(user) = plans::follow(tx, &envelope.event, envelope.occurred_at).await? {
            announce(tx, &user)?;
        }
        Ok(())
    }
}
