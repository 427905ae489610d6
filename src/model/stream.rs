//! `ModelStream`: a model that is fed one timestep at a time.

use super::value::{StepShape, copy};
use super::{AnyLayer, Engine, Kept, Model, ModelState, Shape};
use crate::error::{Error, Result, check};
use crate::state::check_samples;
use crate::{Element, State};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use ndarray::{ArrayRef, ArrayViewD, Dimension, IxDyn};

/// A [`Model`] that is fed one timestep at a time and keeps the states of its layers between pushes.
///
/// It holds the states and all memory between the layers. It borrows, owns or shares the model:
///
/// | made by | model | |
/// | --- | --- | --- |
/// | [`model.stream(n)`](Model::stream) | borrowed | |
/// | [`model.into_stream(n)`](Model::into_stream) | owned | `Send + 'static` |
/// | [`ModelStream::new(Arc::clone(&model), n)`](Self::new) | shared | `Send + 'static` |
///
/// All memory is planned when the stream is made. A layer that cannot be fed timestep by timestep is an error at that
/// point, which names the layer. After that a push does not allocate, so it can run in an audio callback. These layers
/// are exceptions, which allocate: [`Permute`](crate::Permute), operations of Keras' functional models that slice, reduce or
/// rearrange, a layer of your
/// own, a recurrent layer that returns its state, and any layer that reads several timesteps after the last output of a
/// recurrent layer.
///
/// The output is bit for bit that of [`Model::forward`] on all timesteps so far: the newest timestep if the model
/// returns sequences, otherwise its output.
///
/// ```
/// use ndarray::{Array2, array, s};
/// use recurrent::{Dense, Layer, Lstm, Model};
/// let model = Model::new()
///     .add(Layer::new(Lstm::<f32>::builder(2, 3).build()?))
///     .add(Dense::from_weights(Array2::eye(3), None)?);
/// let x = array![[[0.1, 0.2], [0.3, 0.1]]]; // 1 sample, 2 timesteps, 2 features
/// let mut live = model.stream(1)?;
/// live.push_slice(&[0.1, 0.2])?;
/// let y = live.push_slice(&[0.3, 0.1])?;
/// assert_eq!(y, model.forward(&x)?.as_slice().unwrap());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[cfg_attr(
    feature = "keras",
    doc = r#"
A file of Keras says what comes in, so that the model that is read from it can be streamed at once:
```
use recurrent::keras;
# let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/keras_files/models/seq_lstm_dense.keras"));
let mut live = keras::read::<f32>(bytes)?.into_stream(1)?; // LSTM, Dense; 1 sample of 3 features
let mut process = move |frames: &[[f32; 3]], y: &mut [f32]| -> recurrent::Result<()> {
    for (frame, y) in frames.iter().zip(y) {
        *y = live.push_slice(frame)?[0];
    }
    Ok(())
};
process(&[[0.1, 0.2, -0.1], [0.3, 0.0, 0.2]], &mut [0.0; 2])?;
# Ok::<(), recurrent::Error>(())
```
"#
)]
pub struct ModelStream<A: Element, M: Borrow<Model<A>>> {
    model: M,
    engine: Engine<A>,
    kept: Kept,
    samples: usize,
}

impl<A: Element> Model<A> {
    /// A stream of this number of samples that borrows the model: see [`ModelStream`].
    ///
    /// Returns an error, which names the layer, if a layer cannot work timestep by timestep. It is also an error if the
    /// number of features in a timestep is not known; declare it with [`input`](Self::input).
    pub fn stream(&self, samples: usize) -> Result<ModelStream<A, &Self>> {
        ModelStream::new(self, samples)
    }

    /// A stream of this number of samples that owns the model, and is `Send + 'static`.
    pub fn into_stream(self, samples: usize) -> Result<ModelStream<A, Self>> {
        ModelStream::new(self, samples)
    }

    /// The axes of one timestep of one sample of an input: the declared ones, or those of the first layer that knows
    /// them.
    pub(super) fn features_of_step(&self, input: usize) -> Option<Vec<usize>> {
        let input = self.inputs.get(input)?;
        let said = input.shape.axes().and_then(|axes| axes.get(2..));
        let said: Option<Vec<usize>> = said.and_then(|axes| axes.iter().copied().collect());
        if said.is_some() {
            return said;
        }
        // Layers that do not change the shape, such as `Masking`, leave it to the layers after them.
        let mut same = vec![false; self.values];
        same[input.value] = true;
        for call in &self.calls {
            let layer = &self.layers[call.layer].layer;
            let Some(at) = call.inputs.iter().position(|&value| same[value]) else {
                continue;
            };
            if let Some(axes) = layer.step_features(at) {
                return Some(axes);
            }
            let any = Shape::from([None, None, Some(1_000_003)]);
            let shapes = vec![any.clone(); call.inputs.len()];
            same[call.first] = layer.output_shapes(&shapes).first() == Some(&any);
        }
        None
    }

    fn step_shapes(&self, samples: usize) -> Result<Vec<StepShape>> {
        let shape = |at: usize| {
            let axes = self.features_of_step(at).ok_or_else(|| {
                let name = &self.inputs[at].name;
                let expected = format!(
                    "known: say it where the model is made, `.input({name:?}, [None, None, Some(features)])`"
                );
                Error::value("shape of a timestep", expected, "unknown")
            })?;
            Ok(StepShape {
                axes: [&[samples, 1], axes.as_slice()].concat(),
                is_timestep: true,
            })
        };
        (0..self.inputs.len()).map(shape).collect()
    }
}

impl<A: Element, M: Borrow<Model<A>>> ModelStream<A, M> {
    /// Makes a stream of a model, or of a reference, a `Box` or an `Arc` of one; see [`Model::stream`].
    pub fn new(model: M, samples: usize) -> Result<Self> {
        let inputs = model.borrow().step_shapes(samples)?;
        let engine = Engine::new(model.borrow(), inputs)?;
        Ok(ModelStream {
            model,
            kept: engine.fresh().clone(),
            engine,
            samples,
        })
    }

    /// The number of samples in each push.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The model that the stream runs.
    pub fn model(&self) -> &Model<A> {
        self.model.borrow()
    }

    /// Pushes one timestep into a model with one input and one output, as plain slices: samples × features numbers in
    /// row-major order. Returns the output in row-major order.
    #[inline]
    pub fn push_slice(&mut self, x: &[A]) -> Result<&[A]> {
        self.check_one()?;
        self.take(0, x)?;
        self.step()?;
        Ok(self.output(0).unwrap_or_default())
    }

    /// Pushes one timestep into a model with one input and one output, as an array: (samples, features), or (samples)
    /// for token ids. The returned array has no axis of timesteps either.
    pub fn push<D: Dimension>(&mut self, x: &ArrayRef<A, D>) -> Result<ArrayViewD<'_, A>> {
        self.push_some(x, None)
    }

    /// Pushes one timestep of the samples whose `mask` is true. The other samples hold their states, as in a masked
    /// call.
    pub fn push_masked<D: Dimension>(
        &mut self,
        x: &ArrayRef<A, D>,
        mask: &[bool],
    ) -> Result<ArrayViewD<'_, A>> {
        self.push_some(x, Some(mask))
    }

    fn push_some<D: Dimension>(
        &mut self,
        x: &ArrayRef<A, D>,
        mask: Option<&[bool]>,
    ) -> Result<ArrayViewD<'_, A>> {
        self.check_one()?;
        let [input, ..] = self.engine.inputs() else {
            return Err(crate::error::wrong_inputs(1, 0));
        };
        let axes = &input.shape.axes;
        if x.shape().first() != axes.first() || x.shape().get(1..) != axes.get(2..) {
            let expected = format!("{:?}", input.shape.of_step());
            let found = format!("{:?}", x.shape());
            return Err(Error::value("shape of the input", expected, found));
        }
        if let Some(mask) = mask {
            check("mask", "samples", self.samples, mask.len())?;
        }
        match x.as_slice() {
            Some(x) => input.numbers.copy_from_slice(x),
            None => input.numbers.iter_mut().zip(x).for_each(|(to, &x)| *to = x),
        }
        input.set_mask(mask);
        self.step()?;
        let Some(output) = self.engine.output(0) else {
            return Err(Error::value("number of outputs", 1, 0));
        };
        let view = ArrayViewD::from_shape(IxDyn(&output.shape.axes), &output.numbers)?;
        if output.shape.is_timestep {
            return Ok(view.index_axis_move(ndarray::Axis(1), 0));
        }
        Ok(view)
    }

    /// Pushes one timestep into a model with any number of inputs and outputs: the numbers of each input in row-major
    /// order. Read the results with [`output`](Self::output); they stay until the next push.
    pub fn push_all(&mut self, inputs: &[&[A]]) -> Result<()> {
        let expected = self.engine.inputs().len();
        if inputs.len() != expected {
            return Err(crate::error::wrong_inputs(expected, inputs.len()));
        }
        for (at, x) in inputs.iter().enumerate() {
            self.take(at, x)?;
        }
        self.step()
    }

    /// The numbers of output `index` after the last push, in row-major order; `None` if there is no such output.
    #[inline]
    pub fn output(&self, at: usize) -> Option<&[A]> {
        self.engine.output(at).map(|output| &*output.numbers)
    }

    #[inline]
    fn check_one(&mut self) -> Result<()> {
        match (self.engine.inputs().len(), self.engine.output_count()) {
            (1, 1) => Ok(()),
            (inputs, outputs) => {
                let expected = "1 and 1: `push_all` takes all inputs, `output` gives all outputs";
                let found = format!("{inputs} and {outputs}");
                Err(Error::value(
                    "number of inputs and outputs",
                    expected,
                    found,
                ))
            }
        }
    }

    #[inline]
    fn take(&mut self, at: usize, x: &[A]) -> Result<()> {
        let input = &mut self.engine.inputs()[at];
        if input.numbers.len() != x.len() {
            return Err(Error::Shape {
                array: "input",
                axis: "numbers (samples x features)",
                expected: input.numbers.len(),
                found: x.len(),
            });
        }
        copy(x, &mut input.numbers);
        input.set_mask(None);
        Ok(())
    }

    #[inline]
    fn step(&mut self) -> Result<()> {
        self.engine.step(self.model.borrow(), &mut self.kept)
    }

    /// Resets all samples to their initial state, without allocating.
    pub fn reset(&mut self) {
        let fresh = self.engine.fresh();
        if self.kept.assign(fresh).is_err() {
            // Only a state of a user's own type can refuse a row that exists.
            self.kept = fresh.clone();
        }
    }

    /// Resets these samples, without allocating; the others go on. If any of them does not exist, returns an error and
    /// resets none.
    pub fn reset_samples(&mut self, samples: &[usize]) -> Result<()> {
        check_samples(samples, self.samples)?;
        let mut samples = samples.iter();
        samples.try_for_each(|&row| self.kept.copy_sample(row, self.engine.fresh(), row))
    }

    /// Everything that the next push depends on, to be stored. A stream or a [`Session`](crate::Session) of the same
    /// model that resumes it continues bit for bit, also in another process. Returns an error for the state of a
    /// [`Cell`](crate::Cell) of your own that cannot be written as arrays.
    pub fn snapshot(&self) -> Result<ModelState> {
        self.kept.snapshot(&self.model().fresh_states())
    }

    /// Continues from a snapshot. Returns an error, and leaves the stream unchanged, if the snapshot comes from a model
    /// with other layers or has another number of samples.
    pub fn resume(&mut self, snapshot: ModelState) -> Result<()> {
        let kept = self.model().fresh_states().resume(snapshot)?;
        self.kept = self.engine.admit(self.model(), &kept)?;
        Ok(())
    }
}

impl<A: Element, M: Borrow<Model<A>>> fmt::Debug for ModelStream<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelStream")
            .field("model", self.model())
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}
