//! What each event adds to which sums.

use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{
    CreditsPurchased, Envelope, Event, InvestmentTracked, NdaApproved, NdaExpired, NdaParties, NdaRejected,
    NdaRequested, NdaRevoked, NdaSigned, NdaWithdrawn, PaymentRefunded, PaymentSucceeded, PitchCommented,
    PitchDeleted, PitchFollowed, PitchId, PitchLiked, PitchPromoted, PitchPublished, PitchUnfollowed,
    PitchUnliked, UserFollowed, UserId, UserRegistered, UserUnfollowed,
};

use super::{Acts, action, record};
use crate::ops::record::Act;
use crate::state::AppState;

fn act<E: Event>(pitch: Option<PitchId>, owner: Option<UserId>, member: Option<UserId>) -> Vec<Act> {
    let action = action::<E>().to_owned();
    vec![Act { action, pitch, owner, member, by_member: true, amount: 1 }]
}

/// Of an NDA; what the owner or time did to it is no activity of the requester.
fn nda<E: Event>(parties: &NdaParties, by_requester: bool) -> Vec<Act> {
    let mut acts = act::<E>(Some(parties.pitch_id), Some(parties.owner_id), Some(parties.requester_id));
    for act in &mut acts {
        act.by_member = by_requester;
    }
    acts
}

/// How often, and how much in minor units of a currency: `payment.succeeded` and `payment.succeeded.eur`.
fn money<E: Event>(user: UserId, cents: i64, currency: &str) -> Vec<Act> {
    let mut acts = act::<E>(None, None, Some(user));
    // A webhook told of it, not the user.
    let currency: String = currency.chars().filter(char::is_ascii_alphabetic).take(3).collect();
    acts.push(Act {
        action: format!("{}.{}", action::<E>(), currency.to_ascii_lowercase()),
        pitch: None,
        owner: None,
        member: Some(user),
        by_member: false,
        amount: i32::try_from(cents).unwrap_or(i32::MAX),
    });
    for act in &mut acts {
        act.by_member = false;
    }
    acts
}

macro_rules! acts {
    ($($event:ident: |$it:ident| $acts:expr;)+) => {
        $(impl Acts for $event {
            fn acts(&self) -> Vec<Act> {
                let $it = self;
                $acts
            }
        })+
    };
}

acts! {
    PitchPublished: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), None);
    PitchDeleted: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), None);
    PitchPromoted: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), None);
    PitchFollowed: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), Some(it.follower_id));
    PitchUnfollowed: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), Some(it.follower_id));
    PitchLiked: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), Some(it.user_id));
    PitchUnliked: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), Some(it.user_id));
    PitchCommented: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), Some(it.author_id));
    InvestmentTracked: |it| act::<Self>(Some(it.pitch_id), Some(it.owner_id), Some(it.investor_id));
    UserFollowed: |it| act::<Self>(None, Some(it.user_id), Some(it.follower_id));
    UserUnfollowed: |it| act::<Self>(None, Some(it.user_id), Some(it.follower_id));
    UserRegistered: |it| act::<Self>(None, None, Some(it.user_id));
    NdaRequested: |it| nda::<Self>(&it.parties, true);
    NdaApproved: |it| nda::<Self>(&it.parties, false);
    NdaRejected: |it| nda::<Self>(&it.parties, false);
    NdaWithdrawn: |it| nda::<Self>(&it.parties, true);
    NdaSigned: |it| nda::<Self>(&it.parties, true);
    NdaRevoked: |it| nda::<Self>(&it.parties, false);
    NdaExpired: |it| nda::<Self>(&it.parties, false);
    PaymentSucceeded: |it| money::<Self>(it.user_id, it.amount_cents, &it.currency);
    PaymentRefunded: |it| money::<Self>(it.user_id, it.amount_cents, &it.currency);
    CreditsPurchased: |it| act::<Self>(None, None, Some(it.user_id))
        .into_iter()
        .map(|act| Act { amount: it.credits, by_member: false, ..act })
        .collect();
}

/// These are nothing but sums; the others know more (`consumers/pitches.rs`).
macro_rules! only_sums {
    ($($event:ident),+ $(,)?) => {
        $(impl Handles<$event> for AppState {
            async fn handle(&self, tx: &mut Tx, envelope: &Envelope<$event>) -> Result<(), Failure> {
                record(tx, envelope).await
            }
        })+
    };
}

only_sums!(
    PitchPromoted,
    PitchFollowed,
    PitchUnfollowed,
    PitchLiked,
    PitchUnliked,
    PitchCommented,
    InvestmentTracked,
    UserFollowed,
    UserUnfollowed,
    UserRegistered,
    NdaWithdrawn,
    NdaSigned,
    NdaRevoked,
    NdaExpired,
    PaymentSucceeded,
    PaymentRefunded,
    CreditsPurchased,
);
