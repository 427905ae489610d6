//! `Stacked`: one layer on top of another.

use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Result, check, check_rate, check_size, of_part};
use crate::mask::Rows;
use crate::pass::{Pass, Sink};
use crate::unroll::{Advance, Stepping, Unroll};
use alloc::boxed::Box;
use ndarray::{Array3, ArrayView2, s};

/// Two layers on top of each other: the output of the lower one is the input of the upper one.
/// [`Recurrent::then`](crate::Recurrent::then) makes it. The state is the pair of states.
///
/// It gives the same numbers as two layers of a Keras `Sequential` (the lower one with `return_sequences`) and as Keras'
/// `RNN([cell, cell])`, even under masks. A mask applies to both layers, and `go_backwards` reverses the whole stack.
///
/// ```
/// use recurrent::{Gru, Lstm, Recurrent};
/// let net = Lstm::<f32>::builder(4, 8).build()?.then(Gru::builder(8, 3).build()?);
/// let x = ndarray::Array3::zeros((2, 5, 4));
/// let (h, (lstm, gru)) = net.run(&x).sequences_and_state()?;
/// assert_eq!((h.dim(), lstm.c.dim(), gru.h.dim()), ((2, 5, 3), (2, 8), (2, 3)));
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// A classifier of padded sequences with two bidirectional layers:
/// ```
/// use recurrent::{Activation, Bidirectional, Dense, Initializer, Lstm, Recurrent};
/// let both = |features| {
///     let lstm = || Lstm::<f32>::builder(features, 8);
///     Ok::<_, recurrent::Error>(Bidirectional::new(lstm().seed(1).build()?, lstm().seed(2).build()?))
/// };
/// let net = both(4)?.then(both(16)?); // each gives 2 x 8 features
/// let weights = Initializer::GlorotUniform.matrix(16, 3, 3)?;
/// let head = Dense::from_weights(weights, None)?.with_activation(Activation::Softmax)?;
/// let x = ndarray::Array3::zeros((2, 5, 4)); // samples, timesteps, features
/// let classes = head.forward(&net.run(&x).lengths(&[5, 3]).last()?)?; // the second sample ends after 3
/// assert_eq!(classes.dim(), (2, 3));
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// Every call returns an error if the features of the upper layer are not the units of the lower one.
#[derive(Clone, Debug)]
pub struct Stacked<L, U> {
    lower: L,
    upper: U,
    /// The rate of dropout between the layers.
    dropout: f64,
}

impl<L, U> Stacked<L, U> {
    pub(crate) fn new(lower: L, upper: U) -> Self {
        Stacked {
            lower,
            upper,
            dropout: 0.0,
        }
    }

    /// Sets the rate of dropout between the layers, from 0 to 1. The default is 0: nothing is dropped.
    ///
    /// In a training, each number that the lower layer hands up is replaced by 0 with this probability, and multiplied with
    /// 1 / (1 - rate) otherwise. Every timestep has a mask of its own, (samples, timesteps, units) in all. What the upper
    /// layer gives is not dropped, and nothing is dropped in inference. Returns an error if the rate is no probability.
    ///
    /// Source: `dropout` of `torch.nn.LSTM`. (That of Keras' layers is inside of a cell: see
    /// [`LstmBuilder::dropout`](crate::LstmBuilder::dropout).)
    ///
    /// ```
    /// use recurrent::{Gru, Lstm, Recurrent};
    /// let (lower, upper) = (Lstm::<f32>::builder(4, 8).build()?, Gru::builder(8, 3).build()?);
    /// let net = lower.then(upper).dropout(0.2)?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn dropout(mut self, rate: f64) -> Result<Self> {
        check_rate("dropout", rate)?;
        self.dropout = rate;
        Ok(self)
    }

    /// The rate of dropout between the layers.
    #[cfg(feature = "train")]
    pub(super) fn rate(&self) -> f64 {
        self.dropout
    }

    /// Takes both layers out of the wrapper.
    #[cfg(feature = "keras")]
    pub(crate) fn into_parts(self) -> (L, U) {
        (self.lower, self.upper)
    }

    /// The lower layer, which reads the input.
    pub fn lower(&self) -> &L {
        &self.lower
    }

    /// The upper layer, which gives the output.
    pub fn upper(&self) -> &U {
        &self.upper
    }
}

impl<L: Unroll, U: Unroll<Elem = L::Elem>> Describe<L::Elem> for Stacked<L, U> {
    fn class(&self) -> &'static str {
        "stacked"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<L::Elem>)) {
        let Stacked {
            lower,
            upper,
            dropout,
        } = self;
        each(Part::Option("dropout", dropout));
        each(Part::Layer("lower", Some("lower"), lower));
        each(Part::Layer("upper", Some("upper"), upper));
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<L::Elem>)) {
        each(PartMut::Layer(Some("lower"), &mut self.lower));
        each(PartMut::Layer(Some("upper"), &mut self.upper));
    }

    fn duplicate(&self) -> Option<Self> {
        Some(Stacked {
            lower: self.lower.duplicate()?,
            upper: self.upper.duplicate()?,
            dropout: self.dropout,
        })
    }
}

#[cfg(feature = "saved")]
impl<L, U> Saved for Stacked<L, U>
where
    L: Unroll + Saved,
    U: Unroll<Elem = <L as Unroll>::Elem> + Saved,
{
    type Number = <L as Unroll>::Elem;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("stacked")?;
        let stacked = Stacked::new(from.layer("lower")?, from.layer("upper")?);
        stacked.dropout(from.get_or("dropout", 0.0)?)
    }
}

impl<L: Unroll, U: Unroll<Elem = L::Elem>> Unroll for Stacked<L, U> {
    type Elem = L::Elem;
    type State = (L::State, U::State);

    fn input_size(&self) -> usize {
        self.lower.input_size()
    }

    fn output_size(&self) -> usize {
        self.upper.output_size()
    }

    fn zeros(&self, samples: usize) -> Self::State {
        (self.lower.zeros(samples), self.upper.zeros(samples))
    }

    fn multiply_adds(&self) -> Option<usize> {
        let (lower, upper) = (self.lower.multiply_adds()?, self.upper.multiply_adds()?);
        Some(lower.saturating_add(upper))
    }

    fn directions(&self) -> usize {
        self.lower.directions().max(self.upper.directions())
    }

    fn shares_steps(&self) -> bool {
        self.lower.shares_steps() || self.upper.shares_steps()
    }

    fn check(&self) -> Result<()> {
        self.lower.check()?;
        self.upper.check()?;
        check(
            "output of the lower layer",
            "units",
            self.upper.input_size(),
            self.lower.output_size(),
        )
    }

    fn is_causal(&self) -> bool {
        self.lower.is_causal() && self.upper.is_causal()
    }

    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()> {
        of_part("lower layer", self.lower.check_state(&state.0, samples))?;
        of_part("upper layer", self.upper.check_state(&state.1, samples))
    }

    fn unroll(
        &self,
        pass: Pass<L::Elem>,
        state: &mut Self::State,
        sink: Sink<L::Elem>,
    ) -> Result<()> {
        let (samples, timesteps, _) = pass.x.dim();
        let units = self.lower.output_size();
        let steps = stretch(self, samples, timesteps, units);
        let between = (samples, timesteps.min(steps), units);
        check_size(
            "output of the lower layer",
            &[between.0, between.1, between.2],
        )?;
        let mut between = Array3::zeros(between);
        pass.in_stretches(steps, sink, |pass, sink| {
            let mut between = between.slice_mut(s![.., ..pass.x.dim().1, ..]);
            // The lower layer writes in time order, so that the upper one can read in the order of the call.
            let lower = Pass {
                reversed: false,
                ..pass
            };
            self.lower
                .unroll(lower, &mut state.0, Sink::Sequences(between.view_mut()))?;
            self.upper
                .unroll(pass.over(between.view()), &mut state.1, sink)
        })
    }

    fn stepping(&self, samples: usize) -> Option<Box<dyn Stepping<Self>>>
    where
        Self: 'static,
    {
        let (lower, upper) = (self.lower.stepping(samples)?, self.upper.stepping(samples)?);
        Some(Box::new(Steps { lower, upper }))
    }
}

/// The engines that take single timesteps of both layers.
struct Steps<L, U> {
    lower: Box<dyn Stepping<L>>,
    upper: Box<dyn Stepping<U>>,
}

impl<L: Unroll, U: Unroll<Elem = L::Elem>> Stepping<Stacked<L, U>> for Steps<L, U> {
    fn settle(&self, of: &Stacked<L, U>, state: &mut (L::State, U::State)) -> Result<()> {
        self.lower.settle(&of.lower, &mut state.0)?;
        self.upper.settle(&of.upper, &mut state.1)
    }

    fn advance(
        &mut self,
        of: &Stacked<L, U>,
        x: ArrayView2<L::Elem>,
        rows: &Rows,
        state: &mut (L::State, U::State),
    ) -> Result<()> {
        self.lower.advance(&of.lower, x, rows, &mut state.0)?;
        let between = self.lower.output(&of.lower, &state.0)?;
        self.upper.advance(&of.upper, between, rows, &mut state.1)
    }

    fn output<'s>(
        &self,
        of: &Stacked<L, U>,
        state: &'s (L::State, U::State),
    ) -> Result<ArrayView2<'s, L::Elem>> {
        self.upper.output(&of.upper, &state.1)
    }

    fn may_fail(&self) -> bool {
        self.lower.may_fail() || self.upper.may_fail()
    }
}

/// The approximate number of bytes between two layers that stay in the cache until the upper layer reads them.
const BETWEEN: usize = 256 * 1024;

/// How many timesteps go from one layer of this stack to the next at a time, for this number of samples and units.
pub(super) fn stretch<R: Unroll>(of: &R, samples: usize, timesteps: usize, units: usize) -> usize {
    if !of.is_causal() {
        return timesteps;
    }
    let step = samples.saturating_mul(units);
    let step = step.saturating_mul(size_of::<R::Elem>());
    (BETWEEN / step.max(1)).max(1)
}

impl<L: Advance, U: Advance<Elem = L::Elem>> Advance for Stacked<L, U> {
    type Scratch = (L::Scratch, U::Scratch);

    fn scratch(&self, samples: usize) -> Self::Scratch {
        (self.lower.scratch(samples), self.upper.scratch(samples))
    }

    fn share(&self, scratch: &mut Self::Scratch, threads: usize) {
        self.lower.share(&mut scratch.0, threads);
        self.upper.share(&mut scratch.1, threads);
    }

    fn settle(&self, state: &mut Self::State) {
        self.lower.settle(&mut state.0);
        self.upper.settle(&mut state.1);
    }

    fn advance(
        &self,
        x: ArrayView2<L::Elem>,
        rows: &Rows,
        state: &mut Self::State,
        scratch: &mut Self::Scratch,
    ) -> Result<()> {
        self.lower.advance(x, rows, &mut state.0, &mut scratch.0)?;
        self.upper.advance(
            self.lower.output(&state.0),
            rows,
            &mut state.1,
            &mut scratch.1,
        )
    }

    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, L::Elem> {
        self.upper.output(&state.1)
    }
}
