//! Everything that is said to Postgres: a file a table.

pub(crate) mod announcements;
pub(crate) mod email_digests;
pub(crate) mod email_events;
pub(crate) mod email_preferences;
pub(crate) mod email_queue;
pub(crate) mod email_requests;
pub(crate) mod email_suppressions;
pub(crate) mod notifications;

/// A Rust enumeration for one of Postgres'.
macro_rules! pg_enum {
    ($(#[$meta:meta])* $name:ident = $sql:ty { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
            diesel::deserialize::FromSqlRow, diesel::expression::AsExpression,
        )]
        #[diesel(sql_type = $sql)]
        pub(crate) enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Its one spelling.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl diesel::serialize::ToSql<$sql, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<$sql, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                match value.as_bytes() {
                    $(word if word == $word.as_bytes() => Ok(Self::$variant),)+
                    other => Err(format!("no {}: {}", stringify!($name), String::from_utf8_lossy(other)).into()),
                }
            }
        }
    };
}
pub(crate) use pg_enum;
