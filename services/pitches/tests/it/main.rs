//! Behaviour of the pitches service over real HTTP, Postgres, RabbitMQ and gRPC.
