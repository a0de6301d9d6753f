//! The bus with a real Postgres and a real RabbitMQ. The oracle of most tests is a ledger: every committed command's event is applied
//! exactly once.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

mod batches;
mod broadcasts;
mod dead_letters;
mod delivery;
mod events;
mod faults;
mod outbox;
mod relay;
mod retries;
mod routing;
mod schema;
mod speed;
mod world;
