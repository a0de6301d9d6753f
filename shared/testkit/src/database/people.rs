//! Rows that other services' tables refer to, without the services that own them.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::sql_types::{Bool, Integer, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_events::{PitchId, UserId, UserType};
use pitchey_identity::Actor;

use super::TestDatabase;
use crate::actors;

impl TestDatabase {
    /// A new creator: a row of `users`, and who the gateway would say it is.
    pub async fn creator(&self) -> Actor {
        self.actor(UserType::Creator).await
    }

    /// A new production company, verified.
    pub async fn production(&self) -> Actor {
        self.actor(UserType::Production).await
    }

    /// A new investor, verified.
    pub async fn investor(&self) -> Actor {
        self.actor(UserType::Investor).await
    }

    /// A new viewer.
    pub async fn viewer(&self) -> Actor {
        self.actor(UserType::Viewer).await
    }

    /// A new viewer who runs the platform.
    pub async fn operator(&self) -> Actor {
        self.insert(Actor { admin: true, ..actors::viewer(UserId(0)) }).await
    }

    /// A new user of `user_type`, with everything verified that can be.
    pub async fn actor(&self, user_type: UserType) -> Actor {
        self.insert(actors::with_id(UserId(0), user_type)).await
    }

    /// The id of a new user of `user_type`, for who needs no more.
    pub async fn user(&self, user_type: UserType) -> UserId {
        self.actor(user_type).await.id
    }

    /// `actor` with the id of a new row that says the same.
    pub async fn insert(&self, actor: Actor) -> Actor {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("{}{}", actor.user_type, COUNT.fetch_add(1, Ordering::Relaxed));
        let query = sql_query(
            "INSERT INTO users (email, username, password_hash, user_type, subscription_tier, email_verified,
                                company_verified, is_admin, company_name, suspended_at)
             VALUES ($1 || '@example.test', $1, '!', $2::user_type, $3::subscription_tier, $4, $5, $6,
                     CASE WHEN $5 THEN initcap($1) || ' Ltd' END, CASE WHEN $7 THEN now() END)
             RETURNING id",
        )
        .bind::<Text, _>(name)
        .bind::<Text, _>(actor.user_type.as_str())
        .bind::<Text, _>(actor.tier.as_str())
        .bind::<Bool, _>(actor.email_verified)
        .bind::<Bool, _>(actor.company_verified)
        .bind::<Bool, _>(actor.admin)
        .bind::<Bool, _>(actor.suspended);
        let row: Id = query.get_result(&mut self.admin().await).await.expect("a row of users");
        Actor { id: UserId(row.id), ..actor }
    }

    /// A published pitch of `owner`, with its first version.
    pub async fn pitch(&self, owner: UserId) -> PitchId {
        let query = sql_query(
            "WITH pitch AS (
                 INSERT INTO pitches (user_id, title, logline, genre, format, status, published_at)
                 VALUES ($1, 'The Lighthouse', 'A keeper waits for a ship that left before she was born.', 'drama', 'feature',
                         'published', now())
                 RETURNING id, user_id
             ), version AS (
                 INSERT INTO pitch_versions (pitch_id, number, author_id, content, content_sha256)
                 SELECT id, 1, user_id, '{}', repeat('0', 64) FROM pitch
             )
             SELECT id FROM pitch",
        )
        .bind::<Integer, _>(owner.0);
        PitchId(query.get_result::<Id>(&mut self.admin().await).await.expect("a row of pitches").id)
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Integer)]
    id: i32,
}
