//! pitchey-pitches
