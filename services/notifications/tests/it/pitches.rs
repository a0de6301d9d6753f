//! Pitches as this service sees it: a real gRPC server that answers from lists.

use std::collections::{BTreeMap, BTreeSet, HashSet};
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
    /// Pitches that anybody may know of, and their titles.
    pub published: BTreeMap<i32, String>,
    /// Who may know of which other pitches.
    pub shared: HashSet<(i32, i32)>,
    /// By user, who follows.
    pub followers: BTreeMap<i32, BTreeSet<i32>>,
    /// Answers nothing.
    pub away: bool,
    /// How often it was asked who may know of what.
    pub asked: usize,
}

/// A running server.
#[derive(Clone)]
pub struct Pitches {
    known: Arc<Mutex<Known>>,
    pub address: SocketAddr,
}

impl Pitches {
    pub async fn start(clock: Clock) -> Self {
        let known = Arc::<Mutex<Known>>::default();
        let keys = identity::keys(Service::Pitches);
        let server = pitchey_rpc::Server {
            settings: pitchey_config::Rpc {
                address: "127.0.0.1:0".parse().unwrap(),
                certificate: Default::default(),
            },
            verifier: Verifier::new(Service::Pitches, &keys, clock).unwrap(),
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

    pub fn publishes(&self, pitch: PitchId, title: &str) {
        self.known().published.insert(pitch.0, title.to_owned());
    }

    pub fn hides(&self, pitch: PitchId) {
        self.known().published.remove(&pitch.0);
    }

    pub fn follows(&self, follower: UserId, followed: UserId) {
        self.known().followers.entry(followed.0).or_default().insert(follower.0);
    }
}

struct Answers(Arc<Mutex<Known>>);

impl Answers {
    fn known(&self) -> Result<MutexGuard<'_, Known>, Status> {
        let known = self.0.lock().unwrap();
        if known.away { Err(Status::unavailable("away")) } else { Ok(known) }
    }
}

#[tonic::async_trait]
impl pitches_server::Pitches for Answers {
    async fn standing(&self, _: Request<StandingRequest>) -> Result<Response<StandingReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn signed_nda(&self, _: Request<SignedNdaRequest>) -> Result<Response<SignedNdaReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn pitches_by_ids(
        &self,
        _: Request<PitchesByIdsRequest>,
    ) -> Result<Response<PitchesByIdsReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn shown(&self, request: Request<ShownRequest>) -> Result<Response<ShownReply>, Status> {
        let mut known = self.known()?;
        known.asked += 1;
        let mut sights = Vec::new();
        for Glance { viewer_id, pitch_ids } in request.into_inner().glances {
            for pitch_id in pitch_ids {
                let title = known.published.get(&pitch_id).cloned();
                let shared = known.shared.contains(&(viewer_id, pitch_id)).then(|| "A draft".to_owned());
                sights.extend(title.or(shared).map(|title| Sight { viewer_id, pitch_id, title }));
            }
        }
        Ok(Response::new(ShownReply { sights }))
    }

    async fn followers(
        &self,
        request: Request<FollowersRequest>,
    ) -> Result<Response<FollowersReply>, Status> {
        let FollowersRequest { user_id, after, limit } = request.into_inner();
        let known = self.known()?;
        let ids = known.followers.get(&user_id).into_iter().flatten().copied().filter(|id| *id > after);
        let ids = ids.take(usize::try_from(limit).unwrap()).collect();
        Ok(Response::new(FollowersReply { ids }))
    }
}
