//! Identifiers and enumerations that cross service boundaries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl From<$inner> for $name {
            fn from(id: $inner) -> Self {
                Self(id)
            }
        }

        impl From<$name> for $inner {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = <$inner as FromStr>::Err;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// A row of `users`.
    UserId(i32)
}
id! {
    /// A row of `pitches`.
    PitchId(i32)
}
id! {
    /// A row of `ndas`.
    NdaId(i32)
}
id! {
    /// A row of `media_files`.
    MediaId(i32)
}
id! {
    /// A row of `investments`.
    InvestmentId(i32)
}
id! {
    /// A row of `conversations`.
    ConversationId(i32)
}
id! {
    /// A row of `messages`.
    MessageId(i64)
}
id! {
    /// A row of `sessions`.
    SessionId(Uuid)
}
id! {
    /// A mail that accounts promised, and the token in it: a row of `mail_tokens`.
    MailRequestId(Uuid)
}
id! {
    /// A credit hold, named by whoever asks for it.
    HoldKey(Uuid)
}

/// An enumeration with one spelling, in JSON, SQL and protobuf alike. Attributes before its name, such as further derives, are kept.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name { $($(#[$variant_meta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value.
            #[allow(dead_code, reason = "not every enumeration is walked")]
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling of this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::UnknownWord> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err($crate::UnknownWord) }
            }
        }
    };
}
pub(crate) use words;

/// The text is none of the enumeration's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not one of the allowed values")
    }
}

impl std::error::Error for UnknownWord {}

words! {
    /// What a user came for. Admin is a flag beside it, never a type.
    UserType {
        /// Writes pitches.
        Creator = "creator",
        /// A company that both writes pitches and buys them.
        Production = "production",
        /// Buys into pitches.
        Investor = "investor",
        /// Looks around; the default.
        Viewer = "viewer",
    }
}

words! {
    /// The plan a user is on.
    Tier {
        /// No plan.
        Free = "free",
        /// For creators.
        Creator = "creator",
        /// For production companies.
        Pro = "pro",
        /// For investors.
        Investor = "investor",
    }
}

words! {
    /// The length and weight of the agreement.
    NdaType {
        /// Valid for 365 days.
        Basic = "basic",
        /// Valid for 730 days.
        Enhanced = "enhanced",
        /// The owner's own document and period.
        Custom = "custom",
    }
}
