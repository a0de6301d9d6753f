use pitchey_events::{
    DataExportReady, DeletionCancelled, DeletionRequested, EmailVerificationRequested, EmailVerified,
    Envelope, PasswordChanged, PasswordResetRequested, SessionStarted, UserId, UserRegistered,
};

use super::{Bell, Notice, Tells};
use crate::mail::Letter;

fn mail(to: UserId, letter: Letter) -> Vec<Notice> {
    vec![Notice::by_mail(to, letter)]
}

fn mail_and_bell(to: UserId, letter: Letter, kind: &'static str, title: &str, body: &str) -> Vec<Notice> {
    vec![Notice::both(to, Bell::new(kind, title).saying(body), letter)]
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

impl Tells for DeletionRequested {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, deleted_from } = envelope.event;
        // Once the account is erased nobody knows the address any more, so this is the last mail.
        mail(user_id, Letter::AccountDeleted { deleted_from })
    }
}

impl Tells for DeletionCancelled {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let bell = Bell::new("account_kept", "Your account stays")
            .saying("You logged in within the days of grace, so it will not be deleted.");
        vec![Notice::in_app(envelope.event.user_id, bell)]
    }
}

impl Tells for DataExportReady {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, export_id, mail_request_id, expires_at } = envelope.event;
        let bell = Bell::new("data_export_ready", "The copy of your data is ready")
            .saying(format!("It can be fetched until {}.", expires_at.format("%-d %B %Y")))
            .about("exportId", export_id);
        vec![Notice::both(user_id, bell, Letter::DataExportReady { export_id, mail_request_id, expires_at })]
    }
}
