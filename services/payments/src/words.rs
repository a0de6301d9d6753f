//! The enumerations of this service: one spelling in JSON and SQL.

use diesel::sql_types::VarChar;
use pitchey_db::words;

words! {
    /// Why the ledger changed.
    LedgerKind: VarChar {
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
    Reason: VarChar {
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
    HoldStatus: VarChar {
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
    /// Why something that has a price was free.
    Free: VarChar {
        /// Credits were not charged to this user then.
        Flag = "flag",
        /// The user's plan has it.
        Plan = "plan",
        /// It was among the first ones.
        Allowance = "allowance",
    }
}

words! {
    /// What a movement of money was.
    TransactionType: VarChar {
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
    TransactionStatus: VarChar {
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
    Dispute: VarChar {
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
    SubscriptionStatus: VarChar {
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
    Interval: VarChar {
        /// Monthly.
        Month = "month",
        /// Yearly.
        Year = "year",
    }
}

words! {
    /// What an invoice is.
    InvoiceKind: VarChar {
        /// Money came in.
        Invoice = "invoice",
        /// Money went back.
        CreditNote = "credit_note",
    }
}

words! {
    /// Who takes the money.
    ProviderName: VarChar {
        /// Stripe.
        Stripe = "stripe",
        /// Nobody: development.
        Local = "local",
    }
}
