use pitchey_events::{
    Envelope, NdaAnswerDue, NdaApproved, NdaExpired, NdaExpiring, NdaParties, NdaRejected, NdaRequested,
    NdaRevoked, NdaSigned, NdaWithdrawn,
};

use super::{Bell, Notice, Tells};
use crate::mail::{Agreement, Ended, Letter, one_line};

fn title(parties: &NdaParties) -> String {
    one_line(&parties.pitch_title, super::TITLE)
}

fn bell(
    parties: &NdaParties,
    kind: &'static str,
    headline: String,
    body: impl Into<Option<&'static str>>,
) -> Bell {
    let bell = Bell::new(kind, headline)
        .about("ndaId", parties.nda_id.0)
        .about("pitchId", parties.pitch_id.0)
        .about("requesterId", parties.requester_id.0)
        .about("ownerId", parties.owner_id.0);
    match body.into() {
        Some(body) => bell.saying(body),
        None => bell,
    }
}

fn to_owner(parties: &NdaParties, bell: Bell, letter: impl FnOnce(Agreement) -> Letter) -> Vec<Notice> {
    let letter = letter(Agreement::seen_by(parties, parties.owner_id));
    vec![Notice::both(parties.owner_id, bell, letter)]
}

fn to_requester(parties: &NdaParties, bell: Bell, letter: impl FnOnce(Agreement) -> Letter) -> Vec<Notice> {
    let letter = letter(Agreement::seen_by(parties, parties.requester_id));
    vec![Notice::both(parties.requester_id, bell, letter)]
}

fn owner_only_in_app(parties: &NdaParties, bell: Bell) -> Notice {
    Notice::in_app(parties.owner_id, bell)
}

impl Tells for NdaRequested {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, with_message } = &envelope.event;
        let headline = format!("New NDA request for “{}”", title(parties));
        let body = with_message.then_some("It came with a message.");
        to_owner(parties, bell(parties, "nda_requested", headline, body), |nda| Letter::NdaRequested {
            nda,
            with_message: *with_message,
        })
    }
}

impl Tells for NdaApproved {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, sign_until, .. } = &envelope.event;
        let headline = format!("Your NDA request for “{}” was approved", title(parties));
        let bell = bell(parties, "nda_approved", headline, "Sign the document to read the protected part.");
        to_requester(parties, bell, |nda| Letter::NdaApproved { nda, sign_until: *sign_until })
    }
}

impl Tells for NdaRejected {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, with_reason } = &envelope.event;
        let headline = format!("Your NDA request for “{}” was declined", title(parties));
        let body = with_reason.then_some("The owner gave a reason.");
        to_requester(parties, bell(parties, "nda_rejected", headline, body), |nda| Letter::NdaRejected {
            nda,
            with_reason: *with_reason,
        })
    }
}

impl Tells for NdaWithdrawn {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let parties = &envelope.event.parties;
        let headline = format!("An NDA request for “{}” was withdrawn", title(parties));
        vec![owner_only_in_app(parties, bell(parties, "nda_withdrawn", headline, None))]
    }
}

impl Tells for NdaSigned {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, expires_at, .. } = &envelope.event;
        let headline = format!("The NDA for “{}” was signed", title(parties));
        let bell = bell(parties, "nda_signed", headline, "The protected part can now be read by the signer.");
        to_owner(parties, bell, |nda| Letter::NdaSigned { nda, expires_at: *expires_at })
    }
}

impl Tells for NdaRevoked {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, was_signed, revoked_by } = &envelope.event;
        let headline = format!("The NDA for “{}” was revoked", title(parties));
        let body = was_signed.then_some("Your access to the protected part has ended.");
        let mut notices =
            to_requester(parties, bell(parties, "nda_revoked", headline.clone(), body), |nda| {
                Letter::NdaRevoked { nda, was_signed: *was_signed }
            });
        if *revoked_by != parties.owner_id {
            notices.push(owner_only_in_app(
                parties,
                bell(parties, "nda_revoked", headline, "Pitchey's staff revoked it."),
            ));
        }
        notices
    }
}

impl Tells for NdaExpired {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, was } = &envelope.event;
        let title = title(parties);
        let (ended, requester, owner) = match was.as_str() {
            "pending" => (
                Ended::Unanswered,
                format!("Your NDA request for “{title}” got no answer"),
                format!("An NDA request for “{title}” ended without your answer"),
            ),
            "approved" => (
                Ended::Unsigned,
                format!("The NDA for “{title}” was not signed in time"),
                format!("The NDA for “{title}” was not signed in time"),
            ),
            _ => (
                Ended::Over,
                format!("Your access to “{title}” has ended"),
                format!("An NDA for “{title}” has ended"),
            ),
        };
        let mut notices = to_requester(parties, bell(parties, "nda_expired", requester, None), |nda| {
            Letter::NdaExpired { nda, ended }
        });
        notices.push(owner_only_in_app(parties, bell(parties, "nda_expired", owner, None)));
        notices
    }
}

impl Tells for NdaAnswerDue {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, expires_at } = &envelope.event;
        let headline = format!("An NDA request for “{}” waits for your answer", title(parties));
        to_owner(parties, bell(parties, "nda_reminder", headline, None), |nda| Letter::NdaReminder {
            nda,
            expires_at: *expires_at,
        })
    }
}

impl Tells for NdaExpiring {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { parties, status, expires_at } = &envelope.event;
        let (title, day) = (title(parties), expires_at.format("%-d %B %Y"));
        let to_be_signed = status == "approved";
        let headline = if to_be_signed {
            format!("The NDA for “{title}” waits for your signature until {day}")
        } else {
            format!("Your access to “{title}” ends on {day}")
        };
        to_requester(parties, bell(parties, "nda_expiring", headline, None), |nda| Letter::NdaExpiring {
            nda,
            to_be_signed,
            expires_at: *expires_at,
        })
    }
}
