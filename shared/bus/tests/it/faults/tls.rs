//! The broker by TLS.

use std::sync::Arc;

use pitchey_bus::{Broker, Tap};
use pitchey_config::Trust;
use pitchey_testkit::{Authority, SOON, Server, Servers};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::alone;
use crate::world::World;

async fn refusal(url: &str, trust: &Trust) -> String {
    let settings = Broker { trust: trust.clone(), ..Broker::new(url.to_owned(), "tls.".to_owned()) };
    match Tap::open(&settings).await {
        Ok(_) => panic!("{url} let us in"),
        Err(why) => why.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_go_from_outbox_to_handler_by_tls_alone() {
    let _alone = alone().await;
    let servers = Servers::start_secure().await;
    let world = World::on(&servers).await;
    let trust = Trust::new(std::fs::read(servers.authorities()).unwrap()).unwrap();
    let settings = Broker { trust, ..world.settings() };
    let (producer, databases) = world.producer_with(&settings).await;
    let consumer = world.consumer_with(&settings).await;
    // More than a window, and bodies longer than a record of TLS in sum.
    world.commands(&databases, 0..2_000).await;
    world.applied(2_000, SOON * 3).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    let effects = world.effects(pitchey_events::Service::Notifications).await;
    assert_eq!((effects.len(), world.count("outbox").await), (2_000, 0));
    assert!(effects.values().all(|times| *times == 1), "once each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_nobody_vouches_for_is_not_spoken_to() {
    let _alone = alone().await;
    let servers = Servers::start_one_secure(Server::RabbitMq).await;
    let url = servers.amqp_url();
    let why = refusal(url, &Authority::new().trust()).await;
    assert!(why.contains("invalid peer certificate") && !why.contains("name"), "{why}");
    let why = refusal(url, &Trust::default()).await;
    assert!(why.contains("PITCHEY_TLS__AUTHORITIES"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_another_name_or_no_tls_hears_no_password() {
    let authority = Authority::new();
    let server = authority.certificate("elsewhere.example").server().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(Arc::new(server)).accept(stream).await.map(|_| ())
    });
    let why = refusal(&format!("amqps://pitchey:secret@localhost:{port}/%2f"), &authority.trust()).await;
    assert!(why.contains("not valid for name"), "{why}");
    assert!(accepted.await.unwrap().is_err(), "the handshake ended before a word was said");

    let plain = pitchey_testkit::Broker::new().url.replace("amqp://", "amqps://");
    let why = refusal(&plain, &authority.trust()).await;
    assert!(why.contains("broker"), "{why}");
}
