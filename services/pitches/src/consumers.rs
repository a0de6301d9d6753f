//! What this service hears. It consumes nothing durably; every replica forgets what others changed.

use pitchey_bus::Listeners;
use pitchey_events::{Envelope, PitchChanged, UserChanged};

use crate::public_cache::PublicCache;
use crate::users::Users;

/// The list.
pub fn listeners(users: &Users, public: &PublicCache) -> Listeners {
    let known = (users.clone(), public.clone());
    let (pitches, changed, all) = (public.clone(), known.clone(), known);
    Listeners::new()
        .on::<PitchChanged>(move |heard: Envelope<PitchChanged>| {
            let public = pitches.clone();
            async move { public.forget(heard.event.pitch_id).await }
        })
        .on::<UserChanged>(move |heard: Envelope<UserChanged>| {
            let (users, public) = changed.clone();
            async move {
                users.forget(heard.event.user_id).await;
                public.forget_all();
            }
        })
        .on_gap(move || {
            let (users, public) = all.clone();
            async move {
                users.forget_all();
                public.forget_all();
            }
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pitchey_bus::{Consumes, Plan};
    use pitchey_events::Service;
    use pitchey_rpc::{Accounts, Targets};

    use super::*;

    #[tokio::test]
    async fn the_catalogue_and_the_list_agree() {
        let nowhere = Targets(BTreeMap::from([("accounts".to_owned(), "http://localhost:1".to_owned())]));
        let accounts = Accounts::new(&nowhere, pitchey_testkit::identity::signer(Service::Pitches)).unwrap();
        let listeners = listeners(&Users::new(accounts), &PublicCache::new(0));
        let found = Consumes::nothing().disagreements(Service::Pitches, &listeners, &Plan::default());
        assert!(found.is_empty(), "{found:?}");
    }
}
