//! Calls of Stripe's API. Each that changes something carries an idempotency key, so that it can be tried again.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use pitchey_events::UserId;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::objects::{Customer, Intent, Subscription, price_name};
use crate::offer::{Package, Plan};
use crate::words::Interval;

/// The version of the API whose shapes are asked for; the webhook's endpoint is to have the same.
const VERSION: &str = "2024-06-20";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// What came of a call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer, or that it is out of order: nobody knows whether it was done. The same call finds out.
    #[error("no answer: {0}")]
    Unavailable(String),
    /// The payer's bank said no.
    #[error("declined: {code}")]
    Declined {
        /// Stripe's word for why.
        code: String,
    },
    /// It refused, or answered what makes no sense: a mistake of ours.
    #[error("refused with {status}: {code}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stripe's word for why.
        code: String,
    },
}

impl Error {
    fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    fn is_status(&self, wanted: u16) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }
}

/// The API.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: SecretString,
    timeout: Duration,
}

type Form = Serializer<'static, String>;

fn form() -> Form {
    Serializer::new(String::new())
}

impl Client {
    /// Of the account whose secret key is `key`, at `url`.
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn new(url: &str, key: SecretString, timeout: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), key, timeout })
    }

    /// Makes a customer for `user`. Nothing personal: the number is enough to find the user again.
    pub async fn create_customer(&self, user: UserId) -> Result<Customer, Error> {
        let mut form = form();
        form.append_pair("description", &format!("Pitchey user {user}"));
        form.append_pair("metadata[user_id]", &user.to_string());
        self.post("/v1/customers", form, &format!("customer-{user}")).await
    }

    /// A customer.
    pub async fn customer(&self, id: &str) -> Result<Customer, Error> {
        self.call(Method::GET, &format!("/v1/customers/{id}"), None, None).await
    }

    /// Deletes what Stripe keeps about a customer. One that is gone is no error.
    pub async fn delete_customer(&self, id: &str) -> Result<(), Error> {
        self.delete(&format!("/v1/customers/{id}"), &format!("delete-{id}")).await
    }

    /// Makes a payment for a package; `key` names the purchase.
    pub async fn create_intent(
        &self,
        customer: &str,
        user: UserId,
        package: &Package,
        key: &str,
    ) -> Result<Intent, Error> {
        let mut form = form();
        form.append_pair("amount", &package.price.to_string());
        form.append_pair("currency", &package.currency.to_lowercase());
        form.append_pair("customer", customer);
        form.append_pair("metadata[kind]", "credits");
        form.append_pair("metadata[user_id]", &user.to_string());
        form.append_pair("metadata[credits]", &package.credits.to_string());
        self.post("/v1/payment_intents", form, key).await
    }

    /// Gives `cents` of what was paid by `intent` back; `key` names the refund.
    pub async fn refund(&self, intent: &str, cents: i64, key: &str) -> Result<(), Error> {
        let mut form = form();
        form.append_pair("payment_intent", intent);
        form.append_pair("amount", &cents.to_string());
        self.post::<Value>("/v1/refunds", form, key).await.map(drop)
    }

    /// Begins a subscription. A customer with a card is charged at once; for the others the answer holds what their browser needs to pay.
    pub async fn create_subscription(
        &self,
        customer: &str,
        plan: &Plan,
        interval: Interval,
        key: &str,
    ) -> Result<Subscription, Error> {
        let price = self.price(plan, interval).await?;
        let charged = self.customer(customer).await?.can_be_charged();
        let mut form = form();
        form.append_pair("customer", customer);
        form.append_pair("items[0][plan]", &price);
        form.append_pair("payment_behavior", if charged { "allow_incomplete" } else { "default_incomplete" });
        form.append_pair("expand[]", "latest_invoice.payment_intent");
        self.post("/v1/subscriptions", form, key).await
    }

    /// A subscription, with what is needed to pay its first invoice.
    pub async fn subscription(&self, id: &str) -> Result<Subscription, Error> {
        self.call(
            Method::GET,
            &format!("/v1/subscriptions/{id}?expand[]=latest_invoice.payment_intent"),
            None,
            None,
        )
        .await
    }

    /// Puts a subscription on another plan from now on; the difference is on the next invoice. It is to go on.
    pub async fn change_subscription(
        &self,
        id: &str,
        plan: &Plan,
        interval: Interval,
        key: &str,
    ) -> Result<Subscription, Error> {
        let price = self.price(plan, interval).await?;
        let now = self.subscription(id).await?;
        let mut form = form();
        if let Some(item) = now.item() {
            form.append_pair("items[0][id]", item);
        }
        form.append_pair("items[0][plan]", &price);
        form.append_pair("cancel_at_period_end", "false");
        self.post(&format!("/v1/subscriptions/{id}"), form, key).await
    }

    /// Lets a subscription end with its period, or go on after all.
    pub async fn cancel_at_period_end(
        &self,
        id: &str,
        cancel: bool,
        key: &str,
    ) -> Result<Subscription, Error> {
        let mut form = form();
        form.append_pair("cancel_at_period_end", if cancel { "true" } else { "false" });
        self.post(&format!("/v1/subscriptions/{id}"), form, key).await
    }

    /// Ends a subscription now. One that is gone is no error.
    pub async fn end_subscription(&self, id: &str) -> Result<(), Error> {
        self.delete(&format!("/v1/subscriptions/{id}"), &format!("end-{id}")).await
    }

    /// The name of a plan's price, which is made where it is not there.
    async fn price(&self, plan: &Plan, interval: Interval) -> Result<String, Error> {
        let cents = plan.price(interval);
        let name = price_name(plan.tier, interval, cents, &plan.currency);
        let found = self.call::<Value>(Method::GET, &format!("/v1/plans/{name}"), None, None).await;
        match found {
            Ok(_) => return Ok(name),
            Err(error) if error.is_status(404) => {}
            Err(error) => return Err(error),
        }
        let mut form = form();
        form.append_pair("id", &name);
        form.append_pair("amount", &cents.to_string());
        form.append_pair("currency", &plan.currency.to_lowercase());
        form.append_pair("interval", interval.as_str());
        form.append_pair("product[name]", &format!("Pitchey {}", plan.name));
        match self.post::<Value>("/v1/plans", form, &format!("price-{name}")).await {
            // Somebody else made it in the meantime.
            Err(Error::Refused { code, .. }) if code == "resource_already_exists" => Ok(name),
            Err(error) if error.is_status(409) => Ok(name),
            made => made.map(|_| name),
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, mut form: Form, key: &str) -> Result<T, Error> {
        self.call(Method::POST, path, Some(form.finish()), Some(key)).await
    }

    async fn delete(&self, path: &str, key: &str) -> Result<(), Error> {
        match self.call::<Value>(Method::DELETE, path, None, Some(key)).await {
            Err(error) if error.is_status(404) => Ok(()),
            done => done.map(drop),
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        form: Option<String>,
        key: Option<&str>,
    ) -> Result<T, Error> {
        let once = || self.once(method.clone(), path, form.clone(), key);
        let tries = once
            .retry(
                ExponentialBuilder::default()
                    .with_min_delay(Duration::from_millis(200))
                    .with_jitter()
                    .with_max_times(1),
            )
            .when(Error::is_worth_another_try);
        let answer = tokio::time::timeout(self.timeout, tries).await;
        answer.unwrap_or_else(|_| Err(Error::Unavailable(format!("none within {:?}", self.timeout))))
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        form: Option<String>,
        key: Option<&str>,
    ) -> Result<T, Error> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(self.key.expose_secret())
            .header("Stripe-Version", VERSION);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(form) = form {
            request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        }
        let answer =
            request.send().await.map_err(|error| Error::Unavailable(error.without_url().to_string()))?;
        let status = answer.status();
        let body =
            answer.bytes().await.map_err(|error| Error::Unavailable(error.without_url().to_string()))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| Error::Refused { status: status.as_u16(), code: error.to_string() });
        }
        Err(refused(status, &body))
    }
}

fn refused(status: StatusCode, body: &[u8]) -> Error {
    #[derive(Default, Deserialize)]
    struct Body {
        #[serde(default)]
        error: Said,
    }
    #[derive(Default, Deserialize)]
    struct Said {
        #[serde(rename = "type", default)]
        kind: Option<String>,
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        decline_code: Option<String>,
    }
    let said = serde_json::from_slice::<Body>(body).unwrap_or_default().error;
    let is_card = said.kind.as_deref() == Some("card_error");
    let code = said.decline_code.or(said.code).or(said.kind).unwrap_or_else(|| "unknown".to_owned());
    match status {
        _ if is_card || status == StatusCode::PAYMENT_REQUIRED => Error::Declined { code },
        // 409: another call with the same key is under way.
        StatusCode::CONFLICT if code == "idempotency_key_in_use" => Error::Unavailable(code),
        StatusCode::TOO_MANY_REQUESTS => Error::Unavailable(code),
        _ if status.is_server_error() => Error::Unavailable(format!("{status}: {code}")),
        _ => Error::Refused { status: status.as_u16(), code },
    }
}
