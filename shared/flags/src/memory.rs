use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pitchey_events::UserId;
use pitchey_rpc::Accounts;
use pitchey_rpc::proto::accounts::FeatureFlag;
use tokio::sync::{Notify, watch};

use crate::{Flag, Rule};

/// How old what is remembered may get while no event comes.
const REFRESH: Duration = Duration::from_secs(30);
/// The pause after a question without an answer; each following one is twice as long, up to [`REFRESH`].
const RETRY: Duration = Duration::from_secs(1);

type Rules = BTreeMap<Flag, Rule>;

/// What a replica knows of the flags. Clones share it.
#[derive(Clone)]
pub struct Flags {
    rules: watch::Receiver<Rules>,
    stale: Arc<Notify>,
}

impl Flags {
    /// All flags at their defaults, for ever.
    pub fn defaults() -> Self {
        Self { rules: watch::channel(rules(&[])).1, stale: Arc::default() }
    }

    /// What accounts knows, for as long as somebody holds it. Waits for the first answer, which is there or not within a second. Must be called on the
    /// runtime that is to refresh it.
    pub async fn follow(accounts: Accounts) -> Self {
        let (sender, receiver) = watch::channel(rules(&[]));
        let loaded = load(&accounts, &sender).await;
        if !loaded {
            tracing::warn!("accounts can't be asked: feature flags are at their defaults until it can");
            tell(&sender.borrow());
        }
        let stale = Arc::<Notify>::default();
        tokio::spawn(keep(accounts, sender, Arc::clone(&stale), if loaded { REFRESH } else { RETRY }));
        Self { rules: receiver, stale }
    }

    /// Whether `flag` is on for `user`, as far as is known here. Asks nobody.
    pub fn is_on(&self, flag: Flag, user: UserId) -> bool {
        self.rules.borrow().get(&flag).map_or(flag.default(), |rule| rule.is_on(flag, user))
    }

    /// A flag may have changed: what is known is loaded anew, soon.
    pub fn refresh(&self) {
        self.stale.notify_one();
    }
}

/// Loads, again and again, until nobody reads it any more.
async fn keep(accounts: Accounts, sender: watch::Sender<Rules>, stale: Arc<Notify>, mut pause: Duration) {
    loop {
        let told = tokio::select! {
            () = sender.closed() => return,
            () = stale.notified() => true,
            () = tokio::time::sleep(pause) => false,
        };
        pause = match load(&accounts, &sender).await {
            true => REFRESH,
            false if told => RETRY,
            false => (pause * 2).min(REFRESH),
        };
    }
}

/// Whether there was an answer; why not, the client has logged. Without one, what was known holds.
async fn load(accounts: &Accounts, sender: &watch::Sender<Rules>) -> bool {
    let Ok(flags) = accounts.feature_flags().await else { return false };
    let rules = rules(&flags);
    sender.send_if_modified(|known| {
        let changed = *known != rules;
        if changed {
            tracing::info!(flags = ?rules, "feature flags");
            *known = rules;
        }
        changed
    });
    tell(&sender.borrow());
    true
}

/// Every flag of this program: as it was set, or else at its default. Flags that only others know are theirs.
fn rules(set: &[FeatureFlag]) -> Rules {
    let rule = |flag: Flag| {
        let set = set.iter().find(|set| set.key == flag.as_str());
        set.map_or_else(|| Rule::default_of(flag), Rule::of)
    };
    Flag::ALL.iter().map(|flag| (*flag, rule(*flag))).collect()
}

fn tell(rules: &Rules) {
    for (flag, rule) in rules {
        metrics::gauge!("feature_flag_percent", "flag" => flag.as_str()).set(rule.percent());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, enabled: bool) -> FeatureFlag {
        FeatureFlag { key: key.to_owned(), enabled, share: 100, ..FeatureFlag::default() }
    }

    #[test]
    fn what_is_not_known_does_no_harm() {
        let (flag, user) = (Flag::ChargeCredits, UserId(1));
        for (set, on) in [
            (vec![], true),
            (vec![set("of_a_later_release", false)], true),
            (vec![set("of_a_later_release", true), set("charge_credits", false)], false),
        ] {
            let rules = rules(&set);
            assert_eq!(rules.len(), Flag::ALL.len(), "the others are not there");
            assert_eq!(rules[&flag].is_on(flag, user), on);
        }
        assert!(Flags::defaults().is_on(flag, user));
    }
}
