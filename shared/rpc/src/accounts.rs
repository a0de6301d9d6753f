use std::collections::HashSet;

use chrono::{DateTime, Utc};
use pitchey_events::{MailRequestId, Service, SessionId, Tier, UserId, UserType};
use pitchey_identity::{Actor, Signer};
use serde::Serialize;

use crate::client::Caller;
use crate::proto::accounts::accounts_client::AccountsClient;
use crate::proto::accounts::directory_client::DirectoryClient;
use crate::proto::accounts::feature_flags_client::FeatureFlagsClient;
use crate::proto::accounts::{self as proto};
use crate::{Error, Targets};

const NAME: &str = Service::Accounts.as_str();

/// The service that knows users and sessions.
#[derive(Clone)]
pub struct Accounts(Caller);

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user in it.
    pub actor: Actor,
    /// When its access token stops working.
    pub access_expires_at: DateTime<Utc>,
}

/// What became of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveSessions {
    /// Those that live.
    pub live: HashSet<SessionId>,
    /// (who blocked, whom), wherever one of their users is one of the two.
    pub blocks: Vec<(UserId, UserId)>,
}

/// What anybody may know of a user: the public projection of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicUser {
    /// Who.
    #[schema(value_type = i32)]
    pub id: UserId,
    /// Unique, regardless of case.
    pub username: String,
    /// What the user came for.
    #[schema(value_type = String)]
    pub user_type: UserType,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Where the user lives or works.
    pub location: Option<String>,
    /// In the user's own words.
    pub bio: Option<String>,
    /// URL.
    pub profile_image: Option<String>,
    /// The same URL under its other name.
    #[serde(rename = "avatar_url")]
    pub avatar_url: Option<String>,
    /// Company, for productions and investors.
    pub company_name: Option<String>,
    /// The company's URL.
    pub company_website: Option<String>,
    /// The same URL under its other name.
    pub website: Option<String>,
    /// Proved to own the e-mail address.
    pub email_verified: bool,
    /// The company was checked by an admin.
    pub company_verified: bool,
    /// May log in.
    pub is_active: bool,
    /// The plan.
    #[schema(value_type = String)]
    pub subscription_tier: Tier,
    /// RFC 3339.
    #[serde(serialize_with = "millis")]
    pub created_at: DateTime<Utc>,
    /// RFC 3339.
    #[serde(serialize_with = "millis")]
    pub updated_at: DateTime<Utc>,
}

fn millis<S: serde::Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// Two users as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The one.
    pub user: PublicUser,
    /// The other.
    pub other: PublicUser,
    /// One of them blocked the other.
    pub blocked: bool,
}

/// Where to send mail to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub user_id: UserId,
    /// The address.
    pub email: String,
    /// How to address the person.
    pub name: String,
    /// May get mail at all.
    pub active: bool,
    /// Asked for deletion and is in the days of grace: gets only mail about that, though not active.
    pub closing: bool,
}

/// The token of a promised mail, with where to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailToken {
    /// The token.
    pub token: String,
    /// To whom.
    pub recipient: Recipient,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

macro_rules! call {
    ($self:ident, $method:ident, $name:literal, $message:expr) => {
        $self
            .0
            .call(concat!("/pitchey.accounts.v1.Accounts/", $name), $message, |channel, request| async move {
                AccountsClient::new(channel).$method(request).await
            })
            .await
    };
}

impl Accounts {
    /// A client that signs as `signer`. Must be made on the runtime that is to drive its connections.
    ///
    /// # Errors
    /// No target is configured.
    pub fn new(targets: &Targets, signer: Signer) -> Result<Self, Error> {
        Ok(Self(Caller::new(Service::Accounts, targets, signer)?))
    }

    /// The live session of the token with this SHA-256.
    ///
    /// # Errors
    /// Nobody knows now: treat it as no session, and say "try again", not "log in".
    pub async fn authenticate(&self, token_digest: [u8; 32]) -> Result<Option<Session>, Error> {
        let message = proto::AuthenticateRequest { token_digest: token_digest.to_vec() };
        let reply = call!(self, authenticate, "Authenticate", message)?;
        reply.session.map(Session::try_from).transpose()
    }

    /// The session with this id, if it is still alive: for what takes long, or is done later, than the request that named it.
    ///
    /// # Errors
    /// Nobody knows now: treat it as over, and say "try again".
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let message = proto::SessionByIdRequest { session_id: id.to_string() };
        let reply = call!(self, session_by_id, "SessionById", message)?;
        reply.session.map(Session::try_from).transpose()
    }

    /// Public projections of `ids`, in any order; ids nobody has are left out.
    ///
    /// # Errors
    /// Nobody knows now.
    pub async fn users_by_ids(&self, ids: &[UserId]) -> Result<Vec<PublicUser>, Error> {
        let mut users = Vec::with_capacity(ids.len());
        for ids in ids.chunks(500) {
            let message = proto::UsersByIdsRequest { ids: ids.iter().map(|id| id.0).collect() };
            let reply = call!(self, users_by_ids, "UsersByIds", message)?;
            for user in reply.users {
                users.push(user.try_into()?);
            }
        }
        Ok(users)
    }

    /// Which of `sessions` (at most 500) live, and every block around their users.
    ///
    /// # Errors
    /// Nobody knows now: treat them as over.
    pub async fn live_sessions(&self, sessions: &[SessionId]) -> Result<LiveSessions, Error> {
        let message =
            proto::LiveSessionsRequest { session_ids: sessions.iter().map(ToString::to_string).collect() };
        let reply = call!(self, live_sessions, "LiveSessions", message)?;
        let live = reply.session_ids.iter().map(|id| word(id)).collect::<Result<_, _>>()?;
        let blocks = reply.blocks.iter().map(|block| (UserId(block.blocker_id), UserId(block.blocked_id)));
        Ok(LiveSessions { live, blocks: blocks.collect() })
    }

    /// `user` and `other` as they are now, and whether a block stands between them.
    ///
    /// # Errors
    /// `NotFound` when one of them does not exist; otherwise nobody knows now.
    pub async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        let message = proto::RelationRequest { user_id: user.0, other_id: other.0 };
        let reply = call!(self, relation, "Relation", message)?;
        let (Some(user), Some(other)) = (reply.user, reply.other) else {
            return Err(Error::nonsense(NAME, "a relation without its users"));
        };
        Ok(Relation { user: user.try_into()?, other: other.try_into()?, blocked: reply.blocked })
    }

    /// Everybody with whom `user` has a block, whichever side made it: for hiding, never for showing.
    ///
    /// # Errors
    /// Nobody knows now.
    pub async fn blocked_ids(&self, user: UserId) -> Result<Vec<UserId>, Error> {
        let reply = call!(self, blocked_ids, "BlockedIds", proto::BlockedIdsRequest { user_id: user.0 })?;
        Ok(reply.ids.into_iter().map(UserId).collect())
    }

    /// At most `limit` active users whose names have words that begin like those of `text`, the best first; nobody with whom `viewer` has a block.
    ///
    /// # Errors
    /// Nobody knows now.
    pub async fn search_users(
        &self,
        text: &str,
        viewer: Option<UserId>,
        limit: i32,
    ) -> Result<Vec<PublicUser>, Error> {
        let message =
            proto::SearchRequest { text: text.to_owned(), viewer_id: viewer.map(|user| user.0), limit };
        let reply = self
            .0
            .call("/pitchey.accounts.v1.Directory/Search", message, |channel, request| async move {
                DirectoryClient::new(channel).search(request).await
            })
            .await?;
        reply.users.into_iter().map(PublicUser::try_from).collect()
    }

    /// Every feature flag that an operator ever set.
    ///
    /// # Errors
    /// Nobody knows now.
    pub async fn feature_flags(&self) -> Result<Vec<proto::FeatureFlag>, Error> {
        let reply = self
            .0
            .call(
                "/pitchey.accounts.v1.FeatureFlags/List",
                proto::FeatureFlagsRequest {},
                |channel, request| async move { FeatureFlagsClient::new(channel).list(request).await },
            )
            .await?;
        Ok(reply.flags)
    }

    /// Where to send mail to `ids`, in any order; ids nobody has are left out.
    ///
    /// # Errors
    /// Nobody knows now.
    pub async fn recipients(&self, ids: &[UserId]) -> Result<Vec<Recipient>, Error> {
        let mut recipients = Vec::with_capacity(ids.len());
        for ids in ids.chunks(500) {
            let message = proto::RecipientsRequest { user_ids: ids.iter().map(|id| id.0).collect() };
            let reply = call!(self, recipients, "Recipients", message)?;
            recipients.extend(reply.recipients.into_iter().map(Recipient::from));
        }
        Ok(recipients)
    }

    /// The token of the mail that accounts promised as `request`; the same on every call.
    ///
    /// # Errors
    /// `NotFound` when it was used or is too old: then there is nothing to send any more.
    pub async fn mail_token(&self, request: MailRequestId) -> Result<MailToken, Error> {
        let message = proto::MailTokenRequest { request_id: request.to_string() };
        let reply = call!(self, mail_token, "MailToken", message)?;
        Ok(MailToken {
            token: reply.token,
            recipient: Recipient {
                user_id: UserId(reply.user_id),
                email: reply.email,
                name: reply.name,
                active: true,
                closing: false,
            },
            expires_at: time(reply.expires_at)?,
        })
    }
}

fn word<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::nonsense(NAME, text))
}

fn time(millis: i64) -> Result<DateTime<Utc>, Error> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| Error::nonsense(NAME, "a time out of range"))
}

impl TryFrom<proto::Session> for Session {
    type Error = Error;

    fn try_from(session: proto::Session) -> Result<Self, Error> {
        let actor = Actor {
            id: UserId(session.user_id),
            user_type: word(&session.user_type)?,
            session_id: word::<SessionId>(&session.session_id)?,
            email_verified: session.email_verified,
            company_verified: session.company_verified,
            admin: session.admin,
            suspended: session.suspended,
            tier: word(&session.tier)?,
        };
        Ok(Self { actor, access_expires_at: time(session.access_expires_at)? })
    }
}

impl From<Session> for proto::Session {
    fn from(session: Session) -> Self {
        let actor = session.actor;
        Self {
            session_id: actor.session_id.to_string(),
            user_id: actor.id.0,
            user_type: actor.user_type.to_string(),
            email_verified: actor.email_verified,
            company_verified: actor.company_verified,
            admin: actor.admin,
            suspended: actor.suspended,
            tier: actor.tier.to_string(),
            access_expires_at: session.access_expires_at.timestamp_millis(),
        }
    }
}

impl TryFrom<proto::User> for PublicUser {
    type Error = Error;

    fn try_from(user: proto::User) -> Result<Self, Error> {
        Ok(Self {
            id: UserId(user.id),
            user_type: word(&user.user_type)?,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            location: user.location,
            bio: user.bio,
            avatar_url: user.profile_image.clone(),
            profile_image: user.profile_image,
            company_name: user.company_name,
            website: user.company_website.clone(),
            company_website: user.company_website,
            email_verified: user.email_verified,
            company_verified: user.company_verified,
            is_active: user.is_active,
            subscription_tier: word(&user.subscription_tier)?,
            created_at: time(user.created_at)?,
            updated_at: time(user.updated_at)?,
        })
    }
}

impl From<PublicUser> for proto::User {
    fn from(user: PublicUser) -> Self {
        Self {
            id: user.id.0,
            username: user.username,
            user_type: user.user_type.to_string(),
            first_name: user.first_name,
            last_name: user.last_name,
            location: user.location,
            bio: user.bio,
            profile_image: user.profile_image,
            company_name: user.company_name,
            company_website: user.company_website,
            email_verified: user.email_verified,
            company_verified: user.company_verified,
            is_active: user.is_active,
            subscription_tier: user.subscription_tier.to_string(),
            created_at: user.created_at.timestamp_millis(),
            updated_at: user.updated_at.timestamp_millis(),
        }
    }
}

impl From<proto::Recipient> for Recipient {
    fn from(recipient: proto::Recipient) -> Self {
        Self {
            user_id: UserId(recipient.user_id),
            email: recipient.email,
            name: recipient.name,
            active: recipient.active,
            closing: recipient.closing,
        }
    }
}

impl From<Recipient> for proto::Recipient {
    fn from(recipient: Recipient) -> Self {
        Self {
            user_id: recipient.user_id.0,
            email: recipient.email,
            name: recipient.name,
            active: recipient.active,
            closing: recipient.closing,
        }
    }
}
