//! `Layer`: a recurrent layer whose flags and options are fixed at construction, as in Keras.

use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::Result;
use crate::run::{Apart, Options, Run};
#[cfg(feature = "saved")]
use crate::unroll::Unroll;
use crate::{Bidirectional, Output, Recurrent, Returns};
use ndarray::{ArrayRef, Ix3};

/// A recurrent layer with Keras' constructor flags, as configurations and files describe it.
///
/// If you know the flags when you write the program, call the layer itself with [`Recurrent::run`]: the verb that ends the
/// call then fixes the type of the result. A `Layer` returns an [`Output`], whose variant depends on the flags.
///
/// ```
/// use recurrent::{Gru, Layer, Output};
/// let layer = Layer::new(Gru::<f32>::builder(2, 3).build()?).return_sequences(true).return_state(true);
/// let x = ndarray::Array3::zeros((4, 5, 2));
/// let Output::SequencesAndState(h, state) = layer.forward(&x)? else { unreachable!() };
/// assert_eq!((h.dim(), state.h.dim()), ((4, 5, 3), (4, 3)));
/// let masked = layer.run(&x).lengths(&[5, 4, 0, 1]).output()?; // a run with its options set
/// assert!(masked.sequences().is_some());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layer<R> {
    of: R,
    options: Options,
    stateful: bool,
    mask_with_state: bool,
}

/// The flags of a layer without the layer.
#[cfg(any(feature = "keras", feature = "saved"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    pub options: Options,
    pub stateful: bool,
    pub mask_with_state: bool,
}

#[cfg(feature = "saved")]
impl Flags {
    /// Takes the flags of a layer out of its description.
    pub(crate) fn read_from(from: &mut In) -> Result<Self> {
        Ok(Flags {
            options: from.get("options")?,
            stateful: from.get("stateful")?,
            mask_with_state: from.get("mask_with_state")?,
        })
    }
}

#[cfg(any(feature = "keras", feature = "saved"))]
impl Flags {
    /// The layer with these flags.
    pub(crate) fn of<R: Recurrent>(self, of: R) -> Layer<R> {
        let Flags {
            options,
            stateful,
            mask_with_state,
        } = self;
        Layer {
            of,
            options,
            stateful,
            mask_with_state,
        }
    }
}

impl<R: Recurrent> Layer<R> {
    /// Makes a layer with Keras' defaults: all flags are false.
    pub fn new(of: R) -> Self {
        Layer {
            of,
            options: Options::default(),
            stateful: true,
            mask_with_state: false,
        }
    }

    /// Whether to return the output of every timestep, (samples, timesteps, units), instead of the last one, (samples,
    /// units).
    pub fn return_sequences(mut self, yes: bool) -> Self {
        self.options.returns.sequences = yes;
        self
    }

    /// Whether to return the state after the last timestep as well.
    pub fn return_state(mut self, yes: bool) -> Self {
        self.options.returns.state = yes;
        self
    }

    /// Whether to read the last timestep first. Sequences are returned in processing order. See [`Run::go_backwards`].
    pub fn go_backwards(mut self, yes: bool) -> Self {
        self.options.go_backwards = yes;
        self
    }

    /// Whether to return the sequences of a backwards pass in the order of the input. Not in Keras. See
    /// [`Run::in_time_order`].
    pub fn in_time_order(mut self, yes: bool) -> Self {
        self.options.in_time_order = yes;
        self
    }

    /// Whether masked timesteps output 0 instead of the previous output. See [`Run::zero_output_for_mask`].
    pub fn zero_output_for_mask(mut self, yes: bool) -> Self {
        self.options.zero_output_for_mask = yes;
        self
    }

    /// Whether the input, the mask and the sequences have timesteps before samples. Keras 2 has this option, Keras 3 does
    /// not.
    pub fn time_major(mut self, yes: bool) -> Self {
        self.options.time_major = yes;
        self
    }

    /// Whether a [`Session`](crate::Session) keeps the state of this layer between calls. Yes, unless a model file says no.
    /// Without a session no state is ever kept: such a call is Keras' `stateful=False`.
    pub fn stateful(mut self, yes: bool) -> Self {
        self.stateful = yes;
        self
    }

    /// Whether this layer of a [`Model`](crate::Model) obeys the mask of its input if another layer gives its initial
    /// state. No by default: Keras 3 obeys such a mask only if the call names it (`mask=`). Keras 2 always did. In both
    /// cases the mask is passed on to the next layer.
    pub fn mask_with_state(mut self, yes: bool) -> Self {
        self.mask_with_state = yes;
        self
    }

    /// Runs the layer from its initial state and returns what the flags select. `x` is (samples, timesteps, features). Returns
    /// an error if `x` does not fit the layer.
    pub fn forward(&self, x: &ArrayRef<R::Elem, Ix3>) -> Result<Output<R::Elem, R::State>> {
        self.run(x).output()
    }

    /// Starts a call with the options of this layer. Add adjectives such as `.mask(&m)` or `.initial_state(state)`, and end
    /// it with [`Run::output`] or another verb.
    pub fn run<'a>(&'a self, x: &'a ArrayRef<R::Elem, Ix3>) -> Run<'a, R> {
        self.of.run(x).with_options(self.options)
    }

    /// The recurrent layer without the flags.
    pub fn inner(&self) -> &R {
        &self.of
    }

    /// The two flags that select what is returned.
    pub fn returns(&self) -> Returns {
        self.options.returns
    }

    #[cfg(feature = "train")]
    pub(crate) fn is_time_major(&self) -> bool {
        self.options.time_major
    }

    pub(crate) fn is_stateful(&self) -> bool {
        self.stateful
    }

    pub(crate) fn obeys_mask_with_state(&self) -> bool {
        self.mask_with_state
    }

    pub(crate) fn zeroes_masked_output(&self) -> bool {
        self.options.zero_output_for_mask
    }

    /// The reason why the layer cannot take one timestep at a time, or `None` if it can.
    pub(crate) fn whole(&self) -> Option<&'static str> {
        let Options {
            go_backwards,
            time_major,
            ..
        } = self.options;
        if !self.of.is_causal() {
            Some("it reads from both ends")
        } else if go_backwards {
            Some("it reads the last timestep first")
        } else if time_major {
            Some("its timesteps come before its samples")
        } else {
            None
        }
    }
}

impl<R: Recurrent> Describe<R::Elem> for Layer<R> {
    fn class(&self) -> &'static str {
        "layer"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<R::Elem>)) {
        let Layer {
            of,
            options,
            stateful,
            mask_with_state,
        } = self;
        each(Part::Option("options", options));
        each(Part::Option("stateful", stateful));
        each(Part::Option("mask_with_state", mask_with_state));
        each(Part::Layer("layer", None, of));
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<R::Elem>)) {
        each(PartMut::Layer(None, &mut self.of));
    }

    fn duplicate(&self) -> Option<Self> {
        Some(Layer {
            of: self.of.duplicate()?,
            ..*self
        })
    }
}

#[cfg(feature = "saved")]
impl<R: Recurrent + Saved> Saved for Layer<R> {
    type Number = <R as Unroll>::Elem;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("layer")?;
        let flags = Flags::read_from(from)?;
        Ok(flags.of(from.layer("layer")?))
    }
}

impl<F: Recurrent, B: Recurrent<Elem = F::Elem>> Layer<Bidirectional<F, B>> {
    /// Starts a call with the options of this layer that returns the outputs of both directions. See
    /// [`Bidirectional::run_apart`].
    pub fn run_apart<'a>(
        &'a self,
        x: &'a ArrayRef<F::Elem, Ix3>,
    ) -> Run<'a, Bidirectional<F, B>, Apart> {
        self.of.run_apart(x).with_options(self.options)
    }
}
