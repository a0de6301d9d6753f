/// An enumeration of the platform ([`pitchey_events::words`]) that the database keeps: as an enumeration of its own or as text under a CHECK, by the SQL
/// type after its name. Also a schema of OpenAPI.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident: $sql:ty { $($variants:tt)+ }) => {
        ::pitchey_events::words! {
            $(#[$meta])*
            #[derive(::diesel::expression::AsExpression, ::diesel::deserialize::FromSqlRow, ::utoipa::ToSchema)]
            #[diesel(sql_type = $sql)]
            $name { $($variants)+ }
        }

        impl $name {
            /// The value spelled so.
            #[allow(dead_code, reason = "not every enumeration is read from what clients send")]
            pub fn parse(word: &str) -> Option<Self> {
                word.parse().ok()
            }
        }

        impl ::diesel::serialize::ToSql<$sql, ::diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut ::diesel::serialize::Output<'b, '_, ::diesel::pg::Pg>,
            ) -> ::diesel::serialize::Result {
                ::std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(::diesel::serialize::IsNull::No)
            }
        }

        impl ::diesel::deserialize::FromSql<$sql, ::diesel::pg::Pg> for $name {
            fn from_sql(value: ::diesel::pg::PgValue<'_>) -> ::diesel::deserialize::Result<Self> {
                let word = ::std::str::from_utf8(value.as_bytes())?;
                Self::parse(word).ok_or_else(|| format!("{word} is no {}", stringify!($name)).into())
            }
        }
    };
}
