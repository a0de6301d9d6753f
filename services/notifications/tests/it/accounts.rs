//! Accounts as this service sees it: a real gRPC server that answers from a list.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use pitchey_clock::Clock;
use pitchey_events::{MailRequestId, Service, UserId};
use pitchey_identity::Verifier;
use pitchey_rpc::proto::accounts::accounts_server::{self, AccountsServer};
use pitchey_rpc::proto::accounts::*;
use pitchey_testkit::identity;
use tonic::{Request, Response, Status};

/// What it knows.
#[derive(Default)]
pub struct Known {
    pub people: HashMap<i32, Person>,
    /// By request: the token, and for whom.
    pub tokens: HashMap<String, (String, i32)>,
    /// Answers nothing.
    pub away: bool,
    /// How often it was asked where to send mail.
    pub asked: usize,
}

#[derive(Clone)]
pub struct Person {
    pub email: String,
    pub name: String,
    pub active: bool,
    /// In the days of grace before it is deleted.
    pub closing: bool,
}

/// A running server.
#[derive(Clone)]
pub struct Accounts {
    known: Arc<Mutex<Known>>,
    pub address: SocketAddr,
}

impl Accounts {
    pub async fn start(clock: Clock) -> Self {
        let known = Arc::<Mutex<Known>>::default();
        let keys = identity::keys(Service::Accounts);
        let server = pitchey_rpc::Server {
            settings: pitchey_config::Rpc {
                address: "127.0.0.1:0".parse().unwrap(),
                certificate: Default::default(),
            },
            verifier: Verifier::new(Service::Accounts, &keys, clock).unwrap(),
            routes: tonic::service::Routes::new(AccountsServer::new(Answers(Arc::clone(&known)))),
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

    pub fn knows(&self, user: UserId, email: &str, name: &str) {
        let person = Person { email: email.to_owned(), name: name.to_owned(), active: true, closing: false };
        self.known().people.insert(user.0, person);
    }

    pub fn promises(&self, request: MailRequestId, token: &str, user: UserId) {
        self.known().tokens.insert(request.to_string(), (token.to_owned(), user.0));
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
impl accounts_server::Accounts for Answers {
    async fn authenticate(
        &self,
        _: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn relation(&self, _: Request<RelationRequest>) -> Result<Response<RelationReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn session_by_id(
        &self,
        _: Request<SessionByIdRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn live_sessions(
        &self,
        _: Request<LiveSessionsRequest>,
    ) -> Result<Response<LiveSessionsReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn blocked_ids(&self, _: Request<BlockedIdsRequest>) -> Result<Response<BlockedIdsReply>, Status> {
        Err(Status::unimplemented("notifications does not ask this"))
    }

    async fn users_by_ids(
        &self,
        request: Request<UsersByIdsRequest>,
    ) -> Result<Response<UsersByIdsReply>, Status> {
        let known = self.known()?;
        let users = request.into_inner().ids.into_iter().filter_map(|id| {
            let person = known.people.get(&id)?;
            Some(User {
                id,
                username: format!("user{id}"),
                user_type: "investor".to_owned(),
                first_name: Some(person.name.clone()),
                last_name: None,
                location: None,
                bio: None,
                profile_image: None,
                company_name: None,
                company_website: None,
                email_verified: true,
                company_verified: true,
                is_active: true,
                subscription_tier: "free".to_owned(),
                created_at: 0,
                updated_at: 0,
            })
        });
        Ok(Response::new(UsersByIdsReply { users: users.collect() }))
    }

    async fn recipients(
        &self,
        request: Request<RecipientsRequest>,
    ) -> Result<Response<RecipientsReply>, Status> {
        let mut known = self.known()?;
        known.asked += 1;
        let recipients = request.into_inner().user_ids.into_iter().filter_map(|user_id| {
            let Person { email, name, active, closing } = known.people.get(&user_id)?.clone();
            Some(Recipient { user_id, email, name, active, closing })
        });
        Ok(Response::new(RecipientsReply { recipients: recipients.collect() }))
    }

    async fn mail_token(
        &self,
        request: Request<MailTokenRequest>,
    ) -> Result<Response<MailTokenReply>, Status> {
        let known = self.known()?;
        let (token, user_id) = known
            .tokens
            .get(&request.into_inner().request_id)
            .cloned()
            .ok_or_else(|| Status::not_found("used or too old"))?;
        let person = &known.people[&user_id];
        Ok(Response::new(MailTokenReply {
            token,
            user_id,
            email: person.email.clone(),
            name: person.name.clone(),
            expires_at: 4_000_000_000_000,
        }))
    }
}
