//! People and pitches to measure with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use pitchey_events::{Service, SessionId, Tier, UserId, UserType};
use pitchey_identity::Actor;
use serde_json::json;
use tokio_postgres::{Client as Postgres, NoTls};

use crate::load::{Client, request};
use crate::platform::Platform;

const PEOPLE: &str = include_str!("../sql/people.sql");
const PENDING: &str = include_str!("../sql/pending_ndas.sql");
const SIGNED: &str = include_str!("../sql/signed_nda.sql");

/// Creators, all logged in.
const CREATORS: i32 = 100;
/// Investors, all logged in: nobody may ask for more than ten agreements a day.
const INVESTORS: i32 = 3_000;
/// Published pitches that are asked for NDAs while it is measured.
const ASKED_FOR: usize = 10;
/// More, whose owners have requests to answer.
const TO_ANSWER: usize = 13;
/// More, which only the floor asks for.
const FLOOR: usize = 20;

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who the gateway would say it is.
    pub actor: Actor,
    /// The token of the session.
    pub token: String,
}

/// What is in the database.
#[derive(Clone)]
pub struct Data {
    /// A superuser's connection.
    pub admin: Arc<Postgres>,
    /// Who owns the pitches, in their order, and more.
    pub creators: Arc<Vec<Person>>,
    /// Who asks.
    pub investors: Arc<Vec<Person>>,
    /// Published; an NDA is required.
    pub pitches: Arc<Vec<i32>>,
    /// The first pitch that only the floor asks for, and its owner; the others have the ids that follow.
    pub floor_pitches: (i32, i32),
    /// Pending requests, and the places of their owners.
    pub pending: Arc<Vec<(i32, usize)>>,
    requests: Arc<AtomicU32>,
    answers: Arc<AtomicU32>,
}

/// A connection to `url`.
pub async fn connect(url: &str) -> Postgres {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Data {
    /// Makes it. The pitches are made by the service, so they are as real ones.
    pub async fn make(platform: &Platform) -> Self {
        let admin = connect(platform.servers.database_url()).await;
        let mut creators = Vec::new();
        let mut investors = Vec::new();
        for (user_type, count, people) in
            [(UserType::Creator, CREATORS, &mut creators), (UserType::Investor, INVESTORS, &mut investors)]
        {
            for row in admin.query(PEOPLE, &[&user_type.as_str(), &count]).await.unwrap() {
                people.push(Person {
                    actor: Actor {
                        id: UserId(row.get(0)),
                        user_type,
                        session_id: SessionId(row.get::<_, String>(1).parse().unwrap()),
                        email_verified: true,
                        company_verified: false,
                        admin: false,
                        suspended: false,
                        tier: Tier::Free,
                    },
                    token: row.get(2),
                });
            }
        }
        let pitches = publish(platform, &creators).await;
        let signed = [&pitches[0], &investors[0].actor.id.0]
            .map(|id| id as &(dyn tokio_postgres::types::ToSql + Sync));
        admin.execute(SIGNED, &signed).await.unwrap();
        let to_answer = pitches[ASKED_FOR..ASKED_FOR + TO_ANSWER].to_vec();
        let pending = admin.query(PENDING, &[&to_answer]).await.unwrap();
        let first = ASKED_FOR + TO_ANSWER;
        assert!(pitches.is_sorted_by(|a, b| a + 1 == *b), "pgbench counts pitches");
        let floor_pitches = (pitches[first], creators[first].actor.id.0);
        let owner = |id: i32| creators.iter().position(|creator| creator.actor.id.0 == id).unwrap();
        let pending = pending.iter().map(|row| (row.get(0), owner(row.get(1)))).collect();
        admin.batch_execute("vacuum analyze").await.unwrap();
        Self {
            admin: Arc::new(admin),
            creators: Arc::new(creators),
            investors: Arc::new(investors),
            pitches: Arc::new(pitches),
            floor_pitches,
            pending: Arc::new(pending),
            requests: Arc::default(),
            answers: Arc::default(),
        }
    }

    /// Somebody, and a pitch that this person has not asked for yet.
    pub fn next_request(&self) -> (&Person, i32) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) as usize + 1;
        // The first investor has an agreement already.
        let people = self.investors.len();
        let pitch = number / people;
        assert!(pitch < ASKED_FOR, "there are no more agreements to ask for");
        (&self.investors[number % people], self.pitches[pitch])
    }

    /// An owner, and a request that is to be answered.
    pub fn next_answer(&self) -> (&Person, i32) {
        let number = self.answers.fetch_add(1, Ordering::Relaxed) as usize;
        let &(nda, owner) = self.pending.get(number).expect("more requests to be answered");
        (&self.creators[owner], nda)
    }

    /// A number that the database knows.
    pub async fn number(&self, sql: &str) -> i64 {
        self.admin.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{error}: {sql}")).get(0)
    }
}

/// What a creator sends.
pub fn pitch(title: &str) -> String {
    let text =
        |length: usize| "A keeper waits for a ship that left before she was born. ".repeat(length / 57 + 1);
    json!({
        "title": title,
        "logline": "A keeper waits for a ship that left before she was born.",
        "genre": "drama",
        "format": "feature",
        "shortSynopsis": text(300),
        "longSynopsis": text(2_000),
        "requireNda": true,
        "requiresNDA": true,
        "ndaType": "basic",
        "themes": ["sea", "waiting"],
    })
    .to_string()
}

async fn publish(platform: &Platform, creators: &[Person]) -> Vec<i32> {
    let gateway = Client::new(platform.address(Service::Gateway));
    let mut pitches = Vec::new();
    for (number, owner) in creators.iter().take(ASKED_FOR + TO_ANSWER + FLOOR).enumerate() {
        let body = pitch(&format!("The Lighthouse {number}"));
        let made = gateway.send(request(Method::POST, "/api/pitches", Some(&owner.token), body)).await.json();
        let id = made["pitch"]["id"].as_i64().unwrap();
        let path = format!("/api/pitches/{id}/publish");
        gateway.send(request(Method::POST, &path, Some(&owner.token), "{}")).await.json();
        pitches.push(i32::try_from(id).unwrap());
    }
    pitches
}
