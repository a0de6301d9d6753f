use pitchey_events::Service::{self, Accounts, Analytics, Messaging, Notifications, Payments, Pitches};
use reqwest::Method;

use crate::world::{Stub, World};

/// Every path of the API, with who serves it.
const MATRIX: &[(Service, &str, &str)] = &[
    (
        Accounts,
        "POST",
        "/api/auth/login /api/auth/creator/login /api/auth/investor/login /api/auth/production/login",
    ),
    (Accounts, "POST", "/api/auth/register /api/auth/creator/register /api/auth/investor/register"),
    (Accounts, "POST", "/api/auth/production/register /api/auth/forgot-password /api/auth/reset-password"),
    (Accounts, "POST", "/api/auth/verify-email /api/auth/resend-verification /api/auth/change-password"),
    (Accounts, "POST", "/api/auth/logout /api/auth/session/refresh"),
    (Accounts, "GET", "/api/auth/session /api/user/profile /api/user/preferences /api/user/sessions"),
    (Accounts, "PUT", "/api/user/profile /api/user/preferences /api/gdpr/consents"),
    (Accounts, "DELETE", "/api/user/sessions/0197 /api/user/account /api/users/7/block"),
    (
        Accounts,
        "GET",
        "/api/users/7 /api/users/username/alex /api/users/username/follow /api/search/users?q=a",
    ),
    (Accounts, "GET", "/api/users/username/followers /api/users/username/following"),
    (Accounts, "POST", "/api/users/7/block /api/gdpr/requests"),
    (
        Accounts,
        "GET",
        "/api/users/blocked /api/gdpr/requests /api/gdpr/exports/7 /api/gdpr/consents /api/audit/logs",
    ),
    (Accounts, "POST", "/api/admin/users/7/suspend /api/admin/users/7/reinstate /api/admin/users/7/ban"),
    (Accounts, "GET", "/api/admin/users /api/admin/company-verifications"),
    (Accounts, "POST", "/api/admin/company-verifications/7"),
    (Pitches, "POST", "/api/users/7/follow"),
    (Pitches, "DELETE", "/api/users/7/follow /api/pitches/7/like /api/pitches/7/comments/1 /api/watchlist/7"),
    (Pitches, "GET", "/api/users/7/followers /api/users/7/following /api/user/followers /api/user/following"),
    (
        Pitches,
        "GET",
        "/api/pitches /api/pitches/7 /api/pitches/public /api/pitches/public/7 /api/pitches/trending",
    ),
    (
        Pitches,
        "GET",
        "/api/pitches/featured /api/pitches/recommended /api/pitches/following /api/pitches/search?q=x",
    ),
    (
        Pitches,
        "GET",
        "/api/pitches/batch?ids=1,2 /api/search/advanced /api/pitches/7/versions /api/pitches/7/versions/2",
    ),
    (
        Pitches,
        "GET",
        "/api/pitches/7/likes /api/pitches/7/comments /api/pitches/7/share-link /api/pitches/7/access-log",
    ),
    (Pitches, "POST", "/api/pitches /api/pitches/7/publish /api/pitches/7/unpublish /api/pitches/7/hide"),
    (Pitches, "POST", "/api/pitches/7/promote /api/pitches/batch/archive /api/pitches/batch/delete"),
    (
        Pitches,
        "POST",
        "/api/pitches/7/like /api/pitches/7/comments /api/pitches/7/report /api/pitches/7/share",
    ),
    (Pitches, "PUT", "/api/pitches/7 /api/pitches/7/comments/1 /api/ndas/policy"),
    (Pitches, "PATCH", "/api/pitches/7"),
    (Pitches, "DELETE", "/api/pitches/7"),
    (
        Pitches,
        "POST",
        "/api/ndas/request /api/ndas/7/approve /api/ndas/7/reject /api/ndas/7/sign /api/ndas/7/withdraw",
    ),
    (Pitches, "POST", "/api/ndas/7/revoke /api/ndas/7/remind /api/ndas/bulk-approve /api/ndas/bulk-reject"),
    (
        Pitches,
        "GET",
        "/api/ndas?role=incoming /api/ndas/signed /api/ndas/stats /api/ndas/7 /api/ndas/7/document",
    ),
    (
        Pitches,
        "GET",
        "/api/ndas/7/receipt /api/ndas/7/verify /api/ndas/pitch/7/status /api/ndas/pitch/7/can-request",
    ),
    (Pitches, "GET", "/api/ndas/policy /api/investments /api/watchlist /.well-known/pitchey-keys"),
    (Pitches, "GET", "/api/proofs/checkpoint /api/proofs/inclusion/abc /api/proofs/consistency?from=1&to=2"),
    (Pitches, "POST", "/api/investments/track /api/media/upload /api/watchlist /api/admin/pitches/7/hide"),
    (Pitches, "GET", "/api/admin/reports"),
    (Pitches, "POST", "/api/admin/reports/7/resolve"),
    (Messaging, "GET", "/api/messages/conversations /api/messages/unread-count /api/conversations/7?limit=2"),
    (Messaging, "GET", "/api/ws/token /ws?ticket=t /api/poll?since=4"),
    (
        Messaging,
        "POST",
        "/api/messages/send /api/messages/7/read /api/conversations /api/conversations/7/messages",
    ),
    (Messaging, "POST", "/api/conversations/7/read /api/conversations/7/typing /api/conversations/7/archive"),
    (Messaging, "POST", "/api/conversations/7/participants"),
    (Messaging, "PUT", "/api/messages/7"),
    (Messaging, "DELETE", "/api/messages/7"),
    (Payments, "GET", "/api/payments/credits/balance /api/payments/credits/ledger /api/payments/plans"),
    (Payments, "GET", "/api/payments/packages /api/payments/subscription-status /api/payments/history"),
    (Payments, "GET", "/api/payments/export?format=csv"),
    (
        Payments,
        "POST",
        "/api/payments/credits/purchase /api/payments/subscribe /api/payments/cancel-subscription",
    ),
    (Payments, "POST", "/api/webhooks/stripe"),
    (Analytics, "POST", "/api/analytics/track /api/views/track /api/export"),
    (
        Analytics,
        "GET",
        "/api/analytics/user /api/creator/dashboard /api/investor/dashboard /api/production/dashboard",
    ),
    (Analytics, "GET", "/api/pitches/7/analytics?timeframe=7d /api/pitches/7/views"),
    (Notifications, "GET", "/api/notifications/list /api/notifications/unread /api/email/preferences"),
    (
        Notifications,
        "POST",
        "/api/notifications/7/read /api/notifications/read-all /api/email/unsubscribe/tok",
    ),
    (Notifications, "POST", "/api/webhooks/email"),
    (Notifications, "PUT", "/api/email/preferences"),
    (Notifications, "GET", "/dev/mails?to=a@b.c"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_path_of_the_api_goes_to_who_serves_it() {
    let services = [Accounts, Pitches, Messaging, Payments, Analytics, Notifications].map(Stub::echo);
    let stubs: Vec<_> = services.iter().collect();
    let world = World::build().with(&stubs).set("mode", "development").start().await;
    for (service, method, paths) in MATRIX {
        for path in paths.split_whitespace() {
            let method: Method = method.parse().unwrap();
            let answer = world.client.request(method.clone(), path).send().await.expect(200);
            assert_eq!(answer["service"], service.as_str(), "{path}");
            assert_eq!((&answer["path"], &answer["method"]), (&path.into(), &method.as_str().into()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_nobody_owns_do_not_exist() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    for path in [
        "/",
        "/metrics",
        "/openapi.json",
        "/api",
        "/api/",
        "/api/nothing",
        "/api/pitchesque",
        "/pitches/health",
        "/health/../metrics",
        "//api/pitches",
        "/API/pitches",
        "/api%2fpitches",
        "/wsx",
        "/api/search",
        "/api/creator",
        "/api/webhooks/other",
        "/api/config",
        "/dev/mails",
    ] {
        world.client.get(path).send().await.refused(404, "not_found");
    }
    assert!(pitches.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_do_not_exist_yet_are_unavailable() {
    let world = World::build().start().await;
    let answer =
        world.client.get("/api/messages/conversations").send().await.refused(503, "service_unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
    world.client.post("/api/payments/subscribe").send().await.refused(503, "service_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_services_keep_to_themselves_is_never_routed() {
    let services = [Accounts, Pitches, Notifications].map(Stub::echo);
    let stubs: Vec<_> = services.iter().collect();
    let world = World::build().with(&stubs).start().await;
    world.client.get("/metrics").send().await.refused(404, "not_found");
    world.client.get("/openapi.json").send().await.refused(404, "not_found");
    let health = world.client.get("/health").send().await.expect(200);
    assert_eq!(health["services"]["pitches"], "healthy");
    assert!(
        services.iter().all(|stub| stub.seen().is_empty()),
        "the health pages of services are asked, not routed to"
    );
    let metrics = pitchey_testkit::http()
        .build()
        .unwrap()
        .get(format!("http://{}/metrics", world.gateway.internal_address()))
        .send()
        .await
        .unwrap();
    assert_eq!(metrics.status(), 200);
}
