//! The enumerations of this service: one spelling in JSON and SQL.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, AsExpression, FromSqlRow, utoipa::ToSchema)]
        #[diesel(sql_type = Text)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The one spelling of this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl ToSql<Text, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(self.as_str().as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl FromSql<Text, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                match std::str::from_utf8(value.as_bytes())? {
                    $($word => Ok(Self::$variant),)+
                    word => Err(format!("{word} is no {}", stringify!($name)).into()),
                }
            }
        }
    };
}

words! {
    /// Kind of conversation.
    ConversationType {
        /// Of two people.
        #[default]
        Direct = "direct",
        /// Of several.
        Group = "group",
        /// Of a pitch's owner and one signer.
        PitchDiscussion = "pitch_discussion",
    }
}

words! {
    /// Kind of message.
    MessageType {
        /// Words.
        #[default]
        Text = "text",
        /// Pictures, with or without words.
        Image = "image",
        /// Files, with or without words.
        File = "file",
        /// Said by the platform.
        System = "system",
        /// A pitch is shown.
        PitchShare = "pitch_share",
        /// Somebody is asked to request an NDA for a pitch.
        NdaRequest = "nda_request",
    }
}

words! {
    /// What a member may do.
    Role {
        /// Adds and removes members of a group.
        Owner = "owner",
        /// Reads and writes.
        #[default]
        Member = "member",
    }
}
