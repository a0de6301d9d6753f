use pitchey_config::Trust;
use secrecy::SecretString;

pitchey_config::settings! {
    /// Where RabbitMQ is, and how much this process takes from it at a time.
    pub struct Broker {
        /// URL with this service's account: `amqp://user:password@host:5672/vhost`. Without `?heartbeat=` it is 10 seconds.
        /// `amqps://...` asks for TLS.
        pub url: SecretString,
        /// Begins the name of every exchange and queue. For tests: with a prefix, queues go away by themselves.
        pub prefix: String = String::new(),
        /// Transactions of event handlers at the same time; each takes a connection of the system pool.
        pub handlers: usize = 4,
        /// Deliveries held at most, waiting ones included.
        pub prefetch: u16 = 128,
        /// Events published before the relay waits for the confirms of all of them.
        pub window: u16 = 512,
        /// Who may vouch for RabbitMQ.
        pub trust: Trust = Trust::default(),
    }
}

impl Broker {
    /// The defaults, for the broker at `url` and names that begin with `prefix`.
    pub fn new(url: impl Into<SecretString>, prefix: impl Into<String>) -> Self {
        let (url, prefix) = (url.into(), prefix.into());
        Self { url, prefix, handlers: 4, prefetch: 128, window: 512, trust: Trust::default() }
    }
}
