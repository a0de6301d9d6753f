//! The hot queries use their indexes, as the role that asks them.

use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer};
use pitchey_events::{ConversationId, Service, UserId};
use pitchey_testkit::{Plan, TestDatabase};

use super::{conversations, frames, messages};

/// Somebody with a long conversation, many short ones and many frames.
async fn busy(db: &TestDatabase) -> UserId {
    let (me, other) = (db.investor().await.id, db.investor().await.id);
    db.execute(&format!(
        "INSERT INTO conversations (id, type) SELECT n, 'group' FROM generate_series(1, 300) AS n;
         INSERT INTO conversation_participants (conversation_id, user_id) SELECT id, {me} FROM conversations WHERE id % 3 = 0
         UNION ALL SELECT id, {other} FROM conversations;
         INSERT INTO messages (conversation_id, sender_id, encrypted_content)
         SELECT CASE WHEN n % 2 = 0 THEN 3 ELSE 1 + n % 300 END, {other}, repeat('x', 200) FROM generate_series(1, 20000) AS n;
         INSERT INTO socket_streams (user_id, last_seq) VALUES ({me}, 1000), ({other}, 20000);
         INSERT INTO socket_frames (user_id, seq, type, event, message_id, conversation_id)
         SELECT {me}, n, 'message', 'new', n, 3 FROM generate_series(1, 1000) AS n
         UNION ALL SELECT {other}, n, 'message', 'new', n, 3 FROM generate_series(1, 20000) AS n;
         ANALYZE conversations, conversation_participants, messages, socket_streams, socket_frames"
    ))
    .await;
    me
}

#[tokio::test]
async fn history_counts_and_frames_are_found_by_index() {
    let db = TestDatabase::create().await;
    let me = busy(&db).await;
    let databases = db.databases(Service::Messaging).await;
    let mut tx = databases.user.begin(Some(me)).await.unwrap();

    let plan = Plan::of(&mut tx, messages::page(ConversationId(3), Some(15_000), 20)).await;
    plan.assert_uses_index("messages_conversation_id_id_idx");
    plan.assert_never_sorts();

    let unread = sql_query(conversations::UNREAD).bind::<Integer, _>(me.0).bind::<BigInt, _>(1_000);
    let plan = Plan::of(&mut tx, unread).await;
    plan.assert_never_scans("conversation_participants");
    plan.assert_never_scans("messages");

    let after = |seen: i64| {
        sql_query(frames::AFTER)
            .bind::<Array<Integer>, _>(vec![me.0])
            .bind::<Array<BigInt>, _>(vec![seen])
            .bind::<Array<BigInt>, _>(vec![100])
    };
    let plan = Plan::of(&mut tx, after(900)).await;
    plan.assert_uses_index("socket_frames_pkey");
    plan.assert_never_scans("messages");
    tx.commit().await.unwrap();

    let mut tx = databases.system.begin().await.unwrap();
    let plan = Plan::of(&mut tx, after(900)).await;
    plan.assert_uses_index("socket_frames_pkey");
    plan.assert_never_scans("messages");
    plan.assert_never_scans("conversation_participants");
}
