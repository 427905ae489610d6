//! `names!`: Keras' names for the variants of an option.

/// Implements `Display` and `FromStr` for an option, by Keras' names.
macro_rules! names {
    ($option:ident, $argument:literal, { $($variant:ident: $name:literal),* $(,)? }) => {
        impl core::fmt::Display for $option {
            /// Prints Keras' name.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self {
                    $($option::$variant => $name),*
                })
            }
        }

        impl core::str::FromStr for $option {
            type Err = crate::Error;

            /// Reads Keras' name. Returns an error for an unknown name.
            fn from_str(name: &str) -> crate::Result<Self> {
                match name {
                    $($name => Ok($option::$variant),)*
                    _ => {
                        let names: &[&str] = &[$($name),*];
                        let expected = alloc::format!("one of {}", names.join(", "));
                        Err(crate::Error::value($argument, expected, alloc::format!("{name:?}")))
                    }
                }
            }
        }
    };
}
pub(crate) use names;
