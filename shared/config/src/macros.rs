/// Declares a section of settings: a struct whose fields have a description and, unless they are required, a default.
///
/// A field's type is another section, or anything that `serde` reads from a number, a word or a text. Defaults are given as
/// an expression of the field's type.
#[macro_export]
macro_rules! settings {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[doc = $doc:literal])* $fvis:vis $field:ident: $ty:ty $(= $default:expr)?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])* $fvis $field: $ty,)*
        }

        impl $crate::Setting for $name {
            fn read(
                reader: &mut $crate::Reader,
                key: &str,
                _: &str,
                _: Option<(Self, &str)>,
            ) -> Option<Self> {
                // All fields are read before any is missed, so that all problems are found in one go.
                $(let $field = <$ty as $crate::Setting>::read(
                    reader,
                    &$crate::Reader::join(key, stringify!($field)),
                    concat!($($doc),*),
                    $crate::settings!(@default $($default)?),
                );)*
                Some(Self { $($field: $field?,)* })
            }
        }

        impl $crate::Settings for $name {}
    };
    (@default) => { None };
    (@default $default:expr) => { Some(($default, stringify!($default))) };
}
