use pitchey_bus::{Consumes, Delivered, Failure};
use pitchey_db::Databases;
use pitchey_events::{Event, Service};
use uuid::Uuid;

/// Hands events to a service's handlers, through its inbox, without a broker.
pub struct Deliveries {
    consumer: Service,
    consumes: Consumes,
    databases: Databases,
}

impl Deliveries {
    /// To what `consumer` `consumes`, in `databases`.
    pub fn to(consumer: Service, consumes: impl Into<Consumes>, databases: &Databases) -> Self {
        Self { consumer, consumes: consumes.into(), databases: databases.clone() }
    }

    /// Delivers `event`, and then delivers it again, as the broker may: whatever the test finds is the effect of both.
    ///
    /// # Panics
    /// If the event can't be applied, or the second delivery is not recognised.
    pub async fn deliver<E: Event>(&self, event: &E) -> Delivered {
        let id = Uuid::now_v7();
        let first = self.once(id, event).await.unwrap_or_else(|failure| panic!("{}: {failure:?}", E::TYPE));
        let second = self.once(id, event).await;
        assert!(matches!(second, Ok(Delivered::Duplicate)), "{} delivered again: {second:?}", E::TYPE);
        first
    }

    /// Delivers `event` once, under `id`.
    ///
    /// # Errors
    /// What the handler says.
    pub async fn once<E: Event>(&self, id: Uuid, event: &E) -> Result<Delivered, Failure> {
        self.consumes.deliver(&self.databases.system, self.consumer, id, event).await
    }
}
