//! What a layer is made of, as a file says it: its class, its options, its arrays, and the layers inside it. Knows no layer.

mod reading;
mod writing;

pub use reading::In;
pub(crate) use reading::read;
pub use writing::Out;

use crate::error::{Error, Result};

/// Under which the description stands in the metadata.
pub(crate) const KEY: &str = "recurrent";
pub(crate) const VERSION: u64 = 1;

/// What can be saved and loaded: every layer of this crate, and models of them. Sealed by its hidden methods.
pub trait Saved: Sized {
    #[doc(hidden)]
    fn write_to(&self, to: &mut Out) -> Result<()>;

    #[doc(hidden)]
    fn read_from(from: &mut In) -> Result<Self>;
}

/// Says that a layer is not one of this crate.
pub(crate) fn not_ours(name: &str) -> Error {
    let expected = "one of this crate: files cannot say what others compute";
    Error::value("layer to save", expected, name)
}

/// How a layer is saved, all its fields by their names (an option by itself, arrays as `array` or `optional`), and how it
/// is made of them again. An enum is one option.
macro_rules! saved_fields {
    ($layer:ident, $class:literal, $key:literal) => {
        impl crate::describe::Saved for $layer {
            fn write_to(&self, to: &mut crate::describe::Out) -> crate::Result<()> {
                to.class($class);
                to.set($key, self)
            }

            fn read_from(from: &mut crate::describe::In) -> crate::Result<Self> {
                from.class($class)?;
                from.get($key)
            }
        }
    };
    ($layer:ident $(<$elem:ident>)?, $class:literal,
     { $($field:ident),* $(; $($array:ident: $how:ident),*)? } => $make:expr) => {
        impl $(<$elem: Element>)? crate::describe::Saved for $layer $(<$elem>)? {
            fn write_to(&self, to: &mut crate::describe::Out) -> crate::Result<()> {
                let $layer { $($field,)* $($($array),*)? } = self;
                to.class($class);
                $(to.set(stringify!($field), $field)?;)*
                $($(to.$how(stringify!($array), $array)?;)*)?
                Ok(())
            }

            fn read_from(from: &mut crate::describe::In) -> crate::Result<Self> {
                from.class($class)?;
                $(let $field = from.get(stringify!($field))?;)*
                $($(let $array = from.$how(stringify!($array))?;)*)?
                $make
            }
        }
    };
}
pub(crate) use saved_fields;
