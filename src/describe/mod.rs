//! What a layer is made of: its class, its options, its arrays, and the layers inside it. Every layer says it once, and
//! saving, loading, counting, `Debug`, reading and replacing weights derive from it. Knows no layer.

mod debug;
mod layer;
mod macros;
mod owners;
#[cfg(feature = "safetensors")]
mod reading;
mod setting;
mod weight;
#[cfg(feature = "safetensors")]
mod writing;

pub(crate) use debug::debug;
pub use layer::{Describe, ParameterCount, Part, PartMut, Role, Weight};
pub(crate) use layer::{Foreign, walk, walk_mut};
pub(crate) use macros::describe;
#[cfg(feature = "safetensors")]
pub(crate) use macros::element_of;
#[cfg(feature = "safetensors")]
pub use reading::{In, Saved};
#[cfg(feature = "safetensors")]
pub(crate) use reading::{KEY, VERSION, read};
pub(crate) use weight::{Assign, Scalar, each_array, each_array_mut};
#[cfg(feature = "safetensors")]
pub(crate) use writing::Out;
