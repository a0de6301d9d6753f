//! Enumerations of the database as those of the platform, which spell them alike.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};

use crate::schema::sql_types;

macro_rules! word {
    ($(#[$doc:meta])* $name:ident: $sql:ident = $word:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, AsExpression, FromSqlRow)]
        #[diesel(sql_type = sql_types::$sql)]
        pub struct $name(pub $word);

        impl ToSql<sql_types::$sql, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(self.0.as_str().as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl FromSql<sql_types::$sql, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                Ok(Self(std::str::from_utf8(value.as_bytes())?.parse()?))
            }
        }

        impl From<$name> for $word {
            fn from(word: $name) -> Self {
                word.0
            }
        }
    };
}

word! {
    /// `user_type`.
    TypeWord: UserType = pitchey_events::UserType
}
word! {
    /// `subscription_tier`.
    TierWord: SubscriptionTier = pitchey_events::Tier
}

/// An enumeration that the database keeps as text, under a CHECK.
macro_rules! text_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl TryFrom<String> for $name {
            type Error = pitchey_events::UnknownWord;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                match text.as_str() { $($word => Ok(Self::$variant),)+ _ => Err(pitchey_events::UnknownWord) }
            }
        }
    };
}
pub(super) use text_words;
