use pitchey_events::Service;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::link::{Address, Link};
use crate::state::{Role, State};
use crate::topology::{Names, Topology};
use crate::{Broker, Plan};

/// What every task of a bus shares.
pub(crate) struct Context {
    pub service: Service,
    pub address: Address,
    pub settings: Broker,
    pub plan: Plan,
    pub names: Names,
    pub topology: Topology,
    pub state: State,
    /// Cancelled when the process is to stop: no new work.
    pub stop: CancellationToken,
    /// Cancelled when work in flight has ended: the publisher, which that work needed, may close.
    pub closing: CancellationToken,
}

impl Context {
    /// A connection to a broker that has everything this bus needs.
    pub async fn connect(&self, role: Role) -> Result<Link, Error> {
        let connecting = async {
            let name = format!("pitchey {} {}", self.service, role.as_str());
            let link = Link::connect(&self.address, name).await?;
            link.declare(&self.topology).await?;
            Ok(link)
        };
        // Who is to stop does not wait for a broker that is away.
        self.stop.run_until_cancelled(connecting).await.unwrap_or_else(|| Err(Error::lost("told to stop")))
    }
}
