//! Accounts and payments as this service sees them: real gRPC servers that answer from what the test told them.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::DateTime;
use pitchey_clock::Clock;
use pitchey_events::{Service, UserId};
use pitchey_identity::{Actor, Verifier};
use pitchey_rpc::Session;
use pitchey_rpc::proto::accounts::accounts_server::{self, AccountsServer};
use pitchey_rpc::proto::accounts::directory_server::{self, DirectoryServer};
use pitchey_rpc::proto::accounts::{
    AuthenticateReply, AuthenticateRequest, BlockedIdsReply, BlockedIdsRequest, LiveSessionsReply,
    LiveSessionsRequest, MailTokenReply, MailTokenRequest, RecipientsReply, RecipientsRequest, RelationReply,
    RelationRequest, SearchRequest, SessionByIdRequest, User, UsersByIdsReply, UsersByIdsRequest,
};
use pitchey_rpc::proto::payments::payments_server::{self, PaymentsServer};
use pitchey_rpc::proto::payments::{BalanceReply, BalanceRequest, HoldReply, HoldRequest};
use pitchey_testkit::identity;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// What they know.
#[derive(Default)]
pub struct Known {
    pub users: HashMap<i32, User>,
    pub blocks: HashSet<(i32, i32)>,
    /// Live sessions, by their ids.
    pub sessions: HashMap<String, Session>,
    /// Neither answers.
    pub away: bool,
    /// How often accounts was asked who somebody is.
    pub asked: usize,
    /// What payments would let a user spend.
    pub balances: HashMap<i32, i32>,
    /// Keys of holds.
    pub held: Vec<String>,
}

/// Running servers.
#[derive(Clone)]
pub struct Others {
    known: Arc<Mutex<Known>>,
    pub accounts: SocketAddr,
    pub payments: SocketAddr,
}

impl Others {
    pub async fn start(clock: &Clock) -> Self {
        let known = Arc::<Mutex<Known>>::default();
        let accounts = Routes::new(AccountsServer::new(Answers(Arc::clone(&known))))
            .add_service(DirectoryServer::new(Answers(Arc::clone(&known))));
        let payments = Routes::new(PaymentsServer::new(Answers(Arc::clone(&known))));
        Self {
            accounts: serve(Service::Accounts, accounts, clock).await,
            payments: serve(Service::Payments, payments, clock).await,
            known,
        }
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
            last_name: Some(format!("Last{id}")),
            location: None,
            bio: None,
            profile_image: None,
            company_name: actor.company_verified.then(|| format!("Company{id}")),
            company_website: None,
            email_verified: actor.email_verified,
            company_verified: actor.company_verified,
            is_active: true,
            subscription_tier: actor.tier.to_string(),
            created_at: 0,
            updated_at: 0,
        };
        let session = Session { actor: actor.clone(), access_expires_at: DateTime::UNIX_EPOCH };
        let mut known = self.known();
        known.sessions.insert(actor.session_id.to_string(), session);
        known.users.insert(id, user);
    }

    pub fn change(&self, id: UserId, change: impl FnOnce(&mut User)) {
        change(self.known().users.get_mut(&id.0).unwrap());
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
    fn known(&self) -> Result<MutexGuard<'_, Known>, Status> {
        let known = self.0.lock().unwrap();
        if known.away { Err(Status::unavailable("away")) } else { Ok(known) }
    }
}

#[tonic::async_trait]
impl accounts_server::Accounts for Answers {
    async fn authenticate(
        &self,
        _: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        Err(Status::unimplemented("pitches does not ask this"))
    }

    async fn session_by_id(
        &self,
        request: Request<SessionByIdRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        let session = self.known()?.sessions.get(&request.into_inner().session_id).cloned();
        Ok(Response::new(AuthenticateReply { session: session.map(Into::into) }))
    }

    async fn live_sessions(
        &self,
        _: Request<LiveSessionsRequest>,
    ) -> Result<Response<LiveSessionsReply>, Status> {
        Err(Status::unimplemented("pitches does not ask this"))
    }

    async fn users_by_ids(
        &self,
        request: Request<UsersByIdsRequest>,
    ) -> Result<Response<UsersByIdsReply>, Status> {
        let mut known = self.known()?;
        known.asked += 1;
        let users =
            request.into_inner().ids.into_iter().filter_map(|id| known.users.get(&id).cloned()).collect();
        Ok(Response::new(UsersByIdsReply { users }))
    }

    async fn blocked_ids(
        &self,
        request: Request<BlockedIdsRequest>,
    ) -> Result<Response<BlockedIdsReply>, Status> {
        let (known, id) = (self.known()?, request.into_inner().user_id);
        let ids = known.blocks.iter().filter_map(|&(one, other)| match (one == id, other == id) {
            (true, _) => Some(other),
            (_, true) => Some(one),
            _ => None,
        });
        Ok(Response::new(BlockedIdsReply { ids: ids.collect() }))
    }

    async fn relation(&self, request: Request<RelationRequest>) -> Result<Response<RelationReply>, Status> {
        let known = self.known()?;
        let RelationRequest { user_id, other_id } = request.into_inner();
        let (Some(user), Some(other)) = (known.users.get(&user_id), known.users.get(&other_id)) else {
            return Err(Status::not_found("no such user"));
        };
        let blocked =
            known.blocks.contains(&(user_id, other_id)) || known.blocks.contains(&(other_id, user_id));
        Ok(Response::new(RelationReply { user: Some(user.clone()), other: Some(other.clone()), blocked }))
    }

    async fn recipients(&self, _: Request<RecipientsRequest>) -> Result<Response<RecipientsReply>, Status> {
        Err(Status::unimplemented("pitches does not ask this"))
    }

    async fn mail_token(&self, _: Request<MailTokenRequest>) -> Result<Response<MailTokenReply>, Status> {
        Err(Status::unimplemented("pitches does not ask this"))
    }
}

#[tonic::async_trait]
impl directory_server::Directory for Answers {
    async fn search(&self, request: Request<SearchRequest>) -> Result<Response<UsersByIdsReply>, Status> {
        let (known, asked) = (self.known()?, request.into_inner());
        let blocked = |other: i32| {
            let viewer = asked.viewer_id.unwrap_or(0);
            known.blocks.contains(&(viewer, other)) || known.blocks.contains(&(other, viewer))
        };
        let named = |user: &&User| user.username.starts_with(&asked.text) && !blocked(user.id);
        Ok(Response::new(UsersByIdsReply { users: known.users.values().filter(named).cloned().collect() }))
    }
}

#[tonic::async_trait]
impl payments_server::Payments for Answers {
    async fn hold(&self, request: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        let mut known = self.known()?;
        let request = request.into_inner();
        let balance = known.balances.get(&request.user_id).copied().unwrap_or(0);
        if known.held.contains(&request.key) {
            return Ok(Response::new(HoldReply { held: true, balance, amount: request.amount }));
        }
        if balance < request.amount {
            return Ok(Response::new(HoldReply { held: false, balance, amount: 0 }));
        }
        known.balances.insert(request.user_id, balance - request.amount);
        known.held.push(request.key);
        Ok(Response::new(HoldReply { held: true, balance: balance - request.amount, amount: request.amount }))
    }

    async fn charge(&self, _: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        Err(Status::unimplemented("pitches does not ask this"))
    }

    async fn balance(&self, _: Request<BalanceRequest>) -> Result<Response<BalanceReply>, Status> {
        Err(Status::unimplemented("pitches does not ask this"))
    }
}
