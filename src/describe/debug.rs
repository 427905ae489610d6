//! `Debug` of a described layer: prints its options and the shapes of its arrays.

use super::layer::{Describe, Part};
use crate::Element;
use core::fmt;

/// Prints a layer with the name of its type.
pub(crate) fn debug<A: Element>(
    layer: &dyn Describe<A>,
    name: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut f = f.debug_struct(name);
    layer.parts(&mut |part| match part {
        Part::Option(key, value) => {
            f.field(key, &value);
        }
        Part::Array(key, _, array) => {
            f.field(key, &Shape(&array.shape()));
        }
        Part::Layer(..) | Part::Foreign(_) => {}
    });
    f.finish()
}

/// A shape that is printed as in Python: (2, 3).
struct Shape<'s>(&'s [usize]);

impl fmt::Debug for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, len) in self.0.iter().enumerate() {
            write!(f, "{}{len}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}
