//! The description of a layer: its class, its options, its arrays and its inner layers. Every layer describes itself once.
//! Saving, loading, counting, `Debug`, and the reading and replacing of weights all use this description. The module knows
//! no particular layer.

mod debug;
mod layer;
mod macros;
#[cfg(any(feature = "keras", feature = "saved"))]
mod own;
#[cfg(feature = "saved")]
mod own_parts;
mod owners;
#[cfg(feature = "saved")]
mod reading;
mod setting;
mod weight;
#[cfg(feature = "saved")]
mod writing;

pub(crate) use debug::debug;
#[cfg(any(feature = "torch", feature = "saved"))]
pub(crate) use layer::KEY;
#[cfg(feature = "train")]
pub(crate) use layer::join;
pub use layer::{Describe, Foreign, ParameterCount, Part, PartMut, Role, Weight};
pub(crate) use layer::{assign, find, walk};
pub(crate) use macros::describe;
#[cfg(feature = "saved")]
pub(crate) use macros::element_of;
#[cfg(any(feature = "keras", feature = "saved"))]
pub(crate) use own::Maker;
#[cfg(feature = "keras")]
pub(crate) use own::by_name;
#[cfg(any(feature = "keras", feature = "saved"))]
pub use own::{Own, OwnLayer};
#[cfg(feature = "saved")]
pub use own_parts::OwnParts;
#[cfg(feature = "saved")]
pub use reading::{In, Saved};
#[cfg(feature = "saved")]
pub(crate) use reading::{VERSION, read};
pub(crate) use weight::{Assign, Scalar, each_array, each_array_mut};
#[cfg(feature = "saved")]
pub(crate) use writing::Out;
