//! pitchey-telemetry
