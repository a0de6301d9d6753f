//! People as the gateway describes them: everything verified that can be, on the free plan. A test changes what it is about:
//! `Actor { suspended: true, ..actors::creator(id) }`. With a row in the database: [`crate::TestDatabase::creator`] and its like.

use pitchey_events::{SessionId, Tier, UserId, UserType};
use pitchey_identity::Actor;
use uuid::Uuid;

/// A creator.
pub fn creator(id: UserId) -> Actor {
    with_id(id, UserType::Creator)
}

/// A production company.
pub fn production(id: UserId) -> Actor {
    with_id(id, UserType::Production)
}

/// An investor.
pub fn investor(id: UserId) -> Actor {
    with_id(id, UserType::Investor)
}

/// A viewer.
pub fn viewer(id: UserId) -> Actor {
    with_id(id, UserType::Viewer)
}

/// A viewer who runs the platform.
pub fn operator(id: UserId) -> Actor {
    Actor { admin: true, ..viewer(id) }
}

/// A user of `user_type`, in a session of its own.
pub fn with_id(id: UserId, user_type: UserType) -> Actor {
    Actor {
        id,
        user_type,
        session_id: SessionId(Uuid::new_v4()),
        email_verified: true,
        company_verified: matches!(user_type, UserType::Investor | UserType::Production),
        admin: false,
        suspended: false,
        tier: Tier::Free,
    }
}
