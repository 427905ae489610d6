//! `Phase`: what a layer is told when its call is recorded. `RecordCall`, `BackwardCall`: the call forwards and backwards.

use super::{Slot, Tensor};
use crate::Element;
use crate::backward::{Draw, Keep, Noise, Recorder, Tape};
use crate::describe::{Describe, Role, join, walk};
use crate::gradients::LayerGradients;
use alloc::format;
use alloc::string::String;
use ndarray::ArrayD;

/// What a layer is told when its call is recorded: whether the model is being trained, and where the layer is.
#[derive(Clone, Debug)]
pub struct Phase<'a> {
    training: bool,
    frozen: &'a [String],
    /// The path of the layer.
    path: String,
    noise: Noise<'a>,
    keep: Keep,
    /// The path with the numbers of the calls of shared layers, each of which has a noise of its own.
    of_call: String,
}

impl<'a> Phase<'a> {
    /// The phase of the outermost layer. Weights at and below the paths in `frozen` do not learn.
    pub(crate) fn new(training: bool, frozen: &'a [String]) -> Self {
        Phase {
            training,
            frozen,
            path: String::new(),
            noise: Noise::default(),
            keep: Keep::default(),
            of_call: String::new(),
        }
    }

    /// Sets where random numbers come from.
    pub(crate) fn with_noise(mut self, noise: Noise<'a>) -> Self {
        self.noise = noise;
        self
    }

    /// Sets what recurrent layers keep for the backward pass.
    pub(crate) fn keeping(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The path of the call: that of the layer, and `#1` after the name of a layer in its second call.
    pub(crate) fn of_call(&self) -> &str {
        &self.of_call
    }

    /// The phase of a call of the same layer after this number of others.
    pub(crate) fn called(mut self, earlier: usize) -> Self {
        if earlier > 0 {
            self.of_call = format!("{}#{earlier}", self.of_call);
        }
        self
    }

    /// The mask that is given to this call.
    pub(crate) fn given_mask(&self) -> Option<&'a ArrayD<f64>> {
        self.noise.given_at(&self.of_call)
    }

    /// The random numbers of this call.
    pub(crate) fn draw(&self) -> Draw {
        self.noise.draw(&self.of_call)
    }

    /// Whether the call is one of a training, in which dropout drops and a normalisation uses the statistics of the batch:
    /// Keras' `training=True`.
    pub fn training(&self) -> bool {
        self.training
    }

    /// The path of the layer, as in [`Model::weights`](crate::Model::weights).
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The phase of an inner layer that adds this name to the path.
    pub(crate) fn inside(&self, name: &str) -> Self {
        Phase {
            path: join(&self.path, name),
            of_call: join(&self.of_call, name),
            ..self.clone()
        }
    }

    /// How a recurrent layer here is recorded.
    pub(crate) fn recorder(&self, zero_last: bool) -> Recorder<'a> {
        let how = Recorder::new(zero_last).keeping(self.keep);
        if self.training {
            how.dropping(self.noise, &self.of_call)
        } else {
            how
        }
    }

    /// Whether none of the trainable weights of a layer learns. A layer without weights is not frozen.
    pub(crate) fn is_frozen<A: Element>(&self, layer: &dyn Describe<A>) -> bool {
        let (mut any, mut all) = (false, true);
        walk(layer, &self.path, &mut |path, role, _| {
            if role == Role::Trainable {
                any = true;
                all &= is_below(path, self.frozen);
            }
        });
        any && all
    }
}

/// Whether a path is one of these, or lies below one.
pub(crate) fn is_below(path: &str, paths: &[String]) -> bool {
    paths.iter().any(|at| {
        let rest = path.strip_prefix(at.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// A call of a layer that is recorded.
pub struct RecordCall<'a, A> {
    /// The inputs, as `forward_all` takes them.
    pub inputs: &'a [Tensor<A>],
    /// Whether the model is being trained, and where the layer is.
    pub phase: &'a Phase<'a>,
    /// Takes what the backward pass needs.
    pub tape: &'a mut Tape,
    pub(crate) kept: Option<&'a Slot>,
}

/// A recorded call of a layer, to be gone back over.
pub struct BackwardCall<'a, A> {
    /// The inputs of the call.
    pub inputs: &'a [Tensor<A>],
    /// The outputs of the call.
    pub outputs: &'a [Tensor<A>],
    /// What the call kept.
    pub tape: &'a Tape,
    /// The gradient of the loss with respect to each output; `None` is zero.
    pub upstream: &'a [Option<ArrayD<A>>],
    /// The gradients of the weights of this layer, to be added to.
    pub weights: LayerGradients<'a, A>,
    pub(crate) phase: &'a Phase<'a>,
    /// Whether the gradient of the output is that of the sums of a dense layer, before its activation.
    pub(crate) of_sums: bool,
}
