//! `ctl keys`: the keys that lie in the database, and the master keys over them.

use clap::Subcommand;
use diesel_async::SimpleAsyncConnection;
use pitchey_messaging::keys::{self, MasterKeys};
use secrecy::SecretString;

use crate::cli::Database;
use crate::{Failure, migrate};

/// What to do with them.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Wrap the keys of all conversations with the first of MESSAGING_MASTER_KEYS, while everything runs.
    ///
    /// To replace a master key: put the new one in front of the old one, restart messaging, rotate, drop the old one.
    Rotate {
        /// Where they are.
        #[command(flatten)]
        database: Database,
    },
}

pitchey_config::settings! {
    /// The part of messaging's settings that wraps keys.
    pub(crate) struct Wrapping {
        /// As in the service's own settings.
        pub(crate) master_keys: SecretString,
    }
}

/// The master keys as messaging has them.
pub(crate) fn master() -> Result<MasterKeys, Failure> {
    let keys = pitchey_config::load::<Wrapping>("messaging")?.master_keys;
    MasterKeys::new(&keys).map_err(|error| Failure::Usage(format!("MESSAGING_MASTER_KEYS: {error}")))
}

pub(crate) async fn run(command: Keys) -> Result<(), Failure> {
    let Keys::Rotate { database } = command;
    let keys = master()?;
    let mut connection = migrate::connect(&database.url).await?;
    connection.batch_execute("SET ROLE pitchey_owner").await?;
    let count =
        keys::rotate(&mut connection, &keys).await.map_err(|error| Failure::Failed(error.to_string()))?;
    println!("wrapped {count} keys again");
    Ok(())
}
