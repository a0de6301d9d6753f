use std::net::IpAddr;

use pitchey_events::{SessionId, Tier, UserId, UserType};
use serde::{Deserialize, Serialize};

/// Who a request is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// Nobody logged in; or, over gRPC, the calling service itself.
    #[default]
    Anonymous,
    /// A user with a live session.
    User(Actor),
}

impl Principal {
    /// The user, if one is logged in.
    pub const fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Anonymous => None,
            Self::User(actor) => Some(actor),
        }
    }

    /// The user's id, if one is logged in.
    pub fn user_id(&self) -> Option<UserId> {
        self.actor().map(|actor| actor.id)
    }
}

/// A logged-in user, as accounts knew it at most 900 ms ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who.
    pub id: UserId,
    /// What for.
    pub user_type: UserType,
    /// In which session.
    pub session_id: SessionId,
    /// Proved to own the e-mail address.
    pub email_verified: bool,
    /// The company was checked by an admin.
    pub company_verified: bool,
    /// Runs the platform.
    pub admin: bool,
    /// May read, log out, change the password, export and delete the account; nothing else.
    pub suspended: bool,
    /// The plan.
    pub tier: Tier,
}

impl Actor {
    /// An investor or a production company whose company was verified.
    pub fn is_verified_buyer(&self) -> bool {
        self.company_verified && matches!(self.user_type, UserType::Investor | UserType::Production)
    }
}

/// What the gateway asserts about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Who it is for.
    pub principal: Principal,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The request's id: in every log line and answer.
    pub request_id: String,
}
