//! pitchey-notifications
