//! pitchey-ctl
