use std::collections::BTreeMap;

use pitchey_events::UserId;
use pitchey_rpc::proto::accounts::FeatureFlag;
use sha2::{Digest, Sha256};

use crate::Flag;

/// What a flag is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Off for everybody, or on for the share of them.
    pub enabled: bool,
    /// In percent of users, 0 to 100.
    pub share: u8,
    /// For whom it is on or off whatever else is said.
    pub users: BTreeMap<UserId, bool>,
}

impl Rule {
    /// What holds where nobody has set anything.
    pub const fn default_of(flag: Flag) -> Self {
        Self { enabled: flag.default(), share: 100, users: BTreeMap::new() }
    }

    /// Whether `flag`, so set, is on for `user`.
    pub fn is_on(&self, flag: Flag, user: UserId) -> bool {
        match self.users.get(&user) {
            Some(on) => *on,
            None => self.enabled && place(flag, user) < self.share,
        }
    }

    /// For how many percent of users it is on.
    pub const fn percent(&self) -> u8 {
        if self.enabled { self.share } else { 0 }
    }

    pub(crate) fn of(message: &FeatureFlag) -> Self {
        let on = message.on_for.iter().map(|id| (UserId(*id), true));
        let off = message.off_for.iter().map(|id| (UserId(*id), false));
        let share = u8::try_from(message.share.clamp(0, 100)).unwrap_or(100);
        Self { enabled: message.enabled, share, users: on.chain(off).collect() }
    }
}

/// Where `user` stands among all users, 0 to 99: in the share of all that is larger. Another place for each flag, so that it is not always the same people. Must never change:
/// users would switch sides.
fn place(flag: Flag, user: UserId) -> u8 {
    let digest = Sha256::digest(format!("{flag}/{user}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u8::try_from(u64::from_be_bytes(bytes) % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const FLAG: Flag = Flag::ChargeCredits;

    fn rule(enabled: bool, share: u8, users: &[(i32, bool)]) -> Rule {
        Rule { enabled, share, users: users.iter().map(|(id, on)| (UserId(*id), *on)).collect() }
    }

    fn everybody() -> impl Iterator<Item = UserId> {
        (1..=2_000).map(UserId)
    }

    #[test]
    fn a_share_only_gains_users_as_it_grows() {
        let mut before = BTreeSet::new();
        for share in 0..=100 {
            let rule = rule(true, share, &[]);
            let on: BTreeSet<_> = everybody().filter(|user| rule.is_on(FLAG, *user)).collect();
            assert!(before.is_subset(&on), "somebody fell out at {share} percent");
            let expected = usize::from(share) * 20;
            assert!(on.len().abs_diff(expected) < 50, "{} of 2,000 at {share} percent", on.len());
            before = on;
        }
        assert_eq!(before.len(), 2_000, "all of them at the end");
    }

    #[test]
    fn nobody_ever_changes_place() {
        let places = [1, 2, 3, 42, 1_000_000].map(|id| place(FLAG, UserId(id)));
        assert_eq!(places, [80, 60, 20, 58, 29], "as in the first release");
    }

    #[test]
    fn a_users_own_setting_comes_first() {
        let user = UserId(7);
        for (enabled, share) in [(true, 100), (true, 0), (false, 100), (false, 0)] {
            assert!(rule(enabled, share, &[(7, true)]).is_on(FLAG, user));
            assert!(!rule(enabled, share, &[(7, false)]).is_on(FLAG, user));
        }
        assert!(!rule(false, 100, &[(8, true)]).is_on(FLAG, user), "off is off for the others");
        assert_eq!([rule(false, 60, &[]).percent(), rule(true, 60, &[]).percent()], [0, 60]);
    }

    #[test]
    fn credits_are_charged_unless_somebody_says_otherwise() {
        assert!(everybody().all(|user| Rule::default_of(FLAG).is_on(FLAG, user)));
    }
}
