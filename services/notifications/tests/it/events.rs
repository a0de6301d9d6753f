use std::collections::{BTreeMap, BTreeSet};

use pitchey_bus::outbox::Traced;
use pitchey_bus::{Listeners, Plan, Tap};
use pitchey_clock::Clock;
use pitchey_events::*;
use pitchey_testkit::TestDatabase;
use uuid::Uuid;

use crate::app::{World, address, parties};

#[tokio::test(flavor = "multi_thread")]
async fn it_consumes_what_the_catalogue_says() {
    let world = World::new().await;
    let databases = world.db.databases(Service::Notifications).await;
    let consumes = pitchey_notifications::consumes(&world.settings, databases, Clock::system()).unwrap();
    let disagreements = consumes.disagreements(Service::Notifications, &Listeners::new(), &Plan::default());
    assert_eq!(disagreements, Vec::<String>::new());
}

/// What each event tells the owner (o) and the requester (r): `o mail template`, `o bell kind`.
const TOLD: &[(&str, &[&str])] = &[
    (UserRegistered::TYPE, &["o mail verify-email"]),
    (EmailVerificationRequested::TYPE, &["o mail verify-email"]),
    (EmailVerified::TYPE, &["o mail welcome", "o bell welcome"]),
    (PasswordResetRequested::TYPE, &["o mail password-reset"]),
    (PasswordChanged::TYPE, &["o mail password-changed", "o bell password_changed"]),
    (SessionStarted::TYPE, &["o mail new-login", "o bell new_login"]),
    (NdaRequested::TYPE, &["o mail nda-requested", "o bell nda_requested"]),
    (NdaApproved::TYPE, &["r mail nda-approved", "r bell nda_approved"]),
    (NdaRejected::TYPE, &["r mail nda-rejected", "r bell nda_rejected"]),
    (NdaWithdrawn::TYPE, &["o bell nda_withdrawn"]),
    (NdaSigned::TYPE, &["o mail nda-signed", "o bell nda_signed"]),
    (NdaRevoked::TYPE, &["r mail nda-revoked", "r bell nda_revoked"]),
    (NdaExpired::TYPE, &["r mail nda-expired", "r bell nda_expired", "o bell nda_expired"]),
    (NdaAnswerDue::TYPE, &["o mail nda-reminder", "o bell nda_reminder"]),
    (NdaExpiring::TYPE, &["r mail nda-expiring", "r bell nda_expiring"]),
    (DeletionRequested::TYPE, &["o mail account-deleted"]),
    (DeletionCancelled::TYPE, &["o bell account_kept"]),
    (DataExportReady::TYPE, &["o mail data-export-ready", "o bell data_export_ready"]),
    (PitchCommented::TYPE, &["o bell pitch_commented"]),
    (InvestmentTracked::TYPE, &["o bell investment_tracked"]),
    (ReportResolved::TYPE, &["r mail report-outcome", "r bell report_resolved"]),
    (CreditsPurchased::TYPE, &["r bell credits_purchased"]),
    (PaymentSucceeded::TYPE, &["r mail payment-receipt", "r bell payment_succeeded"]),
    (PaymentFailed::TYPE, &["r mail payment-failed", "r bell payment_failed"]),
    (PaymentRefunded::TYPE, &["r bell payment_refunded"]),
    (SubscriptionChanged::TYPE, &["r mail subscription-changed", "r bell subscription_changed"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_together_is_told_together_in_its_order_and_each_in_its_own_trace() {
    const COMMENTS: i64 = 40;
    let trace = |comment: i64| format!("00-{:032x}-00f067aa0ba902b7-01", 0x1000 + comment);
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex Rivera").await.id;
    let author_id = world.person(UserType::Investor, "Sarah Johnson").await.id;
    let app = world.start().await;
    let mut tap = Tap::open(&app.world.settings.broker).await.unwrap();
    let comments = (1..=COMMENTS).map(|comment_id| Traced {
        event: PitchCommented {
            pitch_id: PitchId(42),
            owner_id: owner,
            pitch_title: "The Lighthouse".to_owned(),
            comment_id,
            author_id,
        },
        traceparent: Some(trace(comment_id)),
    });
    app.emit_all(&comments.collect::<Vec<_>>()).await;
    let mut traces = BTreeSet::from_iter((1..=COMMENTS).map(trace));
    let told = async {
        while !traces.is_empty() {
            let seen = tap.next().await.unwrap();
            if seen.event_type == NotificationCreated::TYPE {
                let trace = seen.traceparent.unwrap();
                assert!(traces.remove(&trace), "{trace}: another's, or a second one");
            }
        }
    };
    tokio::time::timeout(pitchey_testkit::SOON, told)
        .await
        .expect("a notification in the trace of each comment");
    let world = app.drained().await;
    let out_of_order = "SELECT count(*) FROM (
        SELECT data->>'commentId' AS comment, lag(data->>'commentId') OVER (PARTITION BY created_at ORDER BY id) AS before
        FROM notifications
    ) AS rows WHERE before::bigint > comment::bigint";
    assert_eq!(
        world.number(out_of_order).await,
        0,
        "told together, a person's are in the order of the events"
    );
    let moments = world.number("SELECT count(DISTINCT created_at) FROM notifications").await;
    assert!(moments < COMMENTS / 2, "{moments} transactions for {COMMENTS} events");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_tells_its_people_once_however_often_it_arrives() {
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex Rivera").await.id;
    let requester = world.person(UserType::Investor, "Sarah Johnson").await.id;
    let app = world.start().await;
    let at = Clock::system().now();
    let mut ids = BTreeMap::new();
    macro_rules! twice {
        ($($event:expr),+ $(,)?) => {$({
            let event = $event;
            let id = app.emit(&event).await;
            app.emit_again(id, &event).await;
            ids.insert(id, type_of(&event));
        })+};
    }
    let promised = || {
        let request = MailRequestId(Uuid::now_v7());
        app.world.accounts.promises(request, "the-token", owner);
        request
    };
    let parties = || parties(owner, requester, "The Lighthouse");
    let session_id = SessionId(Uuid::new_v4());
    twice![
        UserRegistered { user_id: owner, user_type: UserType::Creator, mail_request_id: promised() },
        EmailVerificationRequested { user_id: owner, mail_request_id: promised() },
        EmailVerified { user_id: owner, user_type: UserType::Creator },
        PasswordResetRequested { user_id: owner, mail_request_id: promised() },
        PasswordChanged { user_id: owner },
        SessionStarted { user_id: owner, session_id, device_known: false },
        NdaRequested { parties: parties(), with_message: true },
        NdaApproved { parties: parties(), by_policy: false, sign_until: at },
        NdaRejected { parties: parties(), with_reason: true },
        NdaWithdrawn { parties: parties() },
        NdaSigned { parties: parties(), signed_at: at, expires_at: Some(at) },
        NdaRevoked { parties: parties(), was_signed: true, revoked_by: owner },
        NdaExpired { parties: parties(), was: "pending".to_owned() },
        NdaAnswerDue { parties: parties(), expires_at: at },
        NdaExpiring { parties: parties(), status: "signed".to_owned(), expires_at: at },
        DeletionRequested { user_id: owner, deleted_from: at },
        DeletionCancelled { user_id: owner },
        DataExportReady { user_id: owner, export_id: 9, mail_request_id: promised(), expires_at: at },
        PitchCommented {
            pitch_id: PitchId(42),
            owner_id: owner,
            pitch_title: "The Lighthouse".to_owned(),
            comment_id: 3,
            author_id: requester,
        },
        InvestmentTracked {
            investment_id: InvestmentId(4),
            pitch_id: PitchId(42),
            pitch_title: "The Lighthouse".to_owned(),
            owner_id: owner,
            investor_id: requester,
        },
        ReportResolved {
            report_id: 5,
            reporter_id: requester,
            target_type: "pitch".to_owned(),
            target_id: 42,
            outcome: "upheld".to_owned(),
        },
        CreditsPurchased { user_id: requester, credits: 10, balance: 12, transaction_id: 6 },
        PaymentSucceeded {
            user_id: requester,
            transaction_id: 6,
            amount_cents: 1_499,
            currency: "EUR".to_owned(),
            description: "10 credits".to_owned(),
            invoice_number: "2026-000042".to_owned(),
            paid_at: at,
        },
        PaymentFailed {
            user_id: requester,
            transaction_id: 7,
            amount_cents: 1_499,
            currency: "EUR".to_owned(),
            description: "10 credits".to_owned(),
            for_plan: false,
        },
        PaymentRefunded {
            user_id: requester,
            transaction_id: 6,
            amount_cents: 1_499,
            currency: "EUR".to_owned(),
            invoice_number: "2026-000043".to_owned(),
        },
        SubscriptionChanged {
            user_id: requester,
            version: 1,
            tier: Tier::Pro,
            previous_tier: Tier::Free,
            status: "active".to_owned(),
            billing_interval: None,
            started_at: None,
            current_period_end: None,
            cancel_at_period_end: false,
            grace_until: None,
            customer_id: None,
            subscription_id: None,
        },
    ];
    app.world.all_settled().await;
    let sent = TOLD.iter().flat_map(|(_, told)| *told).filter(|told| told.contains(" mail ")).count();
    pitchey_testkit::wait_until("all mails", pitchey_testkit::SOON, async || app.mails().await.len() >= sent)
        .await;
    let world = app.drained().await;
    world.all_settled().await;

    for (event_id, event_type) in ids {
        let who = |column: &str| {
            format!("CASE {column} WHEN {owner} THEN 'o' WHEN {requester} THEN 'r' ELSE {column}::text END")
        };
        let found = world
            .text(&format!(
                "SELECT string_agg(told, ',' ORDER BY told) FROM (
                     SELECT {} || ' bell ' || type AS told FROM notifications WHERE event_id = '{event_id}'
                     UNION ALL
                     SELECT {} || ' mail ' || template FROM email_queue WHERE dedupe_key LIKE '{event_id}/%' AND status = 'sent'
                 ) AS all_told",
                who("user_id"),
                who("user_id"),
            ))
            .await;
        let (_, told) = TOLD.iter().find(|(name, _)| *name == event_type).unwrap();
        let mut told = told.to_vec();
        told.sort_unstable();
        assert_eq!(found, told.join(","), "{event_type}");
    }
    assert_eq!(world.number("SELECT count(*) FROM email_queue").await, sent as i64);
    assert_eq!(world.number("SELECT count(*) FROM email_events WHERE event = 'sent'").await, sent as i64);
    assert_eq!(
        world.number("SELECT count(*) FROM inbox WHERE consumer = 'notifications'").await,
        TOLD.len() as i64
    );
}

fn type_of<E: Event>(_: &E) -> &'static str {
    E::TYPE
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_again_and_again_is_told_once() {
    let world = World::standing_still().await;
    let owner = world.person(UserType::Creator, "Alex").await;
    let other = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    let preferences = serde_json::json!({ "pitchViews": "instant" });
    app.client.put("/api/email/preferences").as_(&owner).json(&preferences).send().await.ok();
    let (pitch_id, owner_id, title) = (PitchId(42), owner.id, || "The Lighthouse".to_owned());
    let message = |message_id, sender_id: UserId, recipients: &[UserId], kind: &str| MessageSent {
        message_id: MessageId(message_id),
        conversation_id: ConversationId(8),
        conversation_type: "direct".to_owned(),
        sender_id,
        recipient_ids: recipients.to_vec(),
        message_type: kind.to_owned(),
    };
    for _ in 0..2 {
        app.emit(&UserFollowed { user_id: owner_id, follower_id: other }).await;
        app.emit(&PitchFollowed { pitch_id, owner_id, pitch_title: title(), follower_id: other }).await;
        app.emit(&PitchLiked { pitch_id, owner_id, pitch_title: title(), user_id: other }).await;
        app.emit(&CreditsLow { user_id: owner_id, balance: 4 }).await;
        app.emit(&message(1, other, &[owner_id], "text")).await;
    }
    for views in 1..=3 {
        let (owner_id, pitch_title) = (Some(owner_id), Some(title()));
        app.emit(&PitchViewsCounted { pitch_id, views, version: views, owner_id, pitch_title }).await;
    }
    app.emit(&PitchViewsCounted {
        pitch_id: PitchId(43),
        views: 1,
        version: 1,
        owner_id: None,
        pitch_title: None,
    })
    .await;
    // Nobody is told of his own doings, nor of what the platform writes itself.
    app.emit(&PitchLiked { pitch_id, owner_id, pitch_title: title(), user_id: owner_id }).await;
    app.emit(&message(2, owner_id, &[owner_id], "text")).await;
    app.emit(&message(3, other, &[owner_id], "system")).await;
    let world = app.drained().await;
    let told = "SELECT string_agg(type, ', ' ORDER BY type) FROM notifications";
    assert_eq!(
        world.text(told).await,
        "credits_low, message_received, new_follower, pitch_followed, pitch_liked"
    );
    let mails = "SELECT string_agg(template, ', ' ORDER BY template) FROM (
                     SELECT template FROM email_queue UNION ALL SELECT template FROM email_requests) AS mails";
    assert_eq!(
        world.text(mails).await,
        "credits-low, message-received, new-follower, new-follower, pitch-viewed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messaging_hears_of_each_notification() {
    let world = World::new().await;
    let emitted = pitchey_testkit::Emitted::watch(&world.db).await;
    let owner = world.person(UserType::Creator, "Alex").await.id;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    emitted.ignore::<NdaRequested>();
    let app = world.start().await;
    let event = NdaRequested { parties: parties(owner, requester, "The Lighthouse"), with_message: true };
    let id = app.emit(&event).await;
    app.emit_again(id, &event).await;
    app.mail_to(owner, "nda-requested").await;
    let world = app.drained().await;
    let told: NotificationCreated = emitted.take().await;
    assert_eq!(told.user_id, owner);
    assert_eq!(
        (told.kind.as_str(), told.title.as_str()),
        ("nda_requested", "New NDA request for “The Lighthouse”")
    );
    assert_eq!(told.body.as_deref(), Some("It came with a message."));
    assert_eq!((told.data["ndaId"], told.data["pitchId"]), (7, 42));
    assert_eq!(world.number("SELECT id FROM notifications").await, told.notification_id);
    drop(emitted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_from_a_known_device_tells_nobody() {
    let world = World::new().await;
    let user = world.person(UserType::Creator, "Alex").await.id;
    let app = world.start().await;
    app.emit(&SessionStarted { user_id: user, session_id: SessionId(Uuid::new_v4()), device_known: true })
        .await;
    let world = app.drained().await;
    assert_eq!(world.number("SELECT count(*) FROM inbox WHERE consumer = 'notifications'").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM notifications").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM email_requests").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM email_queue").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_by_an_admin_is_told_to_the_owner_too() {
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex").await.id;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let admin = world.db.operator().await.id;
    let app = world.start().await;
    let parties = parties(owner, requester, "The Lighthouse");
    app.emit(&NdaRevoked { parties, was_signed: true, revoked_by: admin }).await;
    app.mail_to(requester, "nda-revoked").await;
    let world = app.drained().await;
    let told = world.text("SELECT string_agg(user_id::text, ',' ORDER BY user_id) FROM notifications").await;
    assert_eq!(told, format!("{owner},{requester}"));
    assert_eq!(
        world.queue().await.iter().map(|mail| &mail.to_email).collect::<Vec<_>>(),
        [&address(requester)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_is_the_database() {
    let db = TestDatabase::create().await;
    pitchey_testkit::schema::assert_matches(&db, Service::Notifications, include_str!("../../src/schema.rs"))
        .await;
}
