//! A channel over all replicas that a name stands for at the time.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tonic::transport::channel::Change;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use crate::Error;

/// How often names are resolved again. A replica that came is used, and one that went forgotten, within this time.
const RESOLVE_EVERY: Duration = Duration::from_secs(2);
/// A replica that can't be reached in this time is away.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// A channel to `target`, `http://name:port`. Returns at once: names that do not resolve yet are tried again for as long as the channel lives.
/// Must be called on the runtime that is to drive the connections.
pub(crate) fn channel(service: &'static str, target: &str) -> Result<Channel, Error> {
    let url: Url = target.parse().map_err(|error| Error::nonsense(service, &format!("{target}: {error}")))?;
    let (Some(host), Some(port)) = (url.host_str().map(str::to_owned), url.port_or_known_default()) else {
        return Err(Error::nonsense(service, &format!("{target}: no host or port")));
    };
    let (channel, changes) = Channel::balance_channel(64);
    tokio::spawn(follow_dns(service, host, port, changes));
    Ok(channel)
}

async fn follow_dns(
    service: &'static str,
    host: String,
    port: u16,
    changes: Sender<Change<SocketAddr, Endpoint>>,
) {
    let mut known = HashSet::new();
    loop {
        match tokio::net::lookup_host((host.as_str(), port)).await {
            Ok(found) => {
                let found: HashSet<SocketAddr> = found.collect();
                let came =
                    found.difference(&known).map(|address| Change::Insert(*address, endpoint(*address)));
                let went = known.difference(&found).map(|address| Change::Remove(*address));
                for change in came.chain(went) {
                    if changes.send(change).await.is_err() {
                        return;
                    }
                }
                known = found;
            }
            // What was found before may well still be there.
            Err(error) => tracing::warn!(service, host, %error, "a service's name does not resolve"),
        }
        if tokio::time::timeout(RESOLVE_EVERY, changes.closed()).await.is_ok() {
            return;
        }
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}"))
        .unwrap_or_else(|_| unreachable!("an address makes a valid URI"))
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        // A peer that vanished without a word is found out, also between calls.
        .http2_keep_alive_interval(Duration::from_secs(5))
        .keep_alive_timeout(Duration::from_secs(2))
        .keep_alive_while_idle(true)
}
