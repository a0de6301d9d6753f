use std::fmt;
use std::marker::PhantomData;

use garde::error::Path;
use garde::{Report, Validate};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Most at once.
const MOST: usize = 500;

/// An object, or an array of such.
#[derive(Clone, Debug, utoipa::ToSchema)]
#[schema(as = OneOrMany)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(super) fn is_many(&self) -> bool {
        matches!(self, Self::Many(_))
    }

    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

// Not serde's untagged: it forgets which field was wrong.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array of objects")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T: Validate<Context = ()>> Validate for OneOrMany<T> {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        match self {
            Self::One(one) => one.validate_into(&(), parent, report),
            Self::Many(many) => {
                if many.is_empty() || many.len() > MOST {
                    report.append(parent(), garde::Error::new(format!("1 to {MOST} at once")));
                    return;
                }
                for (index, one) in many.iter().enumerate() {
                    let mut path = || parent().join(index);
                    one.validate_into(&(), &mut path, report);
                }
            }
        }
    }
}
