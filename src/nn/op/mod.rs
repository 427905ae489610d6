//! `OpLayer`: an operation of `keras.ops` or of TensorFlow as a layer, such as `x[:, -1]`, `x + y`, or a comparison of token
//! ids for a mask.

mod arithmetic;
mod arrange;
mod layer;
mod product;
mod reduce;
mod slice;

#[cfg(feature = "train")]
pub(crate) use arithmetic::places;
pub(crate) use arithmetic::{Binary, Elementwise, Unary};
pub(crate) use arrange::Arrange;
pub(crate) use layer::OpLayer;
pub(crate) use product::Product;
pub(crate) use reduce::Reduce;
#[cfg(feature = "keras")]
pub(crate) use slice::Cut;
pub(crate) use slice::Slice;
#[cfg(any(feature = "keras", feature = "train"))]
pub(crate) use {arithmetic::Constant, layer::Op, reduce::Along};
