//! `IntoLayer`: types that can be added to a model.

use super::AnyLayer;
use crate::Element;
use alloc::boxed::Box;
use alloc::sync::Arc;

/// A type that can be added to a [`Model`](crate::Model): a layer, or a `Box` or an [`Arc`] of one.
///
/// An [`Arc`] shares one set of weights between several models. The compiler infers `By`, which says which of the three
/// it is. The trait is sealed by its hidden method; to write a layer of your own, implement [`AnyLayer`].
///
/// ```
/// use ndarray::{Array2, array};
/// use recurrent::{Activation, Dense, Model};
/// use std::sync::Arc;
/// let dense = Arc::new(Dense::from_weights(Array2::<f32>::eye(2), None)?);
/// let scores = Model::new().add(Arc::clone(&dense));
/// let probabilities = Model::new().add(dense).add(Activation::Softmax);
/// assert_eq!(scores.forward(&array![[0.0, 0.0]])?, array![[0.0, 0.0]].into_dyn());
/// assert_eq!(probabilities.forward(&array![[0.0, 0.0]])?, array![[0.5, 0.5]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer of a `Model<{A}>`",
    note = "a recurrent layer goes in with its flags: `.add(Layer::new(lstm).return_sequences(true))`",
    note = "layers of `f32` go into a `Model<f32>`, those of `f64` into a `Model<f64>`",
    note = "a layer of your own is one when it implements `AnyLayer`"
)]
pub trait IntoLayer<A: Element, By> {
    /// Converts into a layer without its concrete type.
    #[doc(hidden)]
    fn into_layer(self) -> Box<dyn AnyLayer<A>>;
}

/// The three ways to pass a layer. Without these markers, the impls for a layer and for an `Arc` of one would overlap:
/// another crate might implement the layer trait for the `Arc`.
pub enum ByValue {}
pub enum ByBox {}
pub enum ByArc {}

impl<A: Element, L: AnyLayer<A>> IntoLayer<A, ByValue> for L {
    fn into_layer(self) -> Box<dyn AnyLayer<A>> {
        Box::new(self)
    }
}

impl<A: Element, L: AnyLayer<A>> IntoLayer<A, ByBox> for Box<L> {
    fn into_layer(self) -> Box<dyn AnyLayer<A>> {
        self
    }
}

impl<A: Element, L: AnyLayer<A>> IntoLayer<A, ByArc> for Arc<L> {
    fn into_layer(self) -> Box<dyn AnyLayer<A>> {
        Box::new(self as Arc<dyn AnyLayer<A>>)
    }
}
