use pitchey_events::UserId;
use pitchey_rpc::Error;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_token_is_the_same_on_every_call() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let one = app.notifications.mail_token(ada.mail).await.unwrap();
    assert_eq!(app.notifications.mail_token(ada.mail).await.unwrap(), one);
    assert_eq!((one.recipient.name.as_str(), one.token.len()), ("ada", 43));
    let bob = app.register("creator", "bob").await;
    assert_ne!(app.notifications.mail_token(bob.mail).await.unwrap().token, one.token);
    app.db.execute("UPDATE users SET banned_at = now()").await;
    assert!(matches!(app.notifications.mail_token(ada.mail).await, Err(Error::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_notifications_learns_addresses_and_mail_tokens() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    assert!(matches!(app.gateway.mail_token(ada.mail).await, Err(Error::Refused { .. })));
    assert!(matches!(app.gateway.recipients(&[ada.id]).await, Err(Error::Refused { .. })));
    assert!(matches!(app.notifications.authenticate([0; 32]).await, Err(Error::Refused { .. })));

    app.db.execute("UPDATE users SET first_name = 'Ada'").await;
    let recipients = app.notifications.recipients(&[ada.id, UserId(999_999)]).await.unwrap();
    assert_eq!(recipients.len(), 1);
    assert_eq!((recipients[0].email.as_str(), recipients[0].name.as_str()), ("ada@example.test", "Ada"));
    assert!(recipients[0].active);
    app.db.execute("UPDATE users SET banned_at = now()").await;
    assert!(!app.notifications.recipients(&[ada.id]).await.unwrap()[0].active);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_by_ids_are_public_and_leave_out_who_is_not_there() {
    let app = App::start().await;
    let (ada, bob) = (app.register("creator", "ada").await, app.register("investor", "bob").await);
    let mut users = app.gateway.users_by_ids(&[bob.id, ada.id, UserId(999_999)]).await.unwrap();
    users.sort_by_key(|user| user.id);
    assert_eq!(users.iter().map(|user| user.username.as_str()).collect::<Vec<_>>(), ["ada", "bob"]);
    let shown = app.client.get(&format!("/api/users/{}", ada.id)).send().await.expect(200).json;
    assert_eq!(serde_json::to_value(&users[0]).unwrap(), shown, "one projection, whichever door");
    assert_eq!(app.gateway.users_by_ids(&[]).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_knows_a_block_from_either_side() {
    let app = App::start().await;
    let (ada, bob) = (app.register("creator", "ada").await.id, app.register("investor", "bob").await.id);
    assert!(!app.gateway.relation(ada, bob).await.unwrap().blocked);
    app.db.execute(&format!("INSERT INTO user_blocks (blocker_id, blocked_id) VALUES ({bob}, {ada})")).await;
    for (one, other) in [(ada, bob), (bob, ada)] {
        let relation = app.gateway.relation(one, other).await.unwrap();
        assert_eq!((relation.user.id, relation.other.id, relation.blocked), (one, other, true));
    }
    let nobody = app.gateway.relation(ada, UserId(999_999)).await;
    assert!(matches!(nobody, Err(Error::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_told_as_it_is_now_and_its_use_is_noted_rarely() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let last_activity = async || app.text("SELECT last_activity_at FROM sessions").await.unwrap();
    let before = last_activity().await;
    app.session(&ada.token).await.unwrap();
    assert_eq!(last_activity().await, before);
    app.pass("6 minutes").await;
    let before = last_activity().await;
    app.db.execute("UPDATE users SET email_verified = true, company_verified = true").await;
    let session = app.session(&ada.token).await.unwrap();
    assert!(session.actor.email_verified && session.actor.company_verified);
    assert!(last_activity().await > before);
    assert_eq!(app.session("pitchey_at_nobodys").await, None);
    assert_eq!(app.session(&ada.refresh).await, None, "a refresh token is no access token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_revokes_ends_the_session_with_its_commit_and_not_before() {
    use diesel_async::SimpleAsyncConnection;

    let app = App::start().await;
    let ada = app.creator("ada").await;
    let mut connection = app.db.connect_as("pitchey_accounts_system").await;
    let revoke = "BEGIN; UPDATE sessions SET ended_at = now(), end_reason = 'revoked'";
    connection.batch_execute(revoke).await.unwrap();
    assert!(app.session(&ada.token).await.is_some());
    connection.batch_execute("COMMIT").await.unwrap();
    assert_eq!(app.session(&ada.token).await, None);
}
