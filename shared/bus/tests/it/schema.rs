//! The bus knows its tables as they are.

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use crate::world::World;

#[tokio::test]
async fn the_tables_are_as_the_code_believes() {
    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        spelled: String,
    }
    let world = World::new().await;
    let columns: Vec<Column> = sql_query(
        "SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END AS spelled
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN ('outbox', 'inbox', 'seen_versions')
         ORDER BY table_name, ordinal_position",
    )
    .load(&mut world.database.admin().await)
    .await
    .unwrap();
    let columns: Vec<_> = columns.iter().map(|column| column.spelled.as_str()).collect();
    assert_eq!(
        columns,
        [
            "inbox.consumer text",
            "inbox.event_id uuid",
            "inbox.received_at timestamp with time zone",
            "outbox.producer text",
            "outbox.id bigint",
            "outbox.event_id uuid",
            "outbox.event_type text",
            "outbox.subject text",
            "outbox.subject_version bigint null",
            "outbox.traceparent text null",
            "outbox.tracestate text null",
            "outbox.payload jsonb",
            "outbox.occurred_at timestamp with time zone",
            "outbox.attempts integer",
            "outbox.next_attempt_at timestamp with time zone null",
            "seen_versions.consumer text",
            "seen_versions.subject text",
            "seen_versions.version bigint",
        ]
    );
}
