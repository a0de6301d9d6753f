//! pitchey-web
