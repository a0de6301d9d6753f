use pitchey_events::MailRequestId;
use pitchey_rpc::PublicUser;
use serde_json::json;
use uuid::Uuid;

use super::{NAMES, Placeholders, Renderer, subject};
use crate::mail::folder::Kept;
use crate::mail::letter::{Category, Letter};
use crate::mail::pages::{mails_page, unsubscribe_page};
use crate::mail::samples::{agreement, at, digests, letters, placeholders, sarah};

#[test]
fn every_letter_reads_well() {
    let renderer = Renderer::new("https://pitchey.example/").unwrap();
    let other = sarah("Sarah", Some("Johnson Ventures"));
    let letters = letters("The Lighthouse").into_iter().map(|(case, letter)| {
        let placeholders = placeholders(letter.category());
        (case, renderer.render(&letter, "Alex Rivera", Some(&other), &placeholders).unwrap())
    });
    let digests = digests("The Lighthouse").into_iter().map(|(case, digest)| {
        (case, renderer.render_digest(&digest, &placeholders(Category::WeeklyDigest)).unwrap())
    });
    for (case, rendered) in letters.chain(digests) {
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
    named.extend(["daily-digest", "weekly-digest"]);
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
        let rendered =
            renderer.render(&letter, hostile, Some(&other), &placeholders(letter.category())).unwrap();
        assert!(
            !rendered.html.contains("<script") && !rendered.html.contains("<img"),
            "{case}: {}",
            rendered.html
        );
        assert!(!rendered.text.contains("\nBcc:"), "{case}: {}", rendered.text);
        assert!(!rendered.subject.contains("script"), "{case}");
    }
    for (case, mut digest) in digests(hostile) {
        digest.name = hostile.to_owned();
        let rendered = renderer.render_digest(&digest, &Placeholders::default()).unwrap();
        assert!(
            !rendered.html.contains("<script") && !rendered.html.contains("<img"),
            "{case}: {}",
            rendered.html
        );
        assert!(!rendered.text.contains("\nBcc:"), "{case}: {}", rendered.text);
    }
}

#[test]
fn names_and_titles_that_advertise_are_not_shown() {
    let renderer = Renderer::new("https://pitchey.example").unwrap();
    let hostile = "Win at HTTPS://spam.example or www.spam.example";
    let mut other = sarah(hostile, Some(hostile));
    let shown = |letter: &Letter, other: &PublicUser| {
        let rendered =
            renderer.render(letter, hostile, Some(other), &placeholders(letter.category())).unwrap();
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
    let rendered = renderer.render(&letter, "Alex", None, &placeholders(letter.category())).unwrap();
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

#[test]
fn only_letters_one_can_do_without_say_how_to_unsubscribe() {
    let renderer = Renderer::new("https://pitchey.example").unwrap();
    let other = sarah("Sarah", None);
    for (case, letter) in letters("The Lighthouse") {
        let placeholders = placeholders(letter.category());
        let rendered = renderer.render(&letter, "Alex", Some(&other), &placeholders).unwrap();
        let optional = letter.category() != Category::Transactional;
        for body in [&rendered.text, &rendered.html] {
            assert_eq!(body.contains("/api/email/unsubscribe/UNSUBSCRIBE"), optional, "{case}: {body}");
        }
    }
}

#[test]
fn the_page_that_unsubscribes_asks_first() {
    let page = unsubscribe_page(Category::Messages, false);
    assert!(page.contains("<form method=\"post\">") && page.contains("about messages"), "{page}");
    let page = unsubscribe_page(Category::Messages, true);
    assert!(!page.contains("<form"), "{page}");
}
