//! A call: adjectives that say how, then one verb that says what is returned.

use crate::error::{Error, Result, check, check_features, check_kept, check_size};
use crate::mask::Mask;
use crate::pass::{Pass, Sink};
use crate::share;
use crate::unroll::{Unroll, check_output};
use crate::{Output, Returns, State};
use core::marker::PhantomData;
use ndarray::{Array2, Array3, ArrayRef, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis, Ix2};

/// How a pass goes through time; a [`Layer`](crate::Layer) fixes it at construction.
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

/// Both directions of a `Bidirectional` merged into one output: what [`Recurrent::run`](crate::Recurrent::run) starts.
#[derive(Debug)]
pub struct Merged(());

/// Two outputs, one of each direction: what [`Bidirectional::run_apart`](crate::Bidirectional::run_apart) starts.
#[derive(Debug)]
pub struct Apart(());

/// A call of a layer on one input, with its adjectives. It does nothing until a verb ends it.
///
/// | verb | returns |
/// | --- | --- |
/// | [`last`](Self::last) | (samples, units) |
/// | [`last_and_state`](Self::last_and_state) | (samples, units), state |
/// | [`sequences`](Self::sequences) | (samples, timesteps, units) |
/// | [`sequences_and_state`](Self::sequences_and_state) | (samples, timesteps, units), state |
/// | each `…_into` | the same into memory of yours |
/// | [`returning`](Self::returning), [`output`](Self::output) | one of the four as an [`Output`] |
///
/// # What is decided for unusual input
/// Zero samples give arrays without rows. Zero timesteps give `last` = 0, empty sequences and the initial state. A layer
/// without features runs on its bias and state alone. NaN and infinities go through the arithmetic of their own sample
/// and touch no other; a masked step is not read at all, so padding may hold anything. (But a [`Cell`](crate::Cell) of your
/// own sees the padding; what it makes of that is thrown away.)
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
            verbs: PhantomData,
        }
    }

    pub(crate) fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Starts from the state in `slot`, if any, and leaves the state at the end there.
    pub(crate) fn keeping(mut self, slot: &'a mut Option<R::State>) -> Self {
        self.kept = Some(slot);
        self
    }

    /// Starts from this state instead of zero: Keras' `initial_state`.
    pub fn initial_state(mut self, state: R::State) -> Self {
        self.from = Some(state);
        self
    }

    /// `false` marks a step that is not there, (samples, timesteps), any pattern.
    ///
    /// A masked step holds the state and repeats the previous output; before the first real step of a sample that is
    /// 0, not the initial state. In a `time_major` run the mask is (timesteps, samples), like the input.
    pub fn mask(mut self, mask: &'a ArrayRef<bool, Ix2>) -> Self {
        self.conflict |= self.mask.is_some();
        self.mask = Some(Mask::Steps(mask.view()));
        self
    }

    /// Right padding: only the first `lengths[r]` timesteps of sample `r` are real. The same as the mask that says so.
    pub fn lengths(mut self, lengths: &'a [usize]) -> Self {
        self.conflict |= self.mask.is_some();
        self.mask = Some(Mask::Lengths(lengths));
        self
    }

    /// Reads the last timestep first. Sequences come in processing order, as in Keras: entry 0 belongs to the last
    /// timestep. Add [`in_time_order`](Self::in_time_order) to have entry 0 belong to the first.
    pub fn go_backwards(mut self) -> Self {
        self.options.go_backwards = true;
        self
    }

    /// Sequences of a backwards pass come in the order of the input, as in `PyTorch` and ONNX.
    pub fn in_time_order(mut self) -> Self {
        self.options.in_time_order = true;
        self
    }

    /// A masked step outputs 0 instead of the previous output. The last output, too: it is 0 when the last processed
    /// step is masked, also without sequences (as Keras does, whatever its documentation says).
    ///
    /// A [`Bidirectional`](crate::Bidirectional) sets this by itself to whether sequences are returned, as in Keras.
    pub fn zero_output_for_mask(mut self) -> Self {
        self.options.zero_output_for_mask = true;
        self
    }

    /// Input, mask and sequences have timesteps before samples: (timesteps, samples, features).
    pub fn time_major(mut self) -> Self {
        self.options.time_major = true;
        self
    }

    /// Checks everything that can be wrong with the call before anything is computed or changed.
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

    /// The shape of the sequences as the caller sees them.
    #[inline]
    pub(crate) fn sequences_dim(&self, units: usize) -> (usize, usize, usize) {
        let (first, second, _) = self.x.dim();
        (first, second, units)
    }

    /// The caller's memory as the pass sees it, samples first.
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

    /// Takes the initial state and lets `run` bring it to the end of the pass.
    #[inline]
    pub(crate) fn drive(
        self,
        pass: Pass<R::Elem>,
        run: impl FnOnce(&R, Pass<R::Elem>, &mut R::State) -> Result<()>,
    ) -> Result<End<'a, R::State>> {
        // A copy: should a cell of the user's own break its word in the middle, the kept state is still there.
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

/// The state at the end of a pass; where a session keeps it, it is copied only for those who want it.
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

/// The verbs.
impl<R: Unroll + ?Sized> Run<'_, R> {
    /// The last output, (samples, units): `return_sequences=False`.
    ///
    /// It is the last *appended* output, as in Keras: behind padding at the end, that of the sample's last real timestep.
    /// It is not always `state.h`: it is 0 where a whole sample is masked (its state is held), or where the last processed
    /// step is masked under `zero_output_for_mask`; and in a [`Bidirectional`](crate::Bidirectional) it joins the last output of each direction,
    /// of which the backward one has just read t = 0.
    pub fn last(self) -> Result<Array2<R::Elem>> {
        Ok(self.new_last()?.0)
    }

    /// The last output, and the state after it: `return_state=True`.
    pub fn last_and_state(self) -> Result<(Array2<R::Elem>, R::State)> {
        self.new_last().map(|(y, end)| (y, end.into_state()))
    }

    /// The output of every timestep, (samples, timesteps, units): `return_sequences=True`.
    pub fn sequences(self) -> Result<Array3<R::Elem>> {
        Ok(self.new_sequences()?.0)
    }

    /// The output of every timestep, and the state after the last: both flags.
    pub fn sequences_and_state(self) -> Result<(Array3<R::Elem>, R::State)> {
        self.new_sequences().map(|(y, end)| (y, end.into_state()))
    }

    /// [`last`](Self::last) into memory of the caller's, (samples, units).
    pub fn last_into(self, out: ArrayViewMut2<R::Elem>) -> Result<()> {
        self.into_last(out).map(drop)
    }

    /// [`last_and_state`](Self::last_and_state) into memory of the caller's; the state reuses that of
    /// [`from`](Self::from).
    pub fn last_and_state_into(self, out: ArrayViewMut2<R::Elem>) -> Result<R::State> {
        self.into_last(out).map(End::into_state)
    }

    /// [`sequences`](Self::sequences) into memory of the caller's, (samples, timesteps, units).
    pub fn sequences_into(self, out: ArrayViewMut3<R::Elem>) -> Result<()> {
        self.into_sequences(out).map(drop)
    }

    /// [`sequences_and_state`](Self::sequences_and_state) into memory of the caller's; the state reuses that of
    /// [`from`](Self::from).
    pub fn sequences_and_state_into(self, out: ArrayViewMut3<R::Elem>) -> Result<R::State> {
        self.into_sequences(out).map(End::into_state)
    }

    /// The verb that these flags choose.
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

    /// The verb that the flags of the [`Layer`](crate::Layer) choose which began this run; without one, the last output.
    pub fn output(self) -> Result<Output<R::Elem, R::State>> {
        let returns = self.options.returns;
        self.returning(returns)
    }
}
