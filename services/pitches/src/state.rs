use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Signer;
use pitchey_launch::Failed;
use pitchey_rpc::{Accounts, Users};
use pitchey_seal::Sealer;

use crate::Settings;
use crate::credits::Credits;
use crate::files::Files;
use crate::links::Links;
use crate::opens::Opens;
use crate::public_cache::PublicCache;
use crate::receipts::ReceiptKeys;
use crate::share_tokens::ShareTokens;
use crate::uploads::Uploads;
use crate::views::Views;

/// What every door and job shares.
#[derive(Clone)]
pub struct AppState {
    pub databases: Databases,
    pub clock: Clock,
    pub accounts: Accounts,
    pub users: Users,
    pub credits: Credits,
    pub public: PublicCache,
    pub sealer: Sealer,
    pub receipts: ReceiptKeys,
    pub share_tokens: ShareTokens,
    pub opens: Opens,
    pub views: Views,
    pub files: Files,
    pub links: Links,
    /// A place for each upload that may go on at once.
    pub uploads: Uploads,
}

impl AppState {
    /// Must be made on the runtime that is to drive the connections of its clients.
    pub fn new(settings: &Settings, databases: Databases, clock: Clock) -> Result<Self, Failed> {
        let signer = Signer::new(Service::Pitches, &settings.identity, clock.clone())?;
        let accounts = Accounts::new(&settings.rpc_targets, signer.clone())?;
        Ok(Self {
            databases,
            clock,
            users: Users::new(accounts.clone()),
            accounts,
            credits: Credits::new(settings.credits, &settings.rpc_targets, signer)?,
            public: PublicCache::new(settings.public_cache_ms),
            sealer: Sealer::new(&settings.pii_key)?,
            receipts: ReceiptKeys::new(&settings.receipt_signing_key)?,
            share_tokens: ShareTokens::new(&settings.share_key, &settings.public_url)?,
            opens: Opens::default(),
            views: Views::default(),
            files: Files::open(&settings.media, settings.mode)?,
            links: Links::new(&settings.media.link_key)?,
            uploads: Uploads::new(&settings.media),
        })
    }
}
