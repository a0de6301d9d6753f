//! pitchey-bus
