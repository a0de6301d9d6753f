//! The enumerations of this service: one spelling in JSON and SQL.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::VarChar;
use serde::{Serialize, Serializer};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow, utoipa::ToSchema)]
        #[diesel(sql_type = VarChar)]
        pub enum $name { $($(#[$vdoc])* #[schema(rename = $word)] $variant),+ }

        impl $name {
            /// Every value.
            #[allow(dead_code, reason = "not every enumeration is walked")]
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling of this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value spelled so.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl ToSql<VarChar, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(self.as_str().as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl FromSql<VarChar, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                let word = std::str::from_utf8(value.as_bytes())?;
                Self::parse(word).ok_or_else(|| format!("{word} is no {}", stringify!($name)).into())
            }
        }
    };
}

words! {
    /// Why the ledger changed.
    LedgerKind {
        /// Given by the platform: welcome, monthly.
        Grant = "grant",
        /// Bought.
        Purchase = "purchase",
        /// Set aside.
        Hold = "hold",
        /// What was set aside is spent.
        Capture = "capture",
        /// What was set aside is back.
        Release = "release",
        /// What was spent is back.
        Refund = "refund",
        /// Spent at once.
        Usage = "usage",
        /// What is left of a monthly grant ended with the next.
        Expire = "expire",
        /// Taken back because the money went back, or given again because it came.
        Adjust = "adjust",
    }
}

words! {
    /// What credits are spent on.
    Reason {
        /// Asking for access to a pitch.
        NdaRequest = "nda_request",
        /// The first message of a conversation.
        Conversation = "conversation",
        /// Publishing a pitch for the first time.
        PitchPublish = "pitch_publish",
        /// Showing a pitch among the featured.
        Promotion = "promotion",
        /// A text document.
        MediaText = "media_text",
        /// A document with pictures.
        MediaPictures = "media_pictures",
        /// One more image.
        MediaExtraImage = "media_extra_image",
        /// A link to a video.
        MediaVideoLink = "media_video_link",
    }
}

words! {
    /// Where a hold stands.
    HoldStatus {
        /// Nobody confirmed it yet.
        Tentative = "tentative",
        /// What it is for exists.
        Firm = "firm",
        /// Spent.
        Captured = "captured",
        /// Back, unspent.
        Released = "released",
        /// Back, after it was spent.
        Refunded = "refunded",
        /// Back, because nobody confirmed it in time; somebody still may.
        Lapsed = "lapsed",
    }
}

words! {
    /// What a movement of money was.
    TransactionType {
        /// For a plan.
        Subscription = "subscription",
        /// For a package of credits.
        Credits = "credits",
        /// Money that went back.
        Refund = "refund",
        /// Money that a bank took back.
        Dispute = "dispute",
    }
}

words! {
    /// How it stands.
    TransactionStatus {
        /// Not paid yet.
        Pending = "pending",
        /// Paid; for a refund or a dispute: final.
        Completed = "completed",
        /// It did not go through; it still may.
        Failed = "failed",
        /// All of it went back.
        Refunded = "refunded",
        /// Some of it went back.
        PartiallyRefunded = "partially_refunded",
        /// A bank has taken it back, for now or for good.
        Disputed = "disputed",
        /// A dispute that was won: the money is here again.
        Cancelled = "cancelled",
    }
}

words! {
    /// How a dispute stands.
    Dispute {
        /// Not decided; the money is away.
        Open = "open",
        /// The money is back.
        Won = "won",
        /// The money is gone.
        Lost = "lost",
    }
}

words! {
    /// How a subscription stands, in the provider's words.
    SubscriptionStatus {
        /// The first payment is missing.
        Incomplete = "incomplete",
        /// The first payment never came.
        IncompleteExpired = "incomplete_expired",
        /// In use without a payment so far.
        Trialing = "trialing",
        /// In use.
        Active = "active",
        /// A payment is overdue.
        PastDue = "past_due",
        /// A payment is overdue and not tried any more.
        Unpaid = "unpaid",
        /// Not in use, not ended.
        Paused = "paused",
        /// Ended.
        Canceled = "canceled",
    }
}

impl SubscriptionStatus {
    /// Whether it can still become or be something.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

words! {
    /// How often a plan is paid.
    Interval {
        /// Monthly.
        Month = "month",
        /// Yearly.
        Year = "year",
    }
}

words! {
    /// What an invoice is.
    InvoiceKind {
        /// Money came in.
        Invoice = "invoice",
        /// Money went back.
        CreditNote = "credit_note",
    }
}

words! {
    /// Who takes the money.
    ProviderName {
        /// Stripe.
        Stripe = "stripe",
        /// Nobody: development.
        Local = "local",
    }
}
