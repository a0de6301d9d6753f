//! Accounts, pitches and payments as this service sees them: real gRPC servers that answer from what the test told them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use pitchey_clock::Clock;
use pitchey_events::{PitchId, Service, UserId};
use pitchey_identity::{Actor, Verifier};
use pitchey_rpc::Targets;
use pitchey_rpc::proto::accounts::accounts_server::{self, AccountsServer};
use pitchey_rpc::proto::accounts::{
    AuthenticateReply, AuthenticateRequest, Block, BlockedIdsReply, BlockedIdsRequest, LiveSessionsReply,
    LiveSessionsRequest, MailTokenReply, MailTokenRequest, RecipientsReply, RecipientsRequest, RelationReply,
    RelationRequest, SessionByIdRequest, User, UsersByIdsReply, UsersByIdsRequest,
};
use pitchey_rpc::proto::payments::payments_server::{self, PaymentsServer};
use pitchey_rpc::proto::payments::{BalanceReply, BalanceRequest, HoldReply, HoldRequest};
use pitchey_rpc::proto::pitches::pitches_server::{self, PitchesServer};
use pitchey_rpc::proto::pitches::{
    FollowersReply, FollowersRequest, Pitch, PitchesByIdsReply, PitchesByIdsRequest, ShownReply,
    ShownRequest, SignedNdaReply, SignedNdaRequest, StandingReply, StandingRequest,
};
use pitchey_testkit::identity;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// What they know.
#[derive(Default)]
pub struct Known {
    pub users: HashMap<i32, User>,
    /// (who blocked, whom)
    pub blocks: HashSet<(i32, i32)>,
    /// Sessions that have ended.
    pub ended: HashSet<String>,
    /// By (user, other).
    pub standings: HashMap<(i32, i32), StandingReply>,
    /// Pitches that anybody may see: owner by pitch.
    pub pitches: BTreeMap<i32, i32>,
    /// NDAs in force: (pitch, signer).
    pub ndas: HashSet<(i32, i32)>,
    /// What payments would let a user spend; without an entry, nothing.
    pub balances: HashMap<i32, i32>,
    /// Keys of holds.
    pub held: Vec<String>,
    pub accounts_away: bool,
    pub pitches_away: bool,
    pub payments_away: bool,
}

/// Running servers.
#[derive(Clone)]
pub struct Others {
    known: Arc<Mutex<Known>>,
    pub targets: Targets,
}

impl Others {
    pub async fn start(clock: &Clock) -> Self {
        let known = Arc::<Mutex<Known>>::default();
        let accounts = Routes::new(AccountsServer::new(Answers(Arc::clone(&known))));
        let pitches = Routes::new(PitchesServer::new(Answers(Arc::clone(&known))));
        let payments = Routes::new(PaymentsServer::new(Answers(Arc::clone(&known))));
        let at = async |service, routes| format!("http://{}", serve(service, routes, clock).await);
        let targets = BTreeMap::from([
            ("accounts".to_owned(), at(Service::Accounts, accounts).await),
            ("pitches".to_owned(), at(Service::Pitches, pitches).await),
            ("payments".to_owned(), at(Service::Payments, payments).await),
        ]);
        Self { known, targets: Targets::from(targets) }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// Makes `actor` known, as the gateway describes them.
    pub fn knows(&self, actor: &Actor) {
        let id = actor.id.0;
        let user = User {
            id,
            username: format!("user{id}"),
            user_type: actor.user_type.to_string(),
            first_name: Some(format!("First{id}")),
            email_verified: actor.email_verified,
            company_verified: actor.company_verified,
            is_active: true,
            subscription_tier: actor.tier.to_string(),
            ..User::default()
        };
        self.known().users.insert(id, user);
    }

    pub fn change(&self, id: UserId, change: impl FnOnce(&mut User)) {
        change(self.known().users.get_mut(&id.0).unwrap());
    }

    pub fn block(&self, blocker: UserId, blocked: UserId) {
        self.known().blocks.insert((blocker.0, blocked.0));
    }

    pub fn standing(&self, user: UserId, other: UserId, standing: StandingReply) {
        self.known().standings.insert((user.0, other.0), standing);
    }

    pub fn sign(&self, pitch: PitchId, signer: UserId) {
        self.known().ndas.insert((pitch.0, signer.0));
    }
}

async fn serve(service: Service, routes: Routes, clock: &Clock) -> SocketAddr {
    let server = pitchey_rpc::Server {
        settings: pitchey_config::Rpc {
            address: "127.0.0.1:0".parse().unwrap(),
            certificate: Default::default(),
        },
        verifier: Verifier::new(service, &identity::keys(service), clock.clone()).unwrap(),
        routes,
    };
    let started = server.start().await.unwrap();
    let address = started.address;
    // It runs as long as the test's runtime.
    std::mem::forget(started);
    address
}

struct Answers(Arc<Mutex<Known>>);

impl Answers {
    fn at(&self, away: impl FnOnce(&Known) -> bool) -> Result<MutexGuard<'_, Known>, Status> {
        let known = self.0.lock().unwrap();
        if away(&known) { Err(Status::unavailable("away")) } else { Ok(known) }
    }

    fn accounts(&self) -> Result<MutexGuard<'_, Known>, Status> {
        self.at(|known| known.accounts_away)
    }
}

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("messaging does not ask this"))
}

#[tonic::async_trait]
impl accounts_server::Accounts for Answers {
    async fn authenticate(
        &self,
        _: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        not_asked()
    }

    async fn session_by_id(
        &self,
        _: Request<SessionByIdRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        not_asked()
    }

    async fn live_sessions(
        &self,
        request: Request<LiveSessionsRequest>,
    ) -> Result<Response<LiveSessionsReply>, Status> {
        let known = self.accounts()?;
        let ids = request.into_inner().session_ids;
        let blocks = known.blocks.iter().map(|&(blocker_id, blocked_id)| Block { blocker_id, blocked_id });
        let session_ids = ids.into_iter().filter(|id| !known.ended.contains(id)).collect();
        Ok(Response::new(LiveSessionsReply { session_ids, blocks: blocks.collect() }))
    }

    async fn users_by_ids(
        &self,
        request: Request<UsersByIdsRequest>,
    ) -> Result<Response<UsersByIdsReply>, Status> {
        let known = self.accounts()?;
        let users = request.get_ref().ids.iter().filter_map(|id| known.users.get(id).cloned()).collect();
        Ok(Response::new(UsersByIdsReply { users }))
    }

    async fn relation(&self, request: Request<RelationRequest>) -> Result<Response<RelationReply>, Status> {
        let known = self.accounts()?;
        let RelationRequest { user_id, other_id } = *request.get_ref();
        let (Some(user), Some(other)) = (known.users.get(&user_id), known.users.get(&other_id)) else {
            return Err(Status::not_found("nobody"));
        };
        let blocked =
            known.blocks.contains(&(user_id, other_id)) || known.blocks.contains(&(other_id, user_id));
        Ok(Response::new(RelationReply { user: Some(user.clone()), other: Some(other.clone()), blocked }))
    }

    async fn blocked_ids(
        &self,
        request: Request<BlockedIdsRequest>,
    ) -> Result<Response<BlockedIdsReply>, Status> {
        let known = self.accounts()?;
        let me = request.get_ref().user_id;
        let ids = known.blocks.iter().filter_map(|&(one, other)| match me {
            me if me == one => Some(other),
            me if me == other => Some(one),
            _ => None,
        });
        Ok(Response::new(BlockedIdsReply { ids: ids.collect() }))
    }

    async fn recipients(&self, _: Request<RecipientsRequest>) -> Result<Response<RecipientsReply>, Status> {
        not_asked()
    }

    async fn mail_token(&self, _: Request<MailTokenRequest>) -> Result<Response<MailTokenReply>, Status> {
        not_asked()
    }
}

#[tonic::async_trait]
impl pitches_server::Pitches for Answers {
    async fn standing(&self, request: Request<StandingRequest>) -> Result<Response<StandingReply>, Status> {
        let known = self.at(|known| known.pitches_away)?;
        let StandingRequest { user_id, other_id } = *request.get_ref();
        Ok(Response::new(known.standings.get(&(user_id, other_id)).copied().unwrap_or_default()))
    }

    async fn signed_nda(
        &self,
        request: Request<SignedNdaRequest>,
    ) -> Result<Response<SignedNdaReply>, Status> {
        let known = self.at(|known| known.pitches_away)?;
        let SignedNdaRequest { pitch_id, signer_id } = *request.get_ref();
        let in_force = known.ndas.contains(&(pitch_id, signer_id));
        Ok(Response::new(SignedNdaReply { in_force, expires_at: None }))
    }

    async fn pitches_by_ids(
        &self,
        request: Request<PitchesByIdsRequest>,
    ) -> Result<Response<PitchesByIdsReply>, Status> {
        let known = self.at(|known| known.pitches_away)?;
        let pitches = request.get_ref().ids.iter().filter_map(|id| {
            let owner_id = *known.pitches.get(id)?;
            Some(Pitch { id: *id, owner_id, title: "The Lighthouse".to_owned(), ..Pitch::default() })
        });
        Ok(Response::new(PitchesByIdsReply { pitches: pitches.collect() }))
    }

    async fn shown(&self, _: Request<ShownRequest>) -> Result<Response<ShownReply>, Status> {
        not_asked()
    }

    async fn followers(&self, _: Request<FollowersRequest>) -> Result<Response<FollowersReply>, Status> {
        not_asked()
    }
}

#[tonic::async_trait]
impl payments_server::Payments for Answers {
    async fn hold(&self, request: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        let mut known = self.at(|known| known.payments_away)?;
        let HoldRequest { key, user_id, amount, reason } = request.into_inner();
        assert_eq!((amount, reason.as_str()), (2, "conversation"));
        let balance = known.balances.get(&user_id).copied().unwrap_or(0);
        if known.held.contains(&key) {
            return Ok(Response::new(HoldReply { held: true, balance, amount: 0 }));
        }
        if balance < amount {
            return Ok(Response::new(HoldReply { held: false, balance, amount: 0 }));
        }
        known.balances.insert(user_id, balance - amount);
        known.held.push(key);
        Ok(Response::new(HoldReply { held: true, balance: balance - amount, amount }))
    }

    async fn charge(&self, _: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        not_asked()
    }

    async fn balance(&self, _: Request<BalanceRequest>) -> Result<Response<BalanceReply>, Status> {
        not_asked()
    }
}
