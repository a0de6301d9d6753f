//! pitchey-rpc
