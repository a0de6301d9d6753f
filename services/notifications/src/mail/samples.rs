//! One of each mail, for who writes templates: shown by `ctl mail preview`, and held by snapshot tests.

use chrono::{DateTime, Utc};
use pitchey_events::{MailRequestId, NdaId, PitchId, Tier, UserId, UserType};
use pitchey_rpc::PublicUser;
use uuid::Uuid;

use super::digest::{Digest, Line};
use super::letter::{Agreement, Amount, Category, Ended, Letter, Named};
use super::render::{self, Placeholders, Rendered, Renderer};
use crate::store::email_digests::Rhythm;

/// A mail as somebody could get it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Its template, and which of its branches: `nda-expired over`.
    pub case: &'static str,
    /// Subject.
    pub subject: &'static str,
    /// The plain part.
    pub text: String,
    /// The rich part.
    pub html: String,
}

/// The address of the platform can't be used, or a template is broken.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoPreview(String);

/// All mails, with links that begin with `public_url`.
///
/// # Errors
/// `public_url` is no place, or a template fails.
pub fn previews(public_url: &str) -> Result<Vec<Preview>, NoPreview> {
    const TITLE: &str = "The Lighthouse";
    let renderer = Renderer::new(public_url).map_err(|error| NoPreview(error.to_string()))?;
    let other = sarah("Sarah", Some("Johnson Ventures"));
    let preview = |case, rendered: Result<Rendered, minijinja::Error>| {
        let Rendered { subject, text, html } =
            rendered.map_err(|error| NoPreview(format!("{case}: {error:#}")))?;
        Ok(Preview { case, subject, text, html })
    };
    let letters = letters(TITLE).into_iter().map(|(case, letter)| {
        let placeholders = placeholders(letter.category());
        preview(case, renderer.render(&letter, "Alex Rivera", Some(&other), &placeholders))
    });
    let digests = digests(TITLE).into_iter().map(|(case, digest)| {
        preview(case, renderer.render_digest(&digest, &placeholders(Category::DailyDigest)))
    });
    letters.chain(digests).collect()
}

/// What a mail of `category` has in the places of its tokens.
pub(super) fn placeholders(category: Category) -> Placeholders {
    Placeholders {
        token: Some("TOKEN".to_owned()),
        unsubscribe: (category != Category::Transactional).then(|| "UNSUBSCRIBE".to_owned()),
    }
}

/// When everything in them happens.
pub(super) fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_363_445, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

pub(super) fn agreement(title: &str) -> Agreement {
    Agreement { id: NdaId(7), pitch_id: PitchId(42), pitch_title: title.to_owned(), other: UserId(2) }
}

/// The other party.
pub(super) fn sarah(first_name: &str, company: Option<&str>) -> PublicUser {
    PublicUser {
        id: UserId(2),
        username: "sarah".to_owned(),
        user_type: UserType::Investor,
        first_name: Some(first_name.to_owned()),
        last_name: Some("Johnson".to_owned()),
        location: None,
        bio: None,
        profile_image: None,
        avatar_url: None,
        company_name: company.map(str::to_owned),
        company_website: None,
        website: None,
        email_verified: true,
        company_verified: true,
        is_active: true,
        subscription_tier: Tier::Free,
        created_at: at(),
        updated_at: at(),
    }
}

/// One of each, and more where a template has branches.
pub(super) fn letters(title: &str) -> Vec<(&'static str, Letter)> {
    let mail_request_id = MailRequestId(Uuid::nil());
    let nda = || agreement(title);
    let pitch = || Named { id: PitchId(42), title: title.to_owned() };
    let money = || (Amount::new(1_499, "eur"), "10 credits".to_owned());
    let plan = |tier, previous_tier, ends_at, grace_until| Letter::SubscriptionChanged {
        tier,
        previous_tier,
        ends_at,
        grace_until,
    };
    let failed = |for_plan| Letter::PaymentFailed { amount: money().0, description: money().1, for_plan };
    vec![
        ("verify-email", Letter::VerifyEmail { mail_request_id }),
        ("password-reset", Letter::PasswordReset { mail_request_id }),
        ("welcome creator", Letter::Welcome { user_type: UserType::Creator }),
        ("welcome production", Letter::Welcome { user_type: UserType::Production }),
        ("welcome viewer", Letter::Welcome { user_type: UserType::Viewer }),
        ("password-changed", Letter::PasswordChanged { at: at() }),
        ("new-login", Letter::NewLogin { at: at() }),
        ("account-deleted", Letter::AccountDeleted { deleted_from: at() }),
        ("data-export-ready", Letter::DataExportReady { export_id: 9, mail_request_id, expires_at: at() }),
        ("nda-requested", Letter::NdaRequested { nda: nda(), with_message: false }),
        ("nda-requested with message", Letter::NdaRequested { nda: nda(), with_message: true }),
        ("nda-approved", Letter::NdaApproved { nda: nda(), sign_until: at() }),
        ("nda-rejected", Letter::NdaRejected { nda: nda(), with_reason: false }),
        ("nda-rejected with reason", Letter::NdaRejected { nda: nda(), with_reason: true }),
        ("nda-signed", Letter::NdaSigned { nda: nda(), expires_at: Some(at()) }),
        ("nda-signed for ever", Letter::NdaSigned { nda: nda(), expires_at: None }),
        ("nda-revoked signed", Letter::NdaRevoked { nda: nda(), was_signed: true }),
        ("nda-revoked unsigned", Letter::NdaRevoked { nda: nda(), was_signed: false }),
        ("nda-expiring signed", Letter::NdaExpiring { nda: nda(), to_be_signed: false, expires_at: at() }),
        ("nda-expiring unsigned", Letter::NdaExpiring { nda: nda(), to_be_signed: true, expires_at: at() }),
        ("nda-expired unanswered", Letter::NdaExpired { nda: nda(), ended: Ended::Unanswered }),
        ("nda-expired unsigned", Letter::NdaExpired { nda: nda(), ended: Ended::Unsigned }),
        ("nda-expired over", Letter::NdaExpired { nda: nda(), ended: Ended::Over }),
        ("nda-reminder", Letter::NdaReminder { nda: nda(), expires_at: at() }),
        ("message-received", Letter::MessageReceived { conversation_id: 5, from: UserId(2) }),
        ("pitch-viewed", Letter::PitchViewed { pitch: pitch(), views: 17 }),
        ("new-follower", Letter::NewFollower { follower: UserId(2), pitch: None }),
        ("new-follower of a pitch", Letter::NewFollower { follower: UserId(2), pitch: Some(pitch()) }),
        ("followed-creator-published", Letter::FollowedCreatorPublished { pitch: pitch(), owner: UserId(2) }),
        (
            "payment-receipt",
            Letter::PaymentReceipt {
                amount: money().0,
                description: money().1,
                invoice_number: "2026-000042".to_owned(),
                paid_at: at(),
            },
        ),
        ("payment-failed", failed(false)),
        ("payment-failed for a plan", failed(true)),
        ("credits-low", Letter::CreditsLow { balance: 4 }),
        ("subscription-changed", plan(Tier::Pro, Tier::Free, None, None)),
        ("subscription-changed ends", plan(Tier::Pro, Tier::Pro, Some(at()), None)),
        ("subscription-changed overdue", plan(Tier::Pro, Tier::Pro, None, Some(at()))),
        ("report-outcome upheld", Letter::ReportOutcome { about_pitch: true, upheld: true }),
        ("report-outcome dismissed", Letter::ReportOutcome { about_pitch: false, upheld: false }),
    ]
}

/// One of each rhythm.
pub(super) fn digests(title: &str) -> Vec<(&'static str, Digest)> {
    let other = sarah("Sarah", Some("Johnson Ventures"));
    let told = ["nda-requested", "message-received", "pitch-viewed", "new-follower", "credits-low"];
    let line = |(_, letter): (_, Letter)| {
        let other = letter.other().map(|_| &other);
        render::line(&letter, other, letter.pitch().map(|(_, title)| title))
    };
    let lines: Vec<Line> =
        letters(title).into_iter().filter(|(case, _)| told.contains(case)).map(line).collect();
    let unread = Line {
        what: format!("Somebody likes “{title}”"),
        title: None,
        who: None,
        path: "/notifications".to_owned(),
        pitch_id: Some(PitchId(42)),
    };
    let name = || "Alex Rivera".to_owned();
    vec![
        (
            "daily-digest",
            Digest { rhythm: Rhythm::Daily, name: name(), lines: lines.clone(), unread: Vec::new(), more: 3 },
        ),
        (
            "weekly-digest",
            Digest { rhythm: Rhythm::Weekly, name: name(), lines, unread: vec![unread.clone()], more: 0 },
        ),
        (
            "weekly-digest unread only",
            Digest { rhythm: Rhythm::Weekly, name: name(), lines: Vec::new(), unread: vec![unread], more: 0 },
        ),
    ]
}
