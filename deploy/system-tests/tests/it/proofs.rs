//! Size. Small here; `make soak` runs the full ones.

mod uploads;
mod views;
