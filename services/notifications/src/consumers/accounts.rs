use pitchey_events::{
    EmailVerificationRequested, EmailVerified, Envelope, PasswordChanged, PasswordResetRequested,
    SessionStarted, UserId, UserRegistered,
};
use serde_json::json;

use super::{Bell, Notice, Tells};
use crate::mail::Letter;

fn mail(to: UserId, letter: Letter) -> Vec<Notice> {
    vec![Notice { to, bell: None, letter: Some(letter) }]
}

fn mail_and_bell(to: UserId, letter: Letter, kind: &'static str, title: &str, body: &str) -> Vec<Notice> {
    let bell = Bell { kind, title: title.to_owned(), body: Some(body.to_owned()), data: json!({}) };
    vec![Notice { to, bell: Some(bell), letter: Some(letter) }]
}

impl Tells for UserRegistered {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, mail_request_id, .. } = envelope.event;
        mail(user_id, Letter::VerifyEmail { mail_request_id })
    }
}

impl Tells for EmailVerificationRequested {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, mail_request_id } = envelope.event;
        mail(user_id, Letter::VerifyEmail { mail_request_id })
    }
}

impl Tells for EmailVerified {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, user_type } = envelope.event;
        mail_and_bell(
            user_id,
            Letter::Welcome { user_type },
            "welcome",
            "Welcome to Pitchey",
            "Your e-mail address is verified.",
        )
    }
}

impl Tells for PasswordResetRequested {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, mail_request_id } = envelope.event;
        mail(user_id, Letter::PasswordReset { mail_request_id })
    }
}

impl Tells for PasswordChanged {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        mail_and_bell(
            envelope.event.user_id,
            Letter::PasswordChanged { at: envelope.occurred_at },
            "password_changed",
            "Your password was changed",
            "All other sessions have ended. If it was not you, reset your password now.",
        )
    }
}

impl Tells for SessionStarted {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        if envelope.event.device_known {
            return Vec::new();
        }
        mail_and_bell(
            envelope.event.user_id,
            Letter::NewLogin { at: envelope.occurred_at },
            "new_login",
            "New log-in to your account",
            "Somebody logged in from a device we had not seen before. If it was not you, change your password now.",
        )
    }
}
