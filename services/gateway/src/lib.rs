//! pitchey-gateway
