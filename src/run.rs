//! `Run`: a call of a layer. Adjectives set its options, and one verb runs it.

#[cfg(feature = "train")]
use crate::backward::Keep;
use crate::error::{Error, Result, check, check_features, check_kept, check_size};
use crate::mask::Mask;
use crate::pass::{Pass, Sink};
use crate::share;
use crate::unroll::{Unroll, check_output};
use crate::{Output, Returns, State};
use core::marker::PhantomData;
use ndarray::{Array2, Array3, ArrayRef, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis, Ix2};

/// The options of a pass through time. A [`Layer`](crate::Layer) fixes them at construction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // four independent options of Keras
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Options {
    pub go_backwards: bool,
    pub in_time_order: bool,
    pub zero_output_for_mask: bool,
    pub time_major: bool,
    pub returns: Returns,
}

/// Marks a [`Run`] with one output; a `Bidirectional` merges its two directions into it.
/// [`Recurrent::run`](crate::Recurrent::run) starts it.
#[derive(Debug)]
pub struct Merged(());

/// Marks a [`Run`] with two outputs, one for each direction. [`Bidirectional::run_apart`](crate::Bidirectional::run_apart)
/// starts it.
#[derive(Debug)]
pub struct Apart(());

/// A call of a layer on one input. Adjectives set its options; it does nothing until a verb ends it.
///
/// | verb | returns |
/// | --- | --- |
/// | [`last`](Self::last) | (samples, units) |
/// | [`last_and_state`](Self::last_and_state) | (samples, units), state |
/// | [`sequences`](Self::sequences) | (samples, timesteps, units) |
/// | [`sequences_and_state`](Self::sequences_and_state) | (samples, timesteps, units), state |
/// | each `…_into` | the same, written to memory of the caller |
/// | [`returning`](Self::returning), [`output`](Self::output) | one of the four as an [`Output`] |
///
/// # Unusual input
/// Zero samples give arrays without rows. Zero timesteps give a last output of 0, empty sequences and the initial state. A
/// layer without features computes from its bias and state alone. NaN and infinities affect their own sample only. A masked
/// timestep is never read, so padding may hold anything. A [`Cell`](crate::Cell) of your own does see the padding, but its
/// result there is discarded.
///
/// # Errors
/// Each verb checks the whole call before it computes or changes anything. It returns an error if the input has other
/// features than the layer, if the mask, the lengths, the state or the output have another shape, if both a mask and
/// lengths are given, or if there is not enough memory for the output.
#[must_use = "a run does nothing until a verb ends it"]
#[derive(Debug)]
pub struct Run<'a, R: Unroll + ?Sized, V = Merged> {
    pub(crate) of: &'a R,
    x: ArrayView3<'a, R::Elem>,
    mask: Option<Mask<'a>>,
    conflict: bool,
    from: Option<R::State>,
    kept: Option<&'a mut Option<R::State>>,
    options: Options,
    #[cfg(feature = "train")]
    keep: Keep,
    verbs: PhantomData<V>,
}

impl<'a, R: Unroll + ?Sized, V> Run<'a, R, V> {
    pub(crate) fn new(of: &'a R, x: ArrayView3<'a, R::Elem>) -> Self {
        let options = Options::default();
        Run {
            of,
            x,
            mask: None,
            conflict: false,
            from: None,
            kept: None,
            options,
            #[cfg(feature = "train")]
            keep: Keep::default(),
            verbs: PhantomData,
        }
    }

    pub(crate) fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Whether the call starts from a state that it was given, or that a session kept.
    #[cfg(feature = "train")]
    pub(crate) fn has_state(&self) -> bool {
        self.from.is_some() || self.kept.as_deref().is_some_and(Option::is_some)
    }

    /// What a recorded pass keeps for its backward pass.
    #[cfg(feature = "train")]
    pub(crate) fn keep(&self) -> Keep {
        self.keep
    }

    #[cfg(feature = "train")]
    pub(crate) fn keep_only(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    #[cfg(feature = "train")]
    pub(crate) fn options(&self) -> Options {
        self.options
    }

    /// Starts from the state in `slot`, if there is one, and stores the final state there.
    pub(crate) fn keeping(mut self, slot: &'a mut Option<R::State>) -> Self {
        self.kept = Some(slot);
        self
    }

    /// Starts from this state instead of zeros: Keras' `initial_state`.
    pub fn initial_state(mut self, state: R::State) -> Self {
        self.from = Some(state);
        self
    }

    /// Masks timesteps: `false` marks a timestep that does not exist, such as padding. The mask is (samples, timesteps) and
    /// may have any pattern.
    ///
    /// At a masked timestep the sample keeps its state and repeats its previous output. Before its first real timestep the
    /// output is 0, not the initial state. With [`time_major`](Self::time_major) the mask is (timesteps, samples), like the
    /// input.
    pub fn mask(mut self, mask: &'a ArrayRef<bool, Ix2>) -> Self {
        self.conflict |= self.mask.is_some();
        self.mask = Some(Mask::Steps(mask.view()));
        self
    }

    /// Masks right padding: only the first `lengths[r]` timesteps of sample `r` are real. It has the effect of the
    /// [`mask`](Self::mask) with that pattern. An error is returned if a length is larger than the number of timesteps.
    pub fn lengths(mut self, lengths: &'a [usize]) -> Self {
        self.conflict |= self.mask.is_some();
        self.mask = Some(Mask::Lengths(lengths));
        self
    }

    /// Reads the last timestep first. As in Keras, sequences are returned in processing order: entry 0 belongs to the last
    /// timestep. Add [`in_time_order`](Self::in_time_order) to make entry 0 belong to the first one.
    pub fn go_backwards(mut self) -> Self {
        self.options.go_backwards = true;
        self
    }

    /// Returns the sequences of a backwards pass in the order of the input, as `PyTorch` and ONNX do.
    pub fn in_time_order(mut self) -> Self {
        self.options.in_time_order = true;
        self
    }

    /// Makes masked timesteps output 0 instead of the previous output.
    ///
    /// This holds for the last output, too: it is 0 if the timestep that is processed last is masked, even without
    /// sequences. Keras does so as well, contrary to its documentation. In a [`Bidirectional`](crate::Bidirectional) this
    /// option has no effect: as in Keras 3, masked timesteps output 0 if sequences are returned, and the previous output if
    /// not.
    pub fn zero_output_for_mask(mut self) -> Self {
        self.options.zero_output_for_mask = true;
        self
    }

    /// Puts timesteps before samples in the input, the mask and the sequences: (timesteps, samples, features).
    pub fn time_major(mut self) -> Self {
        self.options.time_major = true;
        self
    }

    /// Checks the whole call before anything is computed or changed.
    #[inline]
    pub(crate) fn check(&self) -> Result<Pass<'a, R::Elem>> {
        let Options {
            go_backwards,
            in_time_order,
            zero_output_for_mask,
            time_major,
            ..
        } = self.options;
        if self.conflict {
            return Err(Error::value(
                "mask",
                "one of `mask` and `lengths`, once",
                "given twice",
            ));
        }
        let (mut x, mut mask) = (self.x, self.mask);
        if time_major {
            x.swap_axes(0, 1);
            if let Some(Mask::Steps(mask)) = &mut mask {
                mask.swap_axes(0, 1);
            }
        }
        let (samples, timesteps, features) = x.dim();
        self.of.check()?;
        if time_major {
            check("input", "features", self.of.input_size(), features)?;
        } else {
            check_features(self.of.input_size(), x.dim())?;
        }
        check_size(
            "output",
            &[samples, timesteps.max(1), self.of.output_size()],
        )?;
        if let Some(mask) = &mask {
            mask.check(samples, timesteps)?;
        }
        let kept = self.kept.as_deref().and_then(Option::as_ref);
        if let (None, Some(kept)) = (&self.from, kept) {
            check_kept(kept.samples(), samples)?;
        }
        if let Some(state) = self.from.as_ref().or(kept) {
            self.of.check_state(state, samples)?;
        }
        let mut pass = Pass {
            x,
            mask,
            backwards: go_backwards,
            started: None,
            reversed: go_backwards && !in_time_order,
            zero_output_for_mask,
            threads: 1,
        };
        pass.threads = share::worth(self.of, &pass);
        Ok(pass)
    }

    #[inline]
    pub(crate) fn samples(&self) -> usize {
        self.x.len_of(Axis(usize::from(self.options.time_major)))
    }

    /// The shape of the sequences in the caller's order of axes.
    #[inline]
    pub(crate) fn sequences_dim(&self, units: usize) -> (usize, usize, usize) {
        let (first, second, _) = self.x.dim();
        (first, second, units)
    }

    /// The caller's memory in the order of axes of the pass, samples first.
    #[inline]
    pub(crate) fn sequences_sink<'o>(
        &self,
        mut out: ArrayViewMut3<'o, R::Elem>,
    ) -> Sink<'o, R::Elem> {
        if self.options.time_major {
            out.swap_axes(0, 1);
        }
        Sink::Sequences(out)
    }

    /// Takes the initial state and lets `run` advance it to the end of the pass.
    #[inline]
    pub(crate) fn drive(
        self,
        pass: Pass<R::Elem>,
        run: impl FnOnce(&R, Pass<R::Elem>, &mut R::State) -> Result<()>,
    ) -> Result<End<'a, R::State>> {
        // This is a copy: if a user's cell fails during the pass, the kept state is unchanged.
        let kept = || self.kept.as_deref().cloned().flatten();
        let mut state = match self.from.or_else(kept) {
            Some(state) => state,
            None => self.of.zeros(pass.x.dim().0),
        };
        run(self.of, pass, &mut state)?;
        Ok(match self.kept {
            Some(slot) => End::Kept(slot.insert(state)),
            None => End::Owned(state),
        })
    }

    #[inline]
    fn unroll(self, pass: Pass<R::Elem>, sink: Sink<R::Elem>) -> Result<End<'a, R::State>> {
        self.drive(pass, |of, pass, state| share::unroll(of, pass, state, sink))
    }

    #[inline]
    fn into_last(self, out: ArrayViewMut2<R::Elem>) -> Result<End<'a, R::State>> {
        let pass = self.check()?;
        check_output("output", self.samples(), self.of.output_size(), out.dim())?;
        self.unroll(pass, Sink::Last(out))
    }

    #[inline]
    fn into_sequences(self, out: ArrayViewMut3<R::Elem>) -> Result<End<'a, R::State>> {
        let pass = self.check()?;
        let mut names = ["samples", "timesteps", "units"];
        if self.options.time_major {
            names.swap(0, 1);
        }
        let expected: [usize; 3] = self.sequences_dim(self.of.output_size()).into();
        for (axis, name) in names.into_iter().enumerate() {
            check("output", name, expected[axis], out.len_of(Axis(axis)))?;
        }
        let sink = self.sequences_sink(out);
        self.unroll(pass, sink)
    }

    fn new_last(self) -> Result<(Array2<R::Elem>, End<'a, R::State>)> {
        let pass = self.check()?;
        let mut y = Array2::zeros((self.samples(), self.of.output_size()));
        let sink = Sink::Last(y.view_mut());
        let end = self.unroll(pass, sink)?;
        Ok((y, end))
    }

    fn new_sequences(self) -> Result<(Array3<R::Elem>, End<'a, R::State>)> {
        let pass = self.check()?;
        let mut y = Array3::zeros(self.sequences_dim(self.of.output_size()));
        let sink = self.sequences_sink(y.view_mut());
        let end = self.unroll(pass, sink)?;
        Ok((y, end))
    }
}

/// The state at the end of a pass. A state that a session keeps is copied only if the caller wants it.
pub(crate) enum End<'a, S> {
    Owned(S),
    Kept(&'a S),
}

impl<S: State> End<'_, S> {
    pub(crate) fn into_state(self) -> S {
        match self {
            End::Owned(state) => state,
            End::Kept(state) => state.clone(),
        }
    }
}

/// The verbs that run a call with one output.
impl<R: Unroll + ?Sized> Run<'_, R> {
    /// Returns the last output, (samples, units): Keras' `return_sequences=False`.
    ///
    /// As in Keras, this is the last *appended* output: after padding at the end it is the output of the sample's last real
    /// timestep. It can differ from `state.h`:
    ///
    /// * It is 0 if all timesteps of a sample are masked; the state then keeps its initial value.
    /// * It is 0 under [`zero_output_for_mask`](Self::zero_output_for_mask) if the timestep that is processed last is
    ///   masked.
    /// * In a [`Bidirectional`](crate::Bidirectional) it merges the last outputs of both directions. The backward direction
    ///   has just read t = 0.
    pub fn last(self) -> Result<Array2<R::Elem>> {
        Ok(self.new_last()?.0)
    }

    /// Returns the last output, (samples, units), and the state after it: Keras' `return_state=True`.
    pub fn last_and_state(self) -> Result<(Array2<R::Elem>, R::State)> {
        self.new_last().map(|(y, end)| (y, end.into_state()))
    }

    /// Returns the output of every timestep, (samples, timesteps, units): Keras' `return_sequences=True`.
    pub fn sequences(self) -> Result<Array3<R::Elem>> {
        Ok(self.new_sequences()?.0)
    }

    /// Returns the output of every timestep, (samples, timesteps, units), and the state after the last one.
    pub fn sequences_and_state(self) -> Result<(Array3<R::Elem>, R::State)> {
        self.new_sequences().map(|(y, end)| (y, end.into_state()))
    }

    /// Writes the last output to `out`, (samples, units). See [`last`](Self::last).
    pub fn last_into(self, out: ArrayViewMut2<R::Elem>) -> Result<()> {
        self.into_last(out).map(drop)
    }

    /// Writes the last output to `out`, (samples, units), and returns the state after it. The state reuses the memory of
    /// [`initial_state`](Self::initial_state).
    pub fn last_and_state_into(self, out: ArrayViewMut2<R::Elem>) -> Result<R::State> {
        self.into_last(out).map(End::into_state)
    }

    /// Writes the output of every timestep to `out`, (samples, timesteps, units).
    pub fn sequences_into(self, out: ArrayViewMut3<R::Elem>) -> Result<()> {
        self.into_sequences(out).map(drop)
    }

    /// Writes the output of every timestep to `out`, (samples, timesteps, units), and returns the state after the last one.
    /// The state reuses the memory of [`initial_state`](Self::initial_state).
    pub fn sequences_and_state_into(self, out: ArrayViewMut3<R::Elem>) -> Result<R::State> {
        self.into_sequences(out).map(End::into_state)
    }

    /// Runs the verb that these flags select.
    pub fn returning(self, returns: Returns) -> Result<Output<R::Elem, R::State>> {
        Ok(match (returns.sequences, returns.state) {
            (false, false) => Output::Last(self.last()?),
            (false, true) => {
                let (y, state) = self.last_and_state()?;
                Output::LastAndState(y, state)
            }
            (true, false) => Output::Sequences(self.sequences()?),
            (true, true) => {
                let (y, state) = self.sequences_and_state()?;
                Output::SequencesAndState(y, state)
            }
        })
    }

    /// Runs the verb that the flags of the [`Layer`](crate::Layer) select. A run that no `Layer` started returns the last
    /// output.
    pub fn output(self) -> Result<Output<R::Elem, R::State>> {
        let returns = self.options.returns;
        self.returning(returns)
    }
}
