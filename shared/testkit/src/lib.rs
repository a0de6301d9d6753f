//! pitchey-testkit
