//! pitchey-identity
