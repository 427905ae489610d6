//! `Model`: layers one behind the other, with masks flowing as in Keras.

use crate::error::{Error, Result, check};
use crate::{Element, Layer, Output, Recurrent, State};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use ndarray::{Array2, ArrayD, ArrayRef, Dimension, Ix2, Ix3};

/// What flows from layer to layer: an array, and the mask of its timesteps if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow<A> {
    /// Samples first.
    pub values: ArrayD<A>,
    /// `false` where a timestep is not there, (samples, timesteps).
    pub mask: Option<Array2<bool>>,
}

impl<A: Element, D: Dimension> From<&ArrayRef<A, D>> for Flow<A> {
    fn from(x: &ArrayRef<A, D>) -> Self {
        Flow {
            values: x.to_owned().into_dyn(),
            mask: None,
        }
    }
}

/// A layer of a [`Model`], of whatever kind: those of this crate, and your own.
///
/// Given are [`Layer`] (any recurrent layer with its flags), [`Dense`](crate::Dense),
/// [`Embedding`](crate::Embedding), [`Masking`](crate::Masking), [`RepeatVector`](crate::RepeatVector),
/// [`Softmax`](crate::Softmax) and [`TimeDistributed`](crate::TimeDistributed).
///
/// ```
/// use ndarray::{Array3, array};
/// use recurrent::{AnyLayer, Flow, Gru, Layer, Model, Result};
///
/// /// Scales its input; masks pass through.
/// struct Scale(f32);
/// impl AnyLayer<f32> for Scale {
///     fn name(&self) -> &str { "scale" }
///     fn forward(&self, mut input: Flow<f32>) -> Result<Flow<f32>> {
///         input.values *= self.0;
///         Ok(input)
///     }
/// }
///
/// let model = Model::new().add(Scale(0.5)).add(Layer::new(Gru::builder(2, 3).build()?));
/// assert_eq!(model.forward(&Array3::zeros((4, 5, 2)))?.shape(), [4, 3]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer of a `Model<{A}>`",
    note = "a recurrent layer goes in with its flags: `.add(Layer::new(lstm).return_sequences(true))`",
    note = "layers of `f32` go into a `Model<f32>`, those of `f64` into a `Model<f64>`",
    note = "a layer of your own is one when it implements `AnyLayer`"
)]
pub trait AnyLayer<A: Element>: Send + Sync {
    /// What errors call it.
    fn name(&self) -> &str;

    /// Computes the output, and says which mask goes on: the one that came in, another, or none.
    fn forward(&self, input: Flow<A>) -> Result<Flow<A>>;

    /// Whether a mask that comes in changes the output.
    fn uses_mask(&self) -> bool {
        false
    }

    /// The same from a kept state, with the state at the end. A layer of your own that keeps state is a
    /// [`Cell`](crate::Cell) in an [`Rnn`](crate::Rnn).
    #[doc(hidden)]
    fn forward_from(&self, input: Flow<A>, _: Option<&Slot>) -> Result<(Flow<A>, Option<Slot>)> {
        self.forward(input).map(|flow| (flow, None))
    }

    /// The state of one sample before the first call, if calls in a session keep one.
    #[doc(hidden)]
    fn fresh(&self) -> Option<Slot> {
        None
    }
}

/// Layers one behind the other, of kinds that are known when the program runs: Keras' `Sequential`.
///
/// Masks flow as in Keras: [`Embedding`](crate::Embedding) and [`Masking`](crate::Masking) make them, recurrent layers
/// obey them and pass them on if they return sequences, [`Dense`](crate::Dense) and
/// [`TimeDistributed`](crate::TimeDistributed) pass them on. Token ids go in as numbers of the model's type.
///
/// Where the layers are known when you write the program, [`Recurrent::then`] stacks them in the type.
///
/// ```
/// use ndarray::{Array2, array};
/// use recurrent::{Activation, Dense, Embedding, Layer, Lstm, Model};
/// let model = Model::<f32>::new()
///     .add(Embedding::from_weights(Array2::eye(10))?.mask_zero(true))
///     .add(Layer::new(Lstm::builder(10, 4).build()?))
///     .add(Dense::from_weights(Array2::eye(4), None)?.with_activation(Activation::Softmax)?);
/// let short = model.forward(&array![[3.0, 7.0]])?;
/// let padded = model.forward(&array![[3.0, 7.0, 0.0, 0.0]])?;
/// assert_eq!(short, padded);
/// assert_eq!(
///     model.forward(&array![[3.0, 11.0]]).unwrap_err().to_string(),
///     "layer 0 (embedding): token id is 11, expected a whole number from 0 to below 10"
/// );
/// # Ok::<(), recurrent::Error>(())
/// ```
pub struct Model<A> {
    layers: Vec<Box<dyn AnyLayer<A>>>,
}

impl<A: Element> Model<A> {
    /// A model without layers, which returns its input.
    pub fn new() -> Self {
        Model { layers: Vec::new() }
    }

    /// Adds a layer at the end. Whether it fits is seen when the model runs.
    #[allow(clippy::should_implement_trait)] // Keras' word; nobody would look for an operator
    pub fn add(mut self, layer: impl AnyLayer<A> + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// The layers, the first one first.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &dyn AnyLayer<A>> {
        self.layers.iter().map(|layer| &**layer)
    }

    /// Runs all layers, each recurrent one from the zero state. Returns the output of the last.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<ArrayD<A>> {
        Ok(self.run(Flow::from(x))?.values)
    }

    /// Runs all layers on an input that has a mask of its own, (samples, timesteps).
    pub fn forward_masked<D: Dimension>(
        &self,
        x: &ArrayRef<A, D>,
        mask: &ArrayRef<bool, Ix2>,
    ) -> Result<ArrayD<A>> {
        Ok(self
            .run(Flow {
                mask: Some(mask.to_owned()),
                ..Flow::from(x)
            })?
            .values)
    }

    /// Runs all layers and returns the mask of the output as well.
    pub fn run(&self, input: Flow<A>) -> Result<Flow<A>> {
        self.run_from(input, None).map(|(flow, _)| flow)
    }

    /// Reads the kept states and makes new ones, so that an error in a late layer leaves the early ones as they were.
    pub(crate) fn run_from(&self, input: Flow<A>, kept: Option<&Kept>) -> Result<(Flow<A>, Kept)> {
        if let Some(mask) = &input.mask {
            let shape = input.values.shape();
            let [samples, timesteps] = [0, 1].map(|axis| shape.get(axis).copied().unwrap_or(1));
            check("mask", "samples", samples, mask.nrows())?;
            check("mask", "timesteps", timesteps, mask.ncols())?;
        }
        if kept.is_some_and(|kept| kept.0.len() != self.layers.len()) {
            return Err(another_model());
        }
        let mut flow = input;
        let mut states = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let state = kept.and_then(|kept| kept.0.get(index)?.as_ref());
            let (next, state) = layer
                .forward_from(flow, state)
                .map_err(|source| Error::Layer {
                    index,
                    name: layer.name().into(),
                    source: Box::new(source),
                })?;
            flow = next;
            states.push(state);
        }
        Ok((flow, Kept(states)))
    }
}

impl<A: Element> Model<A> {
    /// The state of one sample before the first call, of every layer that keeps one.
    pub(crate) fn fresh_states(&self) -> Kept {
        Kept(self.layers.iter().map(|layer| layer.fresh()).collect())
    }
}

impl<A: Element> Default for Model<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Element> fmt::Debug for Model<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.layers().map(AnyLayer::name))
            .finish()
    }
}

impl<R> AnyLayer<R::Elem> for Layer<R>
where
    R: Recurrent + Send + Sync,
{
    fn name(&self) -> &str {
        self.inner().name()
    }

    fn forward(&self, input: Flow<R::Elem>) -> Result<Flow<R::Elem>> {
        self.forward_from(input, None).map(|(flow, _)| flow)
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn forward_from(
        &self,
        input: Flow<R::Elem>,
        kept: Option<&Slot>,
    ) -> Result<(Flow<R::Elem>, Option<Slot>)> {
        if self.returns().state {
            let expected = "false: a layer of a Model passes on one output";
            return Err(Error::value("return_state", expected, true));
        }
        let x = input
            .values
            .view()
            .into_dimensionality::<Ix3>()
            .map_err(|_| Error::Rank {
                array: "input",
                expected: match input.values.ndim() {
                    2 => "3 (samples, timesteps, features): does the layer before it return sequences?",
                    _ => "3 (samples, timesteps, features)",
                },
                found: input.values.ndim(),
            })?;
        let mut run = self.run(&x);
        if let Some(mask) = &input.mask {
            run = run.mask(mask);
        }
        if let Some(slot) = kept {
            run = run.from(slot.get().ok_or_else(another_model)?);
        }
        let returns = crate::Returns {
            state: true,
            ..self.returns()
        };
        let (values, state, sequences) = match run.returning(returns)? {
            Output::SequencesAndState(y, state) => (y.into_dyn(), Some(state), true),
            Output::LastAndState(y, state) => (y.into_dyn(), Some(state), false),
            Output::Last(y) => (y.into_dyn(), None, false),
            Output::Sequences(y) => (y.into_dyn(), None, true),
        };
        // The mask goes on as it came, also behind `go_backwards`: so does Keras.
        let mask = input.mask.filter(|_| sequences);
        let state = state.filter(|_| self.is_stateful()).map(Slot::new);
        Ok((Flow { values, mask }, state))
    }

    fn fresh(&self) -> Option<Slot> {
        let stateful = self.is_stateful();
        stateful.then(|| Slot::new(self.inner().zero_state(1)))
    }
}

fn another_model() -> Error {
    Error::value("state", "of the same model", "of another")
}

/// The kept state of one layer of a model.
pub struct Slot(Box<dyn AnyState>);

impl Slot {
    fn new(state: impl State) -> Self {
        Slot(Box::new(state))
    }

    fn get<S: State>(&self) -> Option<S> {
        self.0.as_any().downcast_ref().cloned()
    }
}

impl Clone for Slot {
    fn clone(&self) -> Self {
        Slot(self.0.boxed())
    }
}

/// A [`State`] whose type is forgotten.
trait AnyState: Send {
    fn as_any(&self) -> &dyn Any;
    fn boxed(&self) -> Box<dyn AnyState>;
    fn samples(&self) -> usize;
    fn zeros_like(&self, samples: usize) -> Box<dyn AnyState>;
    fn copy_sample(&mut self, row: usize, from: &dyn AnyState, from_row: usize) -> Result<()>;
    fn reset_sample(&mut self, row: usize) -> Result<()>;
}

impl<S: State> AnyState for S {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn boxed(&self) -> Box<dyn AnyState> {
        Box::new(self.clone())
    }
    fn samples(&self) -> usize {
        State::samples(self)
    }
    fn zeros_like(&self, samples: usize) -> Box<dyn AnyState> {
        Box::new(State::zeros_like(self, samples))
    }
    fn copy_sample(&mut self, row: usize, from: &dyn AnyState, from_row: usize) -> Result<()> {
        match from.as_any().downcast_ref::<S>() {
            Some(from) => State::copy_sample(self, row, from, from_row),
            None => Err(another_model()),
        }
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        State::reset_sample(self, row)
    }
}

/// The kept states of a model's layers, in their order; made by a [`Session`](crate::Session).
#[derive(Clone)]
pub struct Kept(Vec<Option<Slot>>);

impl State for Kept {
    fn samples(&self) -> usize {
        self.0
            .iter()
            .flatten()
            .next()
            .map_or(0, |slot| slot.0.samples())
    }
    fn zeros_like(&self, samples: usize) -> Self {
        let zeros = |slot: &Slot| Slot(slot.0.zeros_like(samples));
        Kept(self.0.iter().map(|slot| slot.as_ref().map(zeros)).collect())
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        if self.0.len() != from.0.len() {
            return Err(another_model());
        }
        for (slot, from) in self.0.iter_mut().zip(&from.0) {
            if let (Some(slot), Some(from)) = (slot, from) {
                slot.0.copy_sample(row, &*from.0, from_row)?;
            }
        }
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        self.0
            .iter_mut()
            .flatten()
            .try_for_each(|slot| slot.0.reset_sample(row))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("samples", &State::samples(self))
            .finish_non_exhaustive()
    }
}
