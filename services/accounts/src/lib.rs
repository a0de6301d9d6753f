//! pitchey-accounts
