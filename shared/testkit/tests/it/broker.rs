use lapin::BasicProperties;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use pitchey_testkit::Broker;

#[tokio::test]
async fn a_peek_leaves_the_message_and_a_take_does_not() {
    let broker = Broker::new();
    let queue = format!("{}queue", broker.prefix);
    let (_connection, channel) = broker.channel().await;
    let exclusive = QueueDeclareOptions { auto_delete: true, ..Default::default() };
    channel.queue_declare(queue.as_str().into(), exclusive, FieldTable::default()).await.unwrap();

    broker.publish("", &queue, BasicProperties::default(), b"hello").await;
    assert_eq!(broker.peek(&queue).await.unwrap().body, b"hello");
    assert_eq!(broker.depth(&queue).await, 1);
    assert_eq!(broker.take(&queue).await.unwrap().body, b"hello");
    assert!(broker.take(&queue).await.is_none());

    broker.publish("", &queue, BasicProperties::default(), b"again").await;
    broker.purge(&queue).await;
    assert_eq!(broker.depth(&queue).await, 0);
    broker.delete(&queue).await;
    assert!(!broker.has_queue(&queue).await);
}

#[test]
fn no_two_tests_share_a_prefix() {
    assert_ne!(Broker::at("").prefix, Broker::at("").prefix);
}
