//! `OpLayer`: an operation of `keras.ops` or of TensorFlow as a layer, such as `x[:, -1]`, `x + y`, or a comparison of token
//! ids for a mask.

mod arithmetic;
mod arrange;
mod layer;
mod reduce;
mod slice;

pub(crate) use arithmetic::{Binary, Constant, Elementwise, Unary};
pub(crate) use arrange::Arrange;
pub(crate) use layer::{Op, OpLayer};
pub(crate) use reduce::{Along, Reduce};
pub(crate) use slice::{Cut, Slice};
