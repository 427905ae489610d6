//! `Backward`: the backward half of a recurrent layer. `Tape`: what a pass keeps for it.

mod draw;
mod dropout;
mod factor;
mod gated;
mod keep;
mod noise;
mod normal;
mod recorder;

pub(crate) use draw::Draw;
pub use dropout::CellMasks;
pub(crate) use dropout::{MaskSizes, drop_by, to_f64};
pub(crate) use factor::{Factor, ROWS, add_outer, add_outer_to, add_rows, add_vector, spread};
pub(crate) use gated::Gated;
pub(crate) use keep::Keep;
pub use noise::Noise;
pub(crate) use normal::back_over_normal;
pub use recorder::Recorder;

use crate::Element;
use crate::error::{Error, Result};
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use alloc::boxed::Box;
use core::any::Any;
use ndarray::{Array2, Array3, ArrayD, ArrayView2, ArrayView3};

/// What a recurrent layer does so that it can be trained, with numbers `A` and states `S`. By default it refuses.
pub trait Backward<A: Element, S> {
    /// Runs a checked call, advances the state to its end, and keeps on the tape what [`backward`](Self::backward) needs.
    /// Without dropout the outputs have the same bits as those of a call that keeps nothing.
    fn record(
        &self,
        pass: Pass<A>,
        how: &mut Recorder,
        state: &mut S,
        tape: &mut Tape,
    ) -> Result<Outputs<A>> {
        let _ = (pass, how, state, tape);
        Err(no_backward())
    }

    /// Goes back over a recorded call. It adds the gradients of the weights to `weights`, and returns that of the input.
    /// `state` is the gradient of the final state before, and that of the initial state afterwards. `zero_last` is that of
    /// the [`Recorder`].
    fn backward(
        &self,
        pass: Pass<A>,
        zero_last: bool,
        tape: &Tape,
        outputs: OutputGradients<A>,
        state: &mut S,
        weights: LayerGradients<A>,
    ) -> Result<Array3<A>> {
        let _ = (pass, zero_last, tape, outputs, state, weights);
        Err(no_backward())
    }

    /// Calls `each` with the path and the numbers of every mask of dropout of a recorded call. The layer has this path.
    fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        let _ = (tape, path, each);
    }

    /// Adds the gradient of the initial state of a call that was given none to that of the layer's own initial state.
    fn add_initial_state(&self, d: &S, weights: LayerGradients<A>) {
        let _ = (d, weights);
    }

    /// Whether gradients go back through this layer and all that is in it.
    fn has_backward(&self) -> bool {
        false
    }
}

/// What a pass of a layer keeps for its backward pass. The type of the content is the layer's own; its memory is used again
/// by the next pass.
#[derive(Default)]
pub struct Tape(Option<Box<dyn Any + Send + Sync>>);

impl Tape {
    /// The content, to be written. It is made if this tape has none of this type.
    pub(crate) fn renew<T: Any + Default + Send + Sync>(&mut self) -> &mut T {
        if !self.0.as_ref().is_some_and(|content| content.is::<T>()) {
            self.0 = Some(Box::new(T::default()));
        }
        let content = self.0.as_mut().and_then(|content| content.downcast_mut());
        content.expect("made above, of this type")
    }

    /// The content that the forward pass of the same layer wrote.
    pub(crate) fn get<T: Any>(&self) -> Result<&T> {
        let content = self.0.as_ref().and_then(|content| content.downcast_ref());
        content.ok_or_else(|| Error::value("tape", "that of this layer", "that of another"))
    }
}

/// The outputs of a recorded pass: always both.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs<A> {
    /// (samples, timesteps, units)
    pub(crate) sequences: Array3<A>,
    /// The last appended output, (samples, units).
    pub(crate) last: Array2<A>,
}

impl<A> Default for Outputs<A> {
    fn default() -> Self {
        Outputs {
            sequences: Array3::from_shape_simple_fn((0, 0, 0), || unreachable!("no numbers")),
            last: Array2::from_shape_simple_fn((0, 0), || unreachable!("no numbers")),
        }
    }
}

/// The gradients of a loss with respect to the outputs of a pass. `None` is zero.
#[derive(Clone, Copy, Debug)]
pub struct OutputGradients<'a, A> {
    pub(crate) sequences: Option<ArrayView3<'a, A>>,
    pub(crate) last: Option<ArrayView2<'a, A>>,
}

impl<'a, A> OutputGradients<'a, A> {
    pub(crate) fn of_sequences(sequences: ArrayView3<'a, A>) -> Self {
        OutputGradients {
            sequences: Some(sequences),
            last: None,
        }
    }
}

/// The error of a layer that has no backward pass.
pub(crate) fn no_backward() -> Error {
    Error::value("layer to train", "one with a backward pass", "one without")
}
