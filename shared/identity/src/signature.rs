use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use pitchey_clock::Clock;
use pitchey_events::Service;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::keys::{self, Keys};
use crate::{BadKey, Context, Identity};

/// The HTTP header, and gRPC metadata key, that carries it.
pub const HEADER: &str = "pitchey-identity";

const VERSION: &str = "v1";
/// How long a signature is good for, in seconds: longer than any request waits, shorter than any replay is worth.
const LIFETIME: i64 = 30;
/// How far the clocks of two machines may be apart, in seconds.
const SKEW: i64 = 5;

/// The request a signature is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// HTTP method; `GRPC` for gRPC.
    pub method: &'a str,
    /// Path with its query; for gRPC the full method name.
    pub path: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Claims<C> {
    audience: Service,
    expires: i64,
    method: String,
    path: String,
    context: C,
}

/// Signs this service's calls.
#[derive(Clone)]
pub struct Signer {
    caller: Service,
    keys: Keys,
    clock: Clock,
}

impl Signer {
    /// A signer for `caller`, with its configured keys.
    ///
    /// # Errors
    /// A configured key can't be used.
    pub fn new(caller: Service, settings: &Identity, clock: Clock) -> Result<Self, BadKey> {
        Ok(Self { caller, keys: keys::parse(&settings.calls)?, clock })
    }

    /// The value of [`HEADER`] for one request to `audience`; `None` when this service has no key for it.
    pub fn sign(&self, audience: Service, request: Request<'_>, context: &Context) -> Option<String> {
        let key = self.keys.get(&audience)?.first()?;
        let claims = Claims {
            audience,
            expires: self.clock.now().timestamp() + LIFETIME,
            method: request.method.to_owned(),
            path: request.path.to_owned(),
            context,
        };
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).ok()?);
        let signed = format!("{VERSION}.{}.{claims}", self.caller);
        let mac = URL_SAFE_NO_PAD.encode(mac(key, &signed).finalize().into_bytes());
        Some(format!("{signed}.{mac}"))
    }
}

/// Checks calls to this service.
#[derive(Clone)]
pub struct Verifier {
    audience: Service,
    keys: Keys,
    clock: Clock,
}

/// A call whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which service made it.
    pub caller: Service,
    /// What it asserts.
    pub context: Context,
}

/// Why a call is refused. For logs: the caller learns only that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not in the form of a signed context.
    #[error("malformed identity")]
    Malformed,
    /// Signed by nobody who may call this service.
    #[error("identity of an unknown caller")]
    UnknownCaller,
    /// The signature does not hold.
    #[error("identity with a wrong signature")]
    WrongSignature,
    /// It was good once, or is not yet.
    #[error("identity out of its time")]
    Expired,
    /// It was made for another service or request.
    #[error("identity of another request")]
    OtherRequest,
    /// A service other than the gateway asserts a user.
    #[error("only the gateway may assert a user")]
    NotTheGateway,
}

impl Verifier {
    /// A verifier for `audience`, with its configured keys.
    ///
    /// # Errors
    /// A configured key can't be used.
    pub fn new(audience: Service, settings: &Identity, clock: Clock) -> Result<Self, BadKey> {
        Ok(Self { audience, keys: keys::parse(&settings.accepts)?, clock })
    }

    /// Keyed hashes of `text`, one under each key that `caller` may sign with now, the newest first: to recognise what was seen before without keeping
    /// anything that can be guessed at without the key.
    pub fn fingerprints(&self, caller: Service, text: &[u8]) -> Vec<[u8; 32]> {
        let keys = self.keys.get(&caller).map(Vec::as_slice).unwrap_or_default();
        // No signed text begins like this, so a fingerprint is never a signature.
        keys.iter()
            .map(|key| {
                key.clone().chain_update(b"fingerprint:").chain_update(text).finalize().into_bytes().into()
            })
            .collect()
    }

    /// Checks the value of [`HEADER`] that came with `request`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn verify(&self, header: &str, request: Request<'_>) -> Result<Verified, Refused> {
        let (signed, signature) = header.rsplit_once('.').ok_or(Refused::Malformed)?;
        let mut parts = signed.splitn(3, '.');
        let (version, caller, claims) =
            (parts.next(), parts.next().ok_or(Refused::Malformed)?, parts.next().ok_or(Refused::Malformed)?);
        if version != Some(VERSION) {
            return Err(Refused::Malformed);
        }
        let caller: Service = caller.parse().map_err(|_| Refused::UnknownCaller)?;
        let keys = self.keys.get(&caller).ok_or(Refused::UnknownCaller)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused::Malformed)?;
        // `verify_slice` compares in constant time.
        if !keys.iter().any(|key| mac(key, signed).verify_slice(&signature).is_ok()) {
            return Err(Refused::WrongSignature);
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Refused::Malformed)?;
        let claims: Claims<Context> = serde_json::from_slice(&claims).map_err(|_| Refused::Malformed)?;
        let now = self.clock.now().timestamp();
        if !(now - SKEW..=now + LIFETIME + SKEW).contains(&claims.expires) {
            return Err(Refused::Expired);
        }
        if claims.audience != self.audience || claims.method != request.method || claims.path != request.path
        {
            return Err(Refused::OtherRequest);
        }
        if caller != Service::Gateway && claims.context.principal.actor().is_some() {
            return Err(Refused::NotTheGateway);
        }
        Ok(Verified { caller, context: claims.context })
    }
}

fn mac(key: &Hmac<Sha256>, signed: &str) -> Hmac<Sha256> {
    key.clone().chain_update(signed.as_bytes())
}
