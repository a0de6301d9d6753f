use diesel_async::SimpleAsyncConnection;
use pitchey_db::Tx;
use pitchey_events::{Service, UserId};
use pitchey_testkit::TestDatabase;

use crate::ask;

/// A table whose rows belong to somebody.
struct Secured {
    service: Service,
    table: &'static str,
    /// Makes a row of `{me}`; it may concern `{other}`, and `{pitch}` of `{other}`.
    insert: &'static str,
    /// Which rows `{me}` may see.
    mine: &'static str,
}

const SECURED: [Secured; 29] = [
    Secured {
        service: Service::Accounts,
        table: "sessions",
        insert: "INSERT INTO sessions (user_id, token, expires_at, access_expires_at) VALUES ({me}, gen_random_uuid(), now(), now())",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Pitches,
        table: "genre_readings",
        insert: "INSERT INTO genre_readings (user_id, genre, times, last_at) VALUES ({me}, 'drama', 1, now())",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Accounts,
        table: "user_preferences",
        insert: "INSERT INTO user_preferences (user_id) VALUES ({me})",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Accounts,
        table: "user_consents",
        insert: "INSERT INTO user_consents (user_id, purpose, document_version, granted) VALUES ({me}, 'terms', '1', true)",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Accounts,
        table: "user_blocks",
        insert: "INSERT INTO user_blocks (blocker_id, blocked_id) VALUES ({me}, {other})",
        mine: "blocker_id = {me}",
    },
    Secured {
        service: Service::Accounts,
        table: "user_totp",
        insert: "INSERT INTO user_totp (user_id, secret) VALUES ({me}, 'sealed')",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Accounts,
        table: "user_recovery_codes",
        insert: "INSERT INTO user_recovery_codes (user_id, digest) VALUES ({me}, sha256('{me}'))",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Accounts,
        table: "data_requests",
        insert: "INSERT INTO data_requests (user_id, kind) VALUES ({me}, 'export')",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Accounts,
        table: "data_export_chunks",
        insert: "INSERT INTO data_export_chunks (data_request_id, user_id, number, content) SELECT id, user_id, 0, 'sealed' FROM data_requests WHERE user_id = {me}",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Pitches,
        table: "ndas",
        insert: "INSERT INTO ndas (pitch_id, pitch_version, owner_id, requester_id, nda_type) VALUES ({pitch}, 1, {other}, {me}, 'basic')",
        mine: "{me} IN (requester_id, owner_id)",
    },
    Secured {
        service: Service::Pitches,
        table: "nda_policies",
        insert: "INSERT INTO nda_policies (user_id) VALUES ({me})",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Pitches,
        table: "investments",
        insert: "INSERT INTO investments (investor_id, pitch_id, amount_cents) VALUES ({me}, {pitch}, 100)",
        mine: "investor_id = {me}",
    },
    Secured {
        service: Service::Messaging,
        table: "conversations",
        insert: "INSERT INTO conversations (type, title, created_by) VALUES ('group', 'of {me}', {me})",
        mine: "id IN (SELECT conversation_id FROM conversation_participants WHERE user_id = {me})",
    },
    Secured {
        service: Service::Messaging,
        table: "conversation_participants",
        insert: "INSERT INTO conversation_participants (conversation_id, user_id) SELECT id, {me} FROM conversations WHERE title = 'of {me}';
                 INSERT INTO conversation_participants (conversation_id, user_id) SELECT id, {other} FROM conversations WHERE title = 'of {me}'",
        mine: "conversation_id IN (SELECT conversation_id FROM conversation_participants WHERE user_id = {me})",
    },
    Secured {
        service: Service::Messaging,
        table: "messages",
        insert: "INSERT INTO messages (conversation_id, sender_id, content) SELECT id, {me}, 'hello' FROM conversations WHERE title = 'of {me}'",
        mine: "conversation_id IN (SELECT conversation_id FROM conversation_participants WHERE user_id = {me})",
    },
    Secured {
        service: Service::Messaging,
        table: "message_read_receipts",
        insert: "INSERT INTO message_read_receipts (message_id, user_id) SELECT id, {me} FROM messages WHERE sender_id = {me}",
        mine: "message_id IN (SELECT messages.id FROM messages JOIN conversation_participants USING (conversation_id) WHERE user_id = {me})",
    },
    Secured {
        service: Service::Messaging,
        table: "conversation_keys",
        insert: "INSERT INTO conversation_keys (conversation_id, wrapped_key, master_key) SELECT id, 's1.k.x', 'k' FROM conversations WHERE title = 'of {me}'",
        mine: "conversation_id IN (SELECT conversation_id FROM conversation_participants WHERE user_id = {me})",
    },
    Secured {
        service: Service::Messaging,
        table: "message_rates",
        insert: "INSERT INTO message_rates (user_id, full_at) VALUES ({me}, now())",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Messaging,
        table: "socket_streams",
        insert: "INSERT INTO socket_streams (user_id) VALUES ({me})",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Messaging,
        table: "socket_frames",
        insert: "INSERT INTO socket_frames (user_id, seq, type, event) VALUES ({me}, 1, 'receipt', 'read')",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Payments,
        table: "transactions",
        insert: "INSERT INTO transactions (user_id, type, amount) VALUES ({me}, 'credits', 1999)",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Payments,
        table: "credits",
        insert: "INSERT INTO credits (user_id) VALUES ({me})",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Payments,
        table: "credit_holds",
        insert: "INSERT INTO credit_holds (key, user_id, reason, amount, tentative_until, created_at, updated_at)
                 VALUES (gen_random_uuid(), {me}, 'nda_request', 10, now(), now(), now())",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Payments,
        table: "credit_ledger",
        insert: "INSERT INTO credit_ledger (user_id, kind, amount, balance_after, idempotency_key, created_at)
                 VALUES ({me}, 'grant', 10, 10, gen_random_uuid(), now())",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Payments,
        table: "subscriptions",
        insert: "INSERT INTO subscriptions (user_id, provider, provider_id, status, as_of, created_at, updated_at)
                 VALUES ({me}, 'local', gen_random_uuid(), 'active', now(), now(), now())",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Payments,
        table: "user_plans",
        insert: "INSERT INTO user_plans (user_id, updated_at) VALUES ({me}, now())",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Payments,
        table: "invoices",
        insert: "INSERT INTO invoices (user_id, transaction_id, year, sequence, kind, amount, currency, description, issued_at)
                 SELECT {me}, id, 2026, {me}, 'invoice', 1999, 'EUR', '', now() FROM transactions WHERE user_id = {me}",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Notifications,
        table: "notifications",
        insert: "INSERT INTO notifications (user_id, event_id, type, title) VALUES ({me}, gen_random_uuid(), 'nda_approved', 'Approved')",
        mine: "user_id = {me}",
    },
    Secured {
        service: Service::Notifications,
        table: "email_preferences",
        insert: "INSERT INTO email_preferences (user_id) VALUES ({me})",
        mine: "user_id = {me}",
    },
];

/// Two users, each with somebody else and with rows in every table; the two pairs have nothing to do with each other.
struct World {
    db: TestDatabase,
    people: [Person; 2],
}

struct Person {
    me: UserId,
    other: UserId,
    pitch: String,
}

impl Person {
    fn fill(&self, sql: &str) -> String {
        sql.replace("{me}", &self.me.to_string())
            .replace("{other}", &self.other.to_string())
            .replace("{pitch}", &self.pitch)
    }
}

impl World {
    async fn new() -> Self {
        let db = TestDatabase::create().await;
        let people = [Self::person(&db).await, Self::person(&db).await];
        for person in &people {
            for secured in &SECURED {
                db.execute(&person.fill(secured.insert)).await;
            }
        }
        Self { db, people }
    }

    async fn person(db: &TestDatabase) -> Person {
        let (me, other) = (db.investor().await.id, db.creator().await.id);
        Person { me, other, pitch: db.pitch(other).await.to_string() }
    }
}

/// Every row that `tx` sees, as text.
async fn rows(tx: &mut Tx, table: &str) -> Vec<String> {
    ask::texts(tx, &format!("SELECT {table}::text AS answer FROM {table} ORDER BY 1")).await.unwrap()
}

#[tokio::test]
async fn the_list_of_secured_tables_is_the_databases_own() {
    let db = TestDatabase::create().await;
    let secured = "SELECT relname::text AS answer FROM pg_class
                   WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = 'public'::regnamespace ORDER BY 1";
    let found = ask::texts(&mut db.admin().await, secured).await.unwrap();
    let mut listed: Vec<_> = SECURED.iter().map(|secured| secured.table).collect();
    listed.sort_unstable();
    assert_eq!(found, listed);

    let half_secured =
        "SELECT relname::text AS answer FROM pg_class WHERE relrowsecurity <> relforcerowsecurity";
    assert_eq!(ask::texts(&mut db.admin().await, half_secured).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_user_sees_the_own_rows_and_nobody_sees_none() {
    let world = World::new().await;
    for Secured { service, table, mine, .. } in &SECURED {
        let databases = world.db.databases(*service).await;
        let mut nobody = databases.user.begin(None).await.unwrap();
        assert_eq!(rows(&mut nobody, table).await, Vec::<String>::new(), "{table} without a user");
        nobody.commit().await.unwrap();

        let mut seen = Vec::new();
        for person in &world.people {
            let mine =
                format!("SELECT {table}::text AS answer FROM {table} WHERE {} ORDER BY 1", person.fill(mine));
            let expected = ask::texts(&mut world.db.admin().await, &mine).await.unwrap();
            let mut tx = databases.user.begin(Some(person.me)).await.unwrap();
            let found = rows(&mut tx, table).await;
            tx.commit().await.unwrap();
            assert!(!found.is_empty(), "{table}: the test has arranged no row");
            assert_eq!(found, expected, "{table} of {}", person.me);
            assert!(found.iter().all(|row| !seen.contains(row)), "{table}: two users see the same row");
            seen.extend(found);
        }
        let everything = rows(&mut databases.system.begin().await.unwrap(), table).await;
        seen.sort();
        assert_eq!(everything.len(), seen.len(), "{table} as the system");
    }
}

#[tokio::test]
async fn a_user_can_not_write_for_another() {
    let world = World::new().await;
    let [mallory, victim] = &world.people;
    for Secured { service, table, insert, mine } in &SECURED {
        let databases = world.db.databases(*service).await;
        let before = rows(&mut databases.system.begin().await.unwrap(), table).await;

        let mut tx = databases.user.begin(Some(mallory.me)).await.unwrap();
        // What finds nothing to insert from has inserted nothing.
        if let Err(refused) = tx.batch_execute(&victim.fill(insert)).await {
            let refused = refused.to_string();
            assert!(
                refused.contains("row-level security") || refused.contains("permission denied"),
                "{table}: {refused}"
            );
        }
        let _ = tx.commit().await;

        let mut tx = databases.user.begin(Some(mallory.me)).await.unwrap();
        if let Err(refused) =
            tx.batch_execute(&format!("DELETE FROM {table} WHERE {}", victim.fill(mine))).await
        {
            assert!(refused.to_string().contains("permission denied"), "{table}: {refused}");
        }
        let _ = tx.commit().await;
        assert_eq!(rows(&mut databases.system.begin().await.unwrap(), table).await, before, "{table}");
    }
}

#[tokio::test]
async fn a_user_can_write_the_own_rows() {
    let world = World::new().await;
    let newcomer = World::person(&world.db).await;
    let only_the_system_writes = [
        "credits",
        "data_export_chunks",
        "genre_readings",
        "notifications",
        "socket_streams",
        "socket_frames",
        "credit_holds",
        "credit_ledger",
        "subscriptions",
        "user_plans",
        "invoices",
    ];
    for Secured { service, table, insert, .. } in &SECURED {
        let mut tx = world.db.databases(*service).await.user.begin(Some(newcomer.me)).await.unwrap();
        let written = tx.batch_execute(&newcomer.fill(insert)).await;
        if only_the_system_writes.contains(table) {
            assert!(written.unwrap_err().to_string().contains("permission denied"), "{table}");
        } else {
            written.unwrap_or_else(|error| panic!("{table}: {error}"));
            assert!(ask::count(&mut tx, table).await.unwrap() > 0, "{table}");
            tx.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_connection_forgets_for_whom_it_was_used() {
    let world = World::new().await;
    let [one, two] = &world.people;
    let mut settings = world.db.settings(Service::Accounts);
    settings.user_pool = 1;
    let databases = pitchey_db::Databases::open(&settings).await.unwrap();
    let of =
        async |tx: &mut Tx| ask::texts(tx, "SELECT user_id::text AS answer FROM sessions").await.unwrap();
    let backend = "pg_backend_pid()";

    let mut tx = databases.user.begin(Some(one.me)).await.unwrap();
    let pid = ask::text(&mut tx, backend).await;
    assert_eq!(of(&mut tx).await, [one.me.to_string()]);
    tx.commit().await.unwrap();

    let mut tx = databases.user.begin(Some(two.me)).await.unwrap();
    assert_eq!(of(&mut tx).await, [two.me.to_string()]);
    drop(tx);

    let mut tx = databases.user.begin(None).await.unwrap();
    assert_eq!(of(&mut tx).await, Vec::<String>::new());
    tx.rollback().await.unwrap();

    let mut connection = databases.user.connection().await.unwrap();
    assert_eq!(ask::count(&mut *connection, "sessions").await.unwrap(), 0);
    assert_eq!(ask::text(&mut *connection, backend).await, pid, "this was about one connection");
}
