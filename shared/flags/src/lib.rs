#![doc = include_str!("../README.md")]

mod memory;
mod rule;

pub use memory::Flags;
pub use rule::Rule;

pitchey_events::words! {
    /// Everything that can be switched.
    Flag {
        /// See its meaning.
        ChargeCredits = "charge_credits",
    }
}

impl Flag {
    /// What it does, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ChargeCredits => {
                "What costs credits is charged for: NDA requests, conversations, publishing, promotion, files. Off: it is free."
            }
        }
    }

    /// What holds while nothing else is known: no row, or nobody to ask.
    pub const fn default(self) -> bool {
        match self {
            // What was given away can't be had back; what was charged can.
            Self::ChargeCredits => true,
        }
    }
}
