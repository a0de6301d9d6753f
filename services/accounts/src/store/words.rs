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
