//! What the reconciliation looks at: sums over whole tables, each a number of rows that should be 0.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

/// A claim of the books, and the query that counts what contradicts it.
pub struct Claim {
    pub name: &'static str,
    sql: &'static str,
}

/// All of them.
pub const CLAIMS: [Claim; 6] = [
    Claim {
        name: "balances are the sum of the ledger",
        sql: "SELECT count(*) AS count FROM (
                  SELECT user_id, sum(amount) AS balance, sum(granted) AS granted, sum(monthly) AS monthly, sum(used) AS used, sum(bought) AS bought
                  FROM credit_ledger GROUP BY user_id) AS l
              FULL JOIN credits AS c USING (user_id)
              WHERE (coalesce(l.balance, 0), coalesce(l.granted, 0), coalesce(l.monthly, 0), coalesce(l.used, 0), coalesce(l.bought, 0))
                    IS DISTINCT FROM (c.balance::bigint, c.granted::bigint, c.monthly::bigint, c.lifetime_used::bigint, c.lifetime_purchased::bigint)",
    },
    Claim {
        name: "each hold has taken what its status says",
        sql: "SELECT count(*) AS count FROM credit_holds AS h
              LEFT JOIN (SELECT hold_key, sum(amount) AS amount, sum(used) AS used FROM credit_ledger WHERE hold_key IS NOT NULL GROUP BY hold_key) AS l
                     ON l.hold_key = h.key
              WHERE (coalesce(l.amount, 0), coalesce(l.used, 0)) IS DISTINCT FROM (CASE h.status
                  WHEN 'tentative' THEN (-h.amount::bigint, 0::bigint)
                  WHEN 'firm'      THEN (-h.amount::bigint, 0::bigint)
                  WHEN 'captured'  THEN (-h.amount::bigint, h.amount::bigint)
                  ELSE (0::bigint, 0::bigint) END)",
    },
    Claim {
        name: "each payment has given what it says",
        sql: "SELECT count(*) AS count FROM transactions AS t
              LEFT JOIN (SELECT transaction_id, sum(amount) AS amount FROM credit_ledger WHERE transaction_id IS NOT NULL GROUP BY transaction_id) AS l
                     ON l.transaction_id = t.id
              WHERE coalesce(l.amount, 0) <> t.given_credits",
    },
    Claim {
        name: "invoice numbers have no gaps",
        sql: "SELECT count(*) AS count FROM invoice_numbers AS n
              WHERE n.last <> (SELECT count(*) FROM invoices AS i WHERE i.year = n.year)",
    },
    Claim {
        name: "no hold waits for an end longer than anything it can be for",
        sql: "SELECT count(*) AS count FROM credit_holds WHERE status = 'firm' AND updated_at < $1 - interval '21 days'",
    },
    Claim {
        name: "nothing exists that was not paid",
        sql: "SELECT count(*) AS count FROM credit_holds WHERE uncovered",
    },
];

/// How many rows contradict it.
pub async fn contradictions(
    tx: &mut Tx,
    claim: &Claim,
    now: chrono::DateTime<chrono::Utc>,
) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = diesel::sql_query(claim.sql).into_boxed();
    let query =
        if claim.sql.contains("$1") { query.bind::<diesel::sql_types::Timestamptz, _>(now) } else { query };
    let found: Count = query.get_result(tx).await?;
    Ok(found.count)
}
