//! Pitches as this service sees it: a real gRPC server that answers from what the test told it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use pitchey_clock::Clock;
use pitchey_events::{PitchId, Service, UserId};
use pitchey_identity::Verifier;
use pitchey_rpc::proto::pitches::pitches_server::{self, PitchesServer};
use pitchey_rpc::proto::pitches::*;
use pitchey_testkit::identity;
use tonic::{Request, Response, Status};

/// What it knows.
#[derive(Default)]
pub struct Known {
    /// Owners of pitches that anybody may know of.
    pub published: BTreeMap<i32, i32>,
    /// Owners of pitches that nobody else may know of.
    pub drafts: BTreeMap<i32, i32>,
    /// Answers nothing.
    pub away: bool,
}

/// A running server.
#[derive(Clone)]
pub struct Pitches {
    known: Arc<Mutex<Known>>,
    pub address: SocketAddr,
}

impl Pitches {
    pub async fn start(clock: &Clock) -> Self {
        let known = Arc::<Mutex<Known>>::default();
        let keys = identity::keys(Service::Pitches);
        let server = pitchey_rpc::Server {
            settings: pitchey_config::Rpc {
                address: "127.0.0.1:0".parse().unwrap(),
                certificate: Default::default(),
            },
            verifier: Verifier::new(Service::Pitches, &keys, clock.clone()).unwrap(),
            routes: tonic::service::Routes::new(PitchesServer::new(Answers(Arc::clone(&known)))),
        };
        let started = server.start().await.unwrap();
        let address = started.address;
        // It runs as long as the test's runtime.
        std::mem::forget(started);
        Self { known, address }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    pub fn publishes(&self, pitch: PitchId, owner: UserId) {
        self.known().published.insert(pitch.0, owner.0);
    }

    pub fn drafts(&self, pitch: PitchId, owner: UserId) {
        self.known().drafts.insert(pitch.0, owner.0);
    }
}

struct Answers(Arc<Mutex<Known>>);

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("analytics does not ask this"))
}

#[tonic::async_trait]
impl pitches_server::Pitches for Answers {
    async fn standing(&self, _: Request<StandingRequest>) -> Result<Response<StandingReply>, Status> {
        not_asked()
    }

    async fn signed_nda(&self, _: Request<SignedNdaRequest>) -> Result<Response<SignedNdaReply>, Status> {
        not_asked()
    }

    async fn pitches_by_ids(
        &self,
        request: Request<PitchesByIdsRequest>,
    ) -> Result<Response<PitchesByIdsReply>, Status> {
        let known = self.0.lock().unwrap();
        if known.away {
            return Err(Status::unavailable("away"));
        }
        let PitchesByIdsRequest { ids, viewer_id } = request.into_inner();
        let published = |id| Some((*known.published.get(id)?, "public"));
        let drafted = |id| Some((*known.drafts.get(id)?, "owner")).filter(|(owner, _)| *owner == viewer_id);
        let shown = ids.iter().filter_map(|id| {
            let (owner_id, access) = published(id).or_else(|| drafted(id))?;
            let (title, access) = ("The Lighthouse".to_owned(), access.to_owned());
            Some(Pitch { id: *id, owner_id, title, access, ..Pitch::default() })
        });
        Ok(Response::new(PitchesByIdsReply { pitches: shown.collect() }))
    }

    async fn shown(&self, _: Request<ShownRequest>) -> Result<Response<ShownReply>, Status> {
        not_asked()
    }

    async fn followers(&self, _: Request<FollowersRequest>) -> Result<Response<FollowersReply>, Status> {
        not_asked()
    }
}
