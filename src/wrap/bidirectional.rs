//! `Bidirectional`: one layer reads the sequence forwards, another one backwards.

use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Result, check, of_part};
use crate::pass::{Pass, Sink};
use crate::run::{Apart, Run};
use crate::threads::both;
use crate::unroll::Unroll;
use crate::{BiState, Element};
use ndarray::{Array2, Array3, ArrayRef, ArrayViewMut, Axis, Dimension, Ix3};

/// How a [`Bidirectional`] merges the outputs of its two directions. For Keras' `merge_mode=None`, which returns both
/// outputs, call [`Bidirectional::run_apart`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub enum MergeMode {
    /// The forward units, then the backward units.
    #[default]
    Concat,
    /// The sum, forward + backward.
    Sum,
    /// The product, forward * backward.
    Mul,
    /// The average, (forward + backward) / 2.
    Ave,
}

crate::names::names!(MergeMode, "merge_mode", { Concat: "concat", Sum: "sum", Mul: "mul", Ave: "ave" });

/// Two layers over the same input, the second of which reads it backwards.
///
/// ```text
/// sequences[t] = merge(forward at t, backward at t)
/// last         = merge(forward after the last timestep, backward after t = 0)
/// ```
/// Give both layers as forward layers; `Bidirectional` reverses the second one. States are never merged: [`BiState`] has
/// `forward` and `backward`.
///
/// As in Keras, sequences are 0 at masked timesteps, and the last output repeats the previous one: the layer sets
/// `zero_output_for_mask` to whether sequences are returned, whatever the call says. With `go_backwards` both directions
/// read the other way, and the sequences are in the processing order of the forward layer.
///
/// Source: Schuster & Paliwal, "Bidirectional Recurrent Neural Networks" (1997); `keras.layers.Bidirectional`.
///
/// ```
/// use recurrent::{Bidirectional, Lstm, MergeMode, Recurrent};
/// // Without a seed of its own the other direction would start from the same weights.
/// let (forward, backward) = (Lstm::<f32>::builder(4, 3).build()?, Lstm::builder(4, 3).seed(1).build()?);
/// let bi = Bidirectional::new(forward, backward);
/// let x = ndarray::Array3::zeros((2, 5, 4));
/// assert_eq!(bi.run(&x).sequences()?.dim(), (2, 5, 6));
/// let (forward, backward) = bi.run_apart(&x).sequences()?;
/// assert_eq!((forward.dim(), backward.dim()), ((2, 5, 3), (2, 5, 3)));
/// assert_eq!(bi.merge_mode(MergeMode::Sum).run(&x).last()?.dim(), (2, 3));
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// Every call returns an error if the two layers have different features, or if a merge mode other than `Concat` is set and
/// they have different units.
#[derive(Clone, Debug)]
pub struct Bidirectional<F, B> {
    forward: F,
    backward: B,
    merge_mode: MergeMode,
    repeats_masked: bool,
}

impl<F, B> Bidirectional<F, B> {
    /// Makes a layer of both directions: `forward` reads t = 0 first, `backward` the last timestep first. The outputs are
    /// concatenated.
    pub fn new(forward: F, backward: B) -> Self {
        Bidirectional {
            forward,
            backward,
            merge_mode: MergeMode::Concat,
            repeats_masked: false,
        }
    }

    /// Sets how the two outputs are merged. The default is [`MergeMode::Concat`].
    pub fn merge_mode(mut self, merge_mode: MergeMode) -> Self {
        self.merge_mode = merge_mode;
        self
    }

    /// Whether masked timesteps of the sequences repeat the previous output of their direction. Keras 1 does so, and so
    /// does Keras 2 as a package of its own, but not the Keras 2 in TensorFlow.
    #[cfg(feature = "keras")]
    pub(crate) fn repeating_masked(mut self, yes: bool) -> Self {
        self.repeats_masked = yes;
        self
    }

    #[cfg(any(feature = "torch", feature = "train"))]
    pub(crate) fn mode(&self) -> MergeMode {
        self.merge_mode
    }

    #[cfg(feature = "train")]
    pub(super) fn repeats_masked(&self) -> bool {
        self.repeats_masked
    }

    /// The forward layer, which reads t = 0 first.
    pub fn forward_layer(&self) -> &F {
        &self.forward
    }

    /// The backward layer, which reads the last timestep first.
    pub fn backward_layer(&self) -> &B {
        &self.backward
    }
}

impl<F: Unroll, B: Unroll<Elem = F::Elem>> Bidirectional<F, B> {
    /// Starts a call that returns the outputs of both directions: Keras' `merge_mode=None`.
    pub fn run_apart<'a>(&'a self, x: &'a ArrayRef<F::Elem, Ix3>) -> Run<'a, Self, Apart> {
        Run::new(self, x.view())
    }

    /// The numbers of units of the forward and the backward layer.
    pub(crate) fn output_sizes(&self) -> [usize; 2] {
        [self.forward.output_size(), self.backward.output_size()]
    }

    fn unroll_apart(
        &self,
        pass: Pass<F::Elem>,
        state: &mut <Self as Unroll>::State,
        (forward, backward): (Sink<F::Elem>, Sink<F::Elem>),
    ) -> Result<()> {
        let sequences = matches!(forward, Sink::Sequences(_)) && !self.repeats_masked;
        let pass = Pass {
            zero_output_for_mask: sequences,
            ..pass
        };
        let threads = pass.threads;
        let pass = Pass {
            threads: threads.div_ceil(2),
            ..pass
        };
        let turned = Pass {
            backwards: !pass.backwards,
            ..pass
        };
        both(
            threads,
            || self.forward.unroll(pass, &mut state.forward, forward),
            || self.backward.unroll(turned, &mut state.backward, backward),
        )
    }

    /// Merges the backward output `with` into the forward output `to`, in place.
    fn merge_into<D: Dimension>(
        &self,
        to: ArrayViewMut<F::Elem, D>,
        with: ArrayViewMut<F::Elem, D>,
    ) {
        let half = F::Elem::from_f64(0.5);
        let mut to = to;
        to.zip_mut_with(&with, |f, &b| match self.merge_mode {
            MergeMode::Mul => *f *= b,
            MergeMode::Ave => *f = (*f + b) * half,
            MergeMode::Sum | MergeMode::Concat => *f += b,
        });
    }
}

impl<F: Unroll, B: Unroll<Elem = F::Elem>> Describe<F::Elem> for Bidirectional<F, B> {
    fn class(&self) -> &'static str {
        "bidirectional"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<F::Elem>)) {
        let Bidirectional {
            forward,
            backward,
            merge_mode,
            repeats_masked,
        } = self;
        each(Part::Option("merge_mode", merge_mode));
        each(Part::Option("repeats_masked", repeats_masked));
        each(Part::Layer("forward", Some("forward"), forward));
        each(Part::Layer("backward", Some("backward"), backward));
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<F::Elem>)) {
        each(PartMut::Layer(Some("forward"), &mut self.forward));
        each(PartMut::Layer(Some("backward"), &mut self.backward));
    }

    fn duplicate(&self) -> Option<Self> {
        Some(Bidirectional {
            forward: self.forward.duplicate()?,
            backward: self.backward.duplicate()?,
            ..*self
        })
    }
}

#[cfg(feature = "saved")]
impl<F, B> Saved for Bidirectional<F, B>
where
    F: Unroll + Saved,
    B: Unroll<Elem = <F as Unroll>::Elem> + Saved,
{
    type Number = <F as Unroll>::Elem;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("bidirectional")?;
        Ok(Bidirectional {
            forward: from.layer("forward")?,
            backward: from.layer("backward")?,
            merge_mode: from.get("merge_mode")?,
            repeats_masked: from.get("repeats_masked")?,
        })
    }
}

impl<F: Unroll, B: Unroll<Elem = F::Elem>> Unroll for Bidirectional<F, B> {
    type Elem = F::Elem;
    type State = BiState<F::State, B::State>;

    fn input_size(&self) -> usize {
        self.forward.input_size()
    }

    fn output_size(&self) -> usize {
        match self.merge_mode {
            MergeMode::Concat => self
                .forward
                .output_size()
                .saturating_add(self.backward.output_size()),
            _ => self.forward.output_size(),
        }
    }

    fn zeros(&self, samples: usize) -> Self::State {
        BiState {
            forward: self.forward.zeros(samples),
            backward: self.backward.zeros(samples),
        }
    }

    fn multiply_adds(&self) -> Option<usize> {
        let (forward, backward) = (
            self.forward.multiply_adds()?,
            self.backward.multiply_adds()?,
        );
        Some(forward.saturating_add(backward))
    }

    fn directions(&self) -> usize {
        self.forward.directions() + self.backward.directions()
    }

    fn shares_steps(&self) -> bool {
        self.forward.shares_steps() || self.backward.shares_steps()
    }

    fn check(&self) -> Result<()> {
        self.forward.check()?;
        self.backward.check()?;
        let features = self.forward.input_size();
        check(
            "input of the backward layer",
            "features",
            features,
            self.backward.input_size(),
        )?;
        match self.merge_mode {
            MergeMode::Concat => Ok(()),
            _ => check(
                "output of the backward layer",
                "units",
                self.forward.output_size(),
                self.backward.output_size(),
            ),
        }
    }

    fn is_causal(&self) -> bool {
        false
    }

    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()> {
        let forward = self.forward.check_state(&state.forward, samples);
        of_part("forward layer", forward)?;
        let backward = self.backward.check_state(&state.backward, samples);
        of_part("backward layer", backward)
    }

    fn unroll(
        &self,
        pass: Pass<F::Elem>,
        state: &mut Self::State,
        sink: Sink<F::Elem>,
    ) -> Result<()> {
        let units = self.forward.output_size();
        match (self.merge_mode, sink) {
            (MergeMode::Concat, Sink::Last(y)) => {
                let (f, b) = y.split_at(Axis(1), units);
                self.unroll_apart(pass, state, (Sink::Last(f), Sink::Last(b)))
            }
            (MergeMode::Concat, Sink::Sequences(y)) => {
                let (f, b) = y.split_at(Axis(2), units);
                self.unroll_apart(pass, state, (Sink::Sequences(f), Sink::Sequences(b)))
            }
            (_, Sink::Last(mut y)) => {
                let mut other = Array2::zeros(y.dim());
                let sinks = (Sink::Last(y.view_mut()), Sink::Last(other.view_mut()));
                self.unroll_apart(pass, state, sinks)?;
                self.merge_into(y, other.view_mut());
                Ok(())
            }
            (_, Sink::Sequences(mut y)) => {
                let mut other = Array3::zeros(y.dim());
                let sinks = (
                    Sink::Sequences(y.view_mut()),
                    Sink::Sequences(other.view_mut()),
                );
                self.unroll_apart(pass, state, sinks)?;
                self.merge_into(y, other.view_mut());
                Ok(())
            }
        }
    }
}

/// The verbs that run a call with two outputs, Keras' `merge_mode=None`. Each returns the forward and the backward output.
impl<F, B> Run<'_, Bidirectional<F, B>, Apart>
where
    F: Unroll,
    B: Unroll<Elem = F::Elem>,
{
    /// Returns the last output of each direction, (samples, units) each.
    pub fn last(self) -> Result<(Array2<F::Elem>, Array2<F::Elem>)> {
        self.last_and_state().map(|(f, b, _)| (f, b))
    }

    /// Returns the last output of each direction, (samples, units) each, and the states.
    pub fn last_and_state(
        self,
    ) -> Result<(
        Array2<F::Elem>,
        Array2<F::Elem>,
        <Bidirectional<F, B> as Unroll>::State,
    )> {
        let (pass, samples) = (self.check()?, self.samples());
        let [f, b] = self.of.output_sizes().map(|units| (samples, units));
        let (mut f, mut b) = (Array2::zeros(f), Array2::zeros(b));
        let sinks = (Sink::Last(f.view_mut()), Sink::Last(b.view_mut()));
        let end = self.drive(pass, |of, pass, state| of.unroll_apart(pass, state, sinks))?;
        Ok((f, b, end.into_state()))
    }

    /// Returns the output of each direction at every timestep, (samples, timesteps, units) each, both in the order of the
    /// forward layer.
    pub fn sequences(self) -> Result<(Array3<F::Elem>, Array3<F::Elem>)> {
        self.sequences_and_state().map(|(f, b, _)| (f, b))
    }

    /// Returns the output of each direction at every timestep, (samples, timesteps, units) each, and the states.
    pub fn sequences_and_state(
        self,
    ) -> Result<(
        Array3<F::Elem>,
        Array3<F::Elem>,
        <Bidirectional<F, B> as Unroll>::State,
    )> {
        let pass = self.check()?;
        let [f, b] = self
            .of
            .output_sizes()
            .map(|units| self.sequences_dim(units));
        let (mut f, mut b) = (Array3::zeros(f), Array3::zeros(b));
        let sinks = (
            self.sequences_sink(f.view_mut()),
            self.sequences_sink(b.view_mut()),
        );
        let end = self.drive(pass, |of, pass, state| of.unroll_apart(pass, state, sinks))?;
        Ok((f, b, end.into_state()))
    }
}
