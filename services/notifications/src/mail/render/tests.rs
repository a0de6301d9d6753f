use chrono::{DateTime, Utc};
use pitchey_events::{MailRequestId, NdaId, PitchId, Tier, UserId, UserType};
use pitchey_rpc::PublicUser;
use serde_json::json;
use uuid::Uuid;

use super::{NAMES, Renderer, mails_page, subject};
use crate::mail::folder::Kept;
use crate::mail::letter::{Agreement, Ended, Letter};

fn at() -> DateTime<Utc> {
    "2026-11-22T16:04:05Z".parse().unwrap()
}

fn agreement(title: &str) -> Agreement {
    Agreement { id: NdaId(7), pitch_id: PitchId(42), pitch_title: title.to_owned(), other: UserId(2) }
}

fn sarah(first_name: &str, company: Option<&str>) -> PublicUser {
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
fn letters(title: &str) -> Vec<(&'static str, Letter)> {
    let mail_request_id = MailRequestId(Uuid::nil());
    let nda = || agreement(title);
    vec![
        ("verify-email", Letter::VerifyEmail { mail_request_id }),
        ("password-reset", Letter::PasswordReset { mail_request_id }),
        ("welcome creator", Letter::Welcome { user_type: UserType::Creator }),
        ("welcome production", Letter::Welcome { user_type: UserType::Production }),
        ("welcome viewer", Letter::Welcome { user_type: UserType::Viewer }),
        ("password-changed", Letter::PasswordChanged { at: at() }),
        ("new-login", Letter::NewLogin { at: at() }),
        ("nda-requested", Letter::NdaRequested { nda: nda(), with_message: false }),
        ("nda-requested with message", Letter::NdaRequested { nda: nda(), with_message: true }),
        ("nda-approved", Letter::NdaApproved { nda: nda(), sign_until: at() }),
        ("nda-rejected", Letter::NdaRejected { nda: nda(), with_reason: false }),
        ("nda-rejected with reason", Letter::NdaRejected { nda: nda(), with_reason: true }),
        ("nda-signed", Letter::NdaSigned { nda: nda(), expires_at: Some(at()) }),
        ("nda-signed for ever", Letter::NdaSigned { nda: nda(), expires_at: None }),
        ("nda-revoked signed", Letter::NdaRevoked { nda: nda(), was_signed: true }),
        ("nda-revoked unsigned", Letter::NdaRevoked { nda: nda(), was_signed: false }),
        ("nda-expired unanswered", Letter::NdaExpired { nda: nda(), ended: Ended::Unanswered }),
        ("nda-expired unsigned", Letter::NdaExpired { nda: nda(), ended: Ended::Unsigned }),
        ("nda-expired over", Letter::NdaExpired { nda: nda(), ended: Ended::Over }),
        ("nda-reminder", Letter::NdaReminder { nda: nda(), expires_at: at() }),
    ]
}

#[test]
fn every_letter_reads_well() {
    let renderer = Renderer::new("https://pitchey.example/").unwrap();
    let other = sarah("Sarah", Some("Johnson Ventures"));
    for (case, letter) in letters("The Lighthouse") {
        let rendered = renderer.render(&letter, "Alex Rivera", Some(&other), "TOKEN").unwrap();
        let name = case.replace(' ', "_");
        insta::assert_snapshot!(
            format!("{name}.txt"),
            format!("Subject: {}\n\n{}", rendered.subject, rendered.text)
        );
        insta::assert_snapshot!(format!("{name}.html"), rendered.html);
    }
}

#[test]
fn every_template_has_its_letter() {
    let mut named: Vec<&str> = letters("x").iter().map(|(_, letter)| letter.template()).collect();
    named.dedup();
    named.sort_unstable();
    named.dedup();
    let mut all = NAMES.to_vec();
    all.sort_unstable();
    assert_eq!(named, all);
}

#[test]
fn a_letter_is_stored_under_the_name_of_its_template() {
    for (_, letter) in letters("x") {
        let stored = serde_json::to_value(&letter).unwrap();
        assert_eq!(stored["template"], letter.template());
        assert_eq!(serde_json::from_value::<Letter>(stored).unwrap(), letter);
    }
}

#[test]
fn subjects_hold_nothing_that_anybody_typed() {
    for name in NAMES {
        let subject = subject(name).unwrap();
        assert!(!subject.is_empty() && subject.is_ascii(), "{name}");
        assert!(!subject.contains(['{', '\r', '\n']), "{name}: {subject}");
    }
}

#[test]
fn hostile_names_and_titles_are_only_text() {
    let renderer = Renderer::new("https://pitchey.example").unwrap();
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ home }}\r\n\r\nBcc: everybody@example.com";
    let other = sarah(hostile, Some(hostile));
    for (case, letter) in letters(hostile) {
        let rendered = renderer.render(&letter, hostile, Some(&other), "TOKEN").unwrap();
        assert!(
            !rendered.html.contains("<script") && !rendered.html.contains("<img"),
            "{case}: {}",
            rendered.html
        );
        assert!(!rendered.text.contains("\nBcc:"), "{case}: {}", rendered.text);
        assert!(!rendered.subject.contains("script"), "{case}");
    }
}

#[test]
fn names_and_titles_that_advertise_are_not_shown() {
    let renderer = Renderer::new("https://pitchey.example").unwrap();
    let hostile = "Win at HTTPS://spam.example or www.spam.example";
    let mut other = sarah(hostile, Some(hostile));
    let shown = |letter: &Letter, other: &PublicUser| {
        let rendered = renderer.render(letter, hostile, Some(other), "TOKEN").unwrap();
        assert!(!rendered.text.contains("spam"), "{}", rendered.text);
        assert!(!rendered.html.contains("spam"), "{}", rendered.html);
        rendered.text
    };
    for (_, letter) in letters(hostile) {
        shown(&letter, &other);
    }
    let reminder = Letter::NdaReminder { nda: agreement(hostile), expires_at: at() };
    let text = shown(&reminder, &other);
    assert!(text.contains("sarah asked to read the protected part of \"a pitch\"."), "{text}");
    other.username = "www.spam".to_owned();
    let text = shown(&reminder, &other);
    assert!(text.contains("Somebody asked"), "{text}");
}

#[test]
fn links_are_written_as_they_are() {
    let renderer = Renderer::new("https://pitchey.example/app/").unwrap();
    let letter = Letter::VerifyEmail { mail_request_id: MailRequestId(Uuid::nil()) };
    let rendered = renderer.render(&letter, "Alex", None, "TOKEN").unwrap();
    let link = "https://pitchey.example/app/verify-email?token=TOKEN";
    assert!(rendered.text.contains(&format!("\n{link}\n")), "{}", rendered.text);
    assert!(rendered.html.contains(&format!("href=\"{link}\"")), "{}", rendered.html);
}

#[test]
fn a_public_url_that_is_no_place_is_refused() {
    for url in ["pitchey.example", "ftp://pitchey.example", "https://pitchey.example/?a=b", ""] {
        assert!(Renderer::new(url).is_err(), "{url}");
    }
}

#[test]
fn the_development_page_shows_hostile_mails_as_text() {
    let mail: Kept = serde_json::from_value(json!({
        "id": 1, "to": "<b>@x", "subject": "<script>", "template": "welcome", "createdAt": at(),
        "text": "http://localhost/verify-email?token=abc <script>", "html": "<script>\"</script>",
    }))
    .unwrap();
    let page = mails_page(&[mail], Some("<b>@x"));
    assert!(!page.contains("<script>"), "{page}");
    assert!(page.contains("token=abc"), "{page}");
    assert!(mails_page(&[], None).contains("None yet."));
}
