//! Somebody with an account, who came by it as everybody does.

use diesel_async::SimpleAsyncConnection;
use pitchey_testkit::{Request, SOON, wait_for, wait_until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Platform;

/// Everybody's password.
pub const PASSWORD: &str = "a lamp in every window";

/// Credits that everybody has, beside the welcome.
const PURSE: i32 = 100_000;

/// A user with a session.
#[derive(Clone, Debug)]
pub struct Person {
    /// User id.
    pub id: i64,
    /// E-mail address.
    pub email: String,
    /// Access token.
    pub token: String,
    /// Refresh token.
    pub refresh_token: String,
}

impl Platform {
    /// A new user of `kind`, registered, verified and logged in through the gateway.
    pub async fn person(&self, kind: &str) -> Person {
        let unverified = self.unverified_person(kind).await;
        let token = self.mailed_token(&unverified.email, "verify-email").await;
        self.gateway().post("/api/auth/verify-email").json(&json!({ "token": token })).send().await.ok();
        // A new session, which knows it.
        let person = self.log_in(&unverified.email).await;
        self.give_credits(&person).await;
        person
    }

    /// Waits for the welcome, and adds enough credits for any test that is not about them.
    async fn give_credits(&self, person: &Person) {
        wait_until("the welcome credits", SOON, async || {
            let balance = person.get(self, "/api/payments/credits/balance").await;
            balance.status == 200 && balance["balance"].as_i64().is_some_and(|credits| credits > 0)
        })
        .await;
        let sql = format!(
            "UPDATE credits SET balance = balance + {PURSE}, granted = granted + {PURSE} WHERE user_id = {0};
             INSERT INTO credit_ledger (user_id, kind, amount, granted, balance_after, reason, idempotency_key, created_at)
             SELECT user_id, 'grant', {PURSE}, {PURSE}, balance, 'test', 'test:' || user_id, now() FROM credits WHERE user_id = {0}",
            person.id
        );
        self.db.admin().await.batch_execute(&sql).await.expect("credits");
    }

    /// The same without a proved address.
    pub async fn unverified_person(&self, kind: &str) -> Person {
        let name = self.fresh(kind);
        let email = format!("{name}@people.test");
        let body = json!({
            "email": email, "username": name, "password": PASSWORD, "userType": kind,
            "firstName": "Test", "lastName": kind, "companyName": format!("{name} Ltd"),
        });
        self.gateway().post("/api/auth/register").json(&body).send().await.expect(201);
        self.log_in(&email).await
    }

    /// A new session.
    pub async fn log_in(&self, email: &str) -> Person {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.gateway().post("/api/auth/login").json(&body).send().await.ok();
        Person {
            id: answer["user"]["id"].as_i64().expect("an id"),
            email: email.to_owned(),
            token: answer["token"].as_str().expect("a token").to_owned(),
            refresh_token: answer["refreshToken"].as_str().expect("a refresh token").to_owned(),
        }
    }

    /// The newest mail made from `template`, once it has come.
    pub async fn mail(&self, email: &str, template: &str) -> Value {
        let gateway = self.gateway();
        wait_for(&format!("the mail {template} to {email}"), SOON, async || {
            let answer = gateway.get(&format!("/dev/mails?to={email}")).send().await.ok();
            let mails = answer["data"].as_array().cloned().unwrap_or_default();
            mails.into_iter().find(|mail| mail["template"] == template)
        })
        .await
    }

    /// The token in the link of that mail.
    pub async fn mailed_token(&self, email: &str, template: &str) -> String {
        let mail = self.mail(email, template).await;
        let text = mail["text"].as_str().expect("a text");
        let (_, after) = text.split_once("token=").expect("a token");
        after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect()
    }
}

/// Anything as anybody.
pub trait As {
    /// With the token of `person`, if there is one.
    fn by(self, person: Option<&Person>) -> Self;
}

impl As for Request<'_> {
    fn by(self, person: Option<&Person>) -> Self {
        match person {
            Some(person) => self.bearer(&person.token),
            None => self,
        }
    }
}

impl Person {
    /// GET.
    pub async fn get(&self, platform: &Platform, path: &str) -> pitchey_testkit::Answer {
        platform.gateway().get(path).bearer(&self.token).send().await
    }

    /// POST.
    pub async fn post(&self, platform: &Platform, path: &str, body: &Value) -> pitchey_testkit::Answer {
        self.send(platform, Method::POST, path, body).await
    }

    /// Any method.
    pub async fn send(
        &self,
        platform: &Platform,
        method: Method,
        path: &str,
        body: &Value,
    ) -> pitchey_testkit::Answer {
        platform.gateway().request(method, path).bearer(&self.token).json(body).send().await
    }
}
