//! The enumerations of this service: one spelling in JSON and SQL.

use diesel::sql_types::{Text, VarChar};
use pitchey_db::words;

use crate::schema::sql_types;

words! {
    /// Where a pitch stands.
    PitchStatus: sql_types::PitchStatus {
        /// Being written.
        Draft = "draft",
        /// For everybody to find.
        Published = "published",
        /// Taken from view by its owner or a moderator.
        Hidden = "hidden",
        /// Put away.
        Archived = "archived",
    }
}

words! {
    /// Genre.
    Genre: sql_types::Genre {
        /// Drama.
        Drama = "drama",
        /// Comedy.
        Comedy = "comedy",
        /// Thriller.
        Thriller = "thriller",
        /// Horror.
        Horror = "horror",
        /// Science fiction.
        Scifi = "scifi",
        /// Fantasy.
        Fantasy = "fantasy",
        /// Documentary.
        Documentary = "documentary",
        /// Animation.
        Animation = "animation",
        /// Action.
        Action = "action",
        /// Romance.
        Romance = "romance",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Format.
    Format: sql_types::Format {
        /// Feature film.
        Feature = "feature",
        /// Television; `series` is understood too.
        Tv = "tv",
        /// Short film.
        Short = "short",
        /// Series for the web.
        Webseries = "webseries",
        /// Anything else, named by formatCategory.
        Other = "other",
    }
}

words! {
    /// Kind of agreement, as the database spells it.
    Agreement: sql_types::NdaType {
        /// Valid for 365 days.
        Basic = "basic",
        /// Valid for 730 days.
        Enhanced = "enhanced",
        /// The owner's own terms and period.
        Custom = "custom",
    }
}

words! {
    /// Where an NDA stands.
    NdaStatus: VarChar {
        /// Asked for.
        Pending = "pending",
        /// May be signed.
        Approved = "approved",
        /// The owner said no.
        Rejected = "rejected",
        /// In force.
        Signed = "signed",
        /// Time ended it.
        Expired = "expired",
        /// The requester took it back.
        Withdrawn = "withdrawn",
        /// The owner or an admin ended it.
        Revoked = "revoked",
    }
}

words! {
    /// What a file or link of a pitch is.
    MediaKind: VarChar {
        /// A picture for everybody.
        Poster = "poster",
        /// A video.
        Video = "video",
        /// Slides.
        PitchDeck = "pitch_deck",
        /// The text.
        Script = "script",
        /// Pictures of how it is to look.
        Lookbook = "lookbook",
        /// A short video.
        Trailer = "trailer",
        /// The owner's own agreement.
        CustomNda = "custom_nda",
    }
}

words! {
    /// Whose requests an owner approves automatically.
    Policy: Text {
        /// Nobody's.
        Never = "never",
        /// Those of verified buyers.
        Verified = "verified",
        /// Everybody's.
        All = "all",
    }
}

words! {
    /// Who took a pitch from view.
    HiddenBy: VarChar {
        /// Its owner, who may publish it again.
        Owner = "owner",
        /// A moderator.
        Moderator = "moderator",
    }
}

words! {
    /// Why something is reported.
    Reason: VarChar {
        /// Unwanted advertising.
        Spam = "spam",
        /// Not fit to be shown.
        Inappropriate = "inappropriate",
        /// Aimed at somebody.
        Harassment = "harassment",
        /// Somebody else's work.
        Copyright = "copyright",
        /// Not true.
        Misinformation = "misinformation",
        /// The description says.
        Other = "other",
    }
}

words! {
    /// Where a report stands.
    ReportStatus: VarChar {
        /// Nobody has decided yet.
        Open = "open",
        /// The moderators agree.
        Upheld = "upheld",
        /// They don't.
        Dismissed = "dismissed",
    }
}

impl From<Agreement> for pitchey_events::NdaType {
    fn from(agreement: Agreement) -> Self {
        match agreement {
            Agreement::Basic => Self::Basic,
            Agreement::Enhanced => Self::Enhanced,
            Agreement::Custom => Self::Custom,
        }
    }
}

impl Agreement {
    /// How long a signature gives access, unless the owner says otherwise.
    pub const fn days(self) -> i32 {
        match self {
            Self::Basic | Self::Custom => 365,
            Self::Enhanced => 730,
        }
    }
}

impl MediaKind {
    /// What its content may be.
    pub const fn media_types(self) -> &'static [&'static str] {
        const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
        match self {
            Self::Poster => &["image/jpeg", "image/png", "image/webp"],
            Self::Video | Self::Trailer => &["video/mp4", "video/quicktime", "video/webm", "video/x-m4v"],
            Self::PitchDeck => &["application/pdf", PPTX],
            Self::Script => &["application/pdf", DOCX],
            Self::Lookbook => &["application/pdf", "image/jpeg", "image/png", "image/webp"],
            Self::CustomNda => &["application/pdf"],
        }
    }

    /// How long it may be, in bytes.
    pub const fn max_bytes(self) -> u64 {
        const MB: u64 = 1_000_000;
        match self {
            Self::Poster | Self::CustomNda => 10 * MB,
            Self::Script => 20 * MB,
            Self::PitchDeck | Self::Lookbook => 60 * MB,
            Self::Video | Self::Trailer => MEDIA_MAX_BYTES,
        }
    }

    /// Whether everybody who may see the pitch may see it, unless its owner says otherwise.
    pub const fn is_public_by_default(self) -> bool {
        matches!(self, Self::Poster)
    }

    /// Whether it may be kept elsewhere, and only linked.
    pub const fn may_be_link(self) -> bool {
        matches!(self, Self::Video | Self::Trailer)
    }
}

/// The longest file of all, in bytes. The gateway lets a little more through.
pub const MEDIA_MAX_BYTES: u64 = 100_000_000;
