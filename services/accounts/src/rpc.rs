//! What accounts tells other services.

use std::collections::HashMap;

use chrono::TimeDelta;
use pitchey_events::{MailRequestId, Service, SessionId, UserId};
use pitchey_identity::Actor;
use pitchey_rpc::proto::accounts::accounts_server::{Accounts, AccountsServer};
use pitchey_rpc::proto::accounts::directory_server::{Directory, DirectoryServer};
use pitchey_rpc::proto::accounts::feature_flags_server::{FeatureFlags, FeatureFlagsServer};
use pitchey_rpc::proto::accounts::{
    AuthenticateReply, AuthenticateRequest, Block, BlockedIdsReply, BlockedIdsRequest, FeatureFlag,
    FeatureFlagsReply, FeatureFlagsRequest, LiveSessionsReply, LiveSessionsRequest, MailTokenReply,
    MailTokenRequest, RecipientsReply, RecipientsRequest, RelationReply, RelationRequest, SearchRequest,
    SessionByIdRequest, UsersByIdsReply, UsersByIdsRequest,
};
use pitchey_rpc::{Caller, Session};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::error::Error;
use crate::mail_tokens::Purpose;
use crate::ops::flags::{self, Own, Row};
use crate::state::AppState;
use crate::store::authentication::{self, Authenticated};
use crate::store::people::{self, Words};
use crate::store::users::User;
use crate::store::{mail_tokens, user_blocks, users};
use crate::{tokens, view};

/// Most ids in one call.
const MOST_IDS: usize = 500;
/// How exact `last_activity_at` is: a write for every request would cost more than it tells.
const TOUCH: TimeDelta = TimeDelta::minutes(5);

/// The gRPC services.
pub fn routes(state: AppState) -> Routes {
    Routes::new(AccountsServer::new(Door(state.clone())))
        .add_service(DirectoryServer::new(Door(state.clone())))
        .add_service(FeatureFlagsServer::new(Door(state)))
}

struct Door(AppState);

#[tonic::async_trait]
impl Accounts for Door {
    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        Caller::require(&request, &[Service::Gateway, Service::Messaging])?;
        let digest = tokens::hex(&request.get_ref().token_digest);
        let session = self.authenticated(&digest).await?;
        Ok(Response::new(AuthenticateReply {
            session: session.as_ref().map(|session| session_of(session).into()),
        }))
    }

    async fn session_by_id(
        &self,
        request: Request<SessionByIdRequest>,
    ) -> Result<Response<AuthenticateReply>, Status> {
        let id = request.get_ref().session_id.parse();
        let id: SessionId = id.map_err(|_| Status::invalid_argument("session_id is not a UUID"))?;
        let session = self.living(id).await?;
        Ok(Response::new(AuthenticateReply {
            session: session.as_ref().map(|session| session_of(session).into()),
        }))
    }

    async fn live_sessions(
        &self,
        request: Request<LiveSessionsRequest>,
    ) -> Result<Response<LiveSessionsReply>, Status> {
        Caller::require(&request, &[Service::Messaging])?;
        let ids: Result<Vec<Uuid>, _> = request.get_ref().session_ids.iter().map(|id| id.parse()).collect();
        let ids = ids.map_err(|_| Status::invalid_argument("session_ids are UUIDs"))?;
        if ids.len() > MOST_IDS {
            return Err(Status::invalid_argument(format!("at most {MOST_IDS} ids")));
        }
        Ok(Response::new(self.all_living(&ids).await?))
    }

    async fn users_by_ids(
        &self,
        request: Request<UsersByIdsRequest>,
    ) -> Result<Response<UsersByIdsReply>, Status> {
        let users = self.users(&request.get_ref().ids).await?;
        Ok(Response::new(UsersByIdsReply {
            users: users.into_iter().map(|user| view::public(user).into()).collect(),
        }))
    }

    async fn relation(&self, request: Request<RelationRequest>) -> Result<Response<RelationReply>, Status> {
        let RelationRequest { user_id, other_id } = *request.get_ref();
        let (users, blocked) = self.both(UserId(user_id), UserId(other_id)).await?;
        let users: HashMap<_, _> = users.into_iter().map(|user| (user.id, view::public(user))).collect();
        let (Some(user), Some(other)) = (users.get(&user_id), users.get(&other_id)) else {
            return Err(Status::not_found("there is no such user"));
        };
        Ok(Response::new(RelationReply {
            user: Some(user.clone().into()),
            other: Some(other.clone().into()),
            blocked,
        }))
    }

    async fn blocked_ids(
        &self,
        request: Request<BlockedIdsRequest>,
    ) -> Result<Response<BlockedIdsReply>, Status> {
        let ids = self.blocked_ids(UserId(request.get_ref().user_id)).await?;
        Ok(Response::new(BlockedIdsReply { ids }))
    }

    async fn recipients(
        &self,
        request: Request<RecipientsRequest>,
    ) -> Result<Response<RecipientsReply>, Status> {
        Caller::require(&request, &[Service::Notifications])?;
        let users = self.users(&request.get_ref().user_ids).await?;
        let recipients = users.into_iter().map(|user| view::recipient(user).into()).collect();
        Ok(Response::new(RecipientsReply { recipients }))
    }

    async fn mail_token(
        &self,
        request: Request<MailTokenRequest>,
    ) -> Result<Response<MailTokenReply>, Status> {
        Caller::require(&request, &[Service::Notifications])?;
        let id = request.get_ref().request_id.parse();
        let id: MailRequestId = id.map_err(|_| Status::invalid_argument("request_id is not a UUID"))?;
        match self.promised(id).await? {
            Some(reply) => Ok(Response::new(reply)),
            None => Err(Status::not_found("the token was used, replaced, or is too old")),
        }
    }
}

#[tonic::async_trait]
impl Directory for Door {
    async fn search(&self, request: Request<SearchRequest>) -> Result<Response<UsersByIdsReply>, Status> {
        let request = request.into_inner();
        let users = self.found(&request).await?;
        Ok(Response::new(UsersByIdsReply {
            users: users.into_iter().map(|user| view::public(user).into()).collect(),
        }))
    }
}

#[tonic::async_trait]
impl FeatureFlags for Door {
    async fn list(&self, _: Request<FeatureFlagsRequest>) -> Result<Response<FeatureFlagsReply>, Status> {
        Ok(Response::new(FeatureFlagsReply { flags: self.flags().await? }))
    }
}

impl Door {
    async fn flags(&self) -> Result<Vec<FeatureFlag>, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let all = flags::list(&mut tx).await?;
        Ok(all.into_iter().map(flag).collect())
    }

    /// As the viewer: row level security tells who has a block with them.
    async fn found(&self, request: &SearchRequest) -> Result<Vec<User>, Error> {
        let Some(words) = Words::of(&request.text) else { return Ok(Vec::new()) };
        let mut tx = self.0.databases.user.begin(request.viewer_id.map(UserId)).await?;
        let most = i64::from(request.limit.clamp(1, 100));
        let (users, _) = people::search(&mut tx, &words, None, 0, most).await?;
        tx.commit().await?;
        Ok(users)
    }

    async fn authenticated(&self, digest: &str) -> Result<Option<Authenticated>, Error> {
        let now = self.0.clock.now();
        let mut connection = self.0.databases.system.connection().await?;
        let found = authentication::authenticate(&mut connection, digest, now).await?;
        if let Some(session) = found.as_ref().filter(|session| session.last_activity_at < now - TOUCH)
            && let Err(error) = authentication::touch(&mut connection, session.session_id, now).await
        {
            tracing::warn!(%error, "could not note that a session is in use");
        }
        Ok(found)
    }

    async fn living(&self, id: SessionId) -> Result<Option<Authenticated>, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        Ok(authentication::living(&mut connection, id.0, self.0.clock.now()).await?)
    }

    async fn all_living(&self, ids: &[Uuid]) -> Result<LiveSessionsReply, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        let living = authentication::all_living(&mut connection, ids, self.0.clock.now()).await?;
        let users: Vec<i32> = living.iter().map(|(_, user)| *user).collect();
        let blocks = user_blocks::around_all(&mut connection, &users).await?;
        Ok(LiveSessionsReply {
            session_ids: living.iter().map(|(id, _)| id.to_string()).collect(),
            blocks: blocks
                .into_iter()
                .map(|(blocker_id, blocked_id)| Block { blocker_id, blocked_id })
                .collect(),
        })
    }

    async fn users(&self, ids: &[i32]) -> Result<Vec<User>, Status> {
        if ids.len() > MOST_IDS {
            return Err(Status::invalid_argument(format!("at most {MOST_IDS} ids")));
        }
        let users = async {
            let mut connection = self.0.databases.system.connection().await?;
            Ok::<_, Error>(users::by_ids(&mut connection, ids).await?)
        };
        Ok(users.await?)
    }

    /// Both users, and whether there is a block between them; asked in one go.
    async fn both(&self, one: UserId, other: UserId) -> Result<(Vec<User>, bool), Error> {
        let connection = self.0.databases.system.connection().await?;
        let both = users::both(&connection, one, other);
        Ok(tokio::try_join!(both, user_blocks::between(&connection, one, other))?)
    }

    async fn blocked_ids(&self, user: UserId) -> Result<Vec<i32>, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        Ok(user_blocks::around(&mut connection, user).await?)
    }

    async fn promised(&self, id: MailRequestId) -> Result<Option<MailTokenReply>, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        let promised = mail_tokens::promised(&mut connection, id, self.0.clock.now()).await?;
        let Some((row, user)) = promised.filter(|(_, user)| user.may_log_in()) else { return Ok(None) };
        let Some(purpose) = Purpose::parse(&row.purpose) else { return Ok(None) };
        let token = self.0.mail_tokens.token(purpose, user.id(), &row.nonce);
        let to = view::recipient(user);
        Ok(Some(MailTokenReply {
            token,
            user_id: to.user_id.0,
            email: to.email,
            name: to.name,
            expires_at: row.expires_at.timestamp_millis(),
        }))
    }
}

fn flag((row, own): (Row, Own)) -> FeatureFlag {
    let of = |wanted| own.iter().filter(move |(_, on)| **on == wanted).map(|(user, _)| user.0).collect();
    FeatureFlag {
        key: row.key,
        enabled: row.enabled,
        share: row.share.into(),
        on_for: of(true),
        off_for: of(false),
    }
}

fn session_of(found: &Authenticated) -> Session {
    let actor = Actor {
        id: UserId(found.user_id),
        user_type: found.user_type,
        session_id: SessionId(found.session_id),
        email_verified: found.email_verified,
        company_verified: found.company_verified,
        admin: found.admin,
        suspended: found.suspended_at.is_some(),
        tier: found.tier,
    };
    Session { actor, access_expires_at: found.access_expires_at }
}
