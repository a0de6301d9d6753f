//! `ctl demo`: the story of one NDA, played through the gateway by three people.

use std::time::Duration;

use clap::Args;
use pitchey_bus::Tap;
use pitchey_config::Certificate;
use uuid::Uuid;

use crate::{Failure, dlq, settings};

mod audit;
mod mails;
mod person;
mod print;
mod stage;
mod story;

use person::Person;
use stage::Stage;

/// How long what usually takes milliseconds may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the story is played.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the gateway is. Default: at GATEWAY_HTTP__ADDRESS, as `make run` sets it.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// Address of the gateway, where --gateway does not say it.
    #[arg(long, hide = true, env = "GATEWAY_HTTP__ADDRESS", default_value = "127.0.0.1:8001")]
    address: String,
    /// Where events are watched.
    #[command(flatten)]
    broker: dlq::At,
    /// URL of the database, to show what the audit log says at the end.
    #[arg(
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = settings::database_url
    )]
    database: Option<String>,
}

pitchey_config::settings! {
    /// The part of the gateway's settings that says how it is spoken to.
    struct Door {
        /// As in the gateway's own settings.
        certificate: Certificate = Certificate::default(),
    }
}

impl Door {
    fn scheme(&self) -> &'static str {
        if self.certificate.server().is_some() { "https" } else { "http" }
    }
}

pub(crate) async fn run(demo: Demo) -> Result<(), Failure> {
    let gateway = match demo.gateway {
        Some(gateway) => gateway,
        None => format!("{}://{}", pitchey_config::load::<Door>("gateway")?.scheme(), demo.address),
    };
    let tap = Tap::open(&demo.broker.broker()?).await?;
    // Fresh addresses: the story can be played again and again.
    let id = Uuid::new_v4().simple().to_string();
    let run = id.get(..6).unwrap_or("000000");
    let mut stage = Stage::new(&gateway, tap, &settings::trust()?)?;
    let mut cast = [
        Person::new("Clara", "Bruun", "creator", "Lantern Pictures", run),
        Person::new("Ivo", "Marsh", "investor", "Marsh Capital", run),
        Person::new("Olga", "Stern", "investor", "Stern & Co", run),
    ];
    stage.paper.title("The story of one NDA", &gateway);
    for person in &cast {
        stage.paper.person(person);
    }
    let nda = story::play(&mut stage, &mut cast).await?;
    if let Some(url) = demo.database {
        audit::show(&mut stage, &url, &cast, nda).await?;
    }
    stage.paper.end();
    Ok(())
}
