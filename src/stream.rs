//! `Stream`: a layer that takes one timestep at a time, in real time.

use crate::State;
use crate::error::{Error, Result, check};
use crate::mask::Rows;
use crate::state::check_samples;
use crate::unroll::{Advance, check_output};
use alloc::vec::Vec;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// A layer that takes one timestep at a time and keeps its state in between.
///
/// A stream owns its state and its scratch memory. It borrows, owns or shares its weights:
///
/// | made by | weights | |
/// | --- | --- | --- |
/// | [`layer.stream(n)`](crate::Causal::stream) | borrowed | |
/// | [`layer.into_stream(n)`](crate::Causal::into_stream) | owned | `Send + 'static` |
/// | [`Arc::clone(&layer).into_stream(n)`](crate::Causal::into_stream) | shared | `Send + 'static` |
///
/// Pushing every timestep of a sequence gives the numbers that [`Run::sequences`](crate::Run::sequences) gives in one call.
/// A push of a built-in layer allocates nothing; see [`doc::real_time`](crate::doc::real_time).
///
/// ```
/// use recurrent::{Causal, Lstm, Recurrent};
/// use std::sync::Arc;
/// let lstm = Arc::new(Lstm::<f32>::builder(2, 3).build()?);
/// let mut live = Arc::clone(&lstm).into_stream(1);
/// let thread = std::thread::spawn(move || -> recurrent::Result<f32> {
///     live.push(&[[0.1, 0.2]])?;               // (samples, features) in, (samples, units) out
///     let h = live.push_slice(&[0.3, 0.1])?;   // the same without ndarray
///     Ok(h[0])
/// });
/// let h = thread.join().unwrap()?;
/// let x = ndarray::array![[[0.1, 0.2], [0.3, 0.1]]];
/// assert_eq!(h, lstm.run(&x).last()?[[0, 0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Debug)]
pub struct Stream<R: Advance> {
    of: R,
    state: R::State,
    /// The state of one sample before its first timestep.
    fresh: R::State,
    scratch: R::Scratch,
    rows: Rows,
    zero_output_for_mask: bool,
    /// The outputs of a masked timestep, if they differ from those of the state.
    masked: Array2<R::Elem>,
}

/// Everything that the next push of a [`Stream`] depends on, except the weights.
///
/// With the feature `serde` it can be written in any serde format. For an [`Lstm`](crate::Lstm) the type is
/// `StreamState<LstmState<f32>>`:
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use recurrent::{Causal, HiddenState, Gru, StreamState};
/// let gru = Gru::<f32>::builder(1, 3).build()?;
/// let mut live = gru.stream(1);
/// live.push_slice(&[0.5])?;
/// let text = serde_json::to_string(&live.snapshot())?; // in this process
///
/// let snapshot: StreamState<HiddenState<f32>> = serde_json::from_str(&text)?; // in another
/// let mut again = gru.stream(1);
/// again.resume(snapshot)?;
/// assert_eq!(again.push_slice(&[0.25])?, live.push_slice(&[0.25])?);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct StreamState<S> {
    /// The state of the layer after the last push.
    pub state: S,
    /// Which samples have taken a step. The masked output of the others is 0.
    pub started: Vec<bool>,
    /// Whether masked samples output 0 instead of their previous output.
    pub zero_output_for_mask: bool,
}

impl<R: Advance> Stream<R> {
    /// Makes a stream of `samples` samples that starts from the layer's initial state.
    ///
    /// # Panics
    /// Panics or aborts if there is not enough memory, as every allocation does.
    pub fn new(of: R, samples: usize) -> Self {
        let (mut state, fresh) = (of.zeros(samples), of.zeros(1));
        of.settle(&mut state);
        let scratch = of.scratch(samples);
        let masked = Array2::zeros((samples, of.output_size()));
        Stream {
            of,
            state,
            fresh,
            scratch,
            rows: Rows::new(samples, None),
            zero_output_for_mask: false,
            masked,
        }
    }

    /// Makes masked samples output 0 instead of their previous output.
    pub fn zero_output_for_mask(mut self) -> Self {
        self.zero_output_for_mask = true;
        self
    }

    /// Lets up to `threads` threads share the step of one sample. The bits of the results stay the same.
    ///
    /// Steps are shared only if they read a megabyte or more of recurrent kernel (an LSTM of 256 units in `f32`). The
    /// threads are those of the rayon pool in which `push` is called (`rayon::ThreadPool::install`). Without this call a
    /// stream never leaves its thread; with it, a step wakes other threads, which takes locks and system calls. Without the
    /// feature `rayon` this call has no effect.
    pub fn threads(mut self, threads: usize) -> Self {
        self.of.share(&mut self.scratch, threads);
        self
    }

    /// The number of samples in each push.
    pub fn samples(&self) -> usize {
        self.rows.samples()
    }

    /// The layer of the stream.
    pub fn layer(&self) -> &R {
        &self.of
    }

    /// Takes one timestep of all samples and returns their output: (samples, features) in, (samples, units) out.
    ///
    /// `x` can be any view of two axes: `x.view()`, `&array` or `&[[0.1, 0.2]]`. For a plain slice use
    /// [`push_slice`](Self::push_slice). Returns an error, and changes nothing, if `x` has another shape.
    pub fn push<'x>(
        &mut self,
        x: impl Into<ArrayView2<'x, R::Elem>>,
    ) -> Result<ArrayView2<'_, R::Elem>> {
        self.step(x.into())?;
        Ok(self.of.output(&self.state))
    }

    #[inline]
    fn step(&mut self, x: ArrayView2<R::Elem>) -> Result<()> {
        self.check_input(&x)?;
        self.rows.choose_all();
        let Stream {
            of,
            state,
            scratch,
            rows,
            ..
        } = self;
        of.advance(x, rows, state, scratch)
    }

    /// Takes one timestep of the samples whose `mask` is true, and returns the output of all samples, (samples, units).
    ///
    /// The other samples keep their state and repeat their previous output. Their output is 0 before their first real
    /// timestep and under [`zero_output_for_mask`](Self::zero_output_for_mask). Returns an error if `x` or `mask` has
    /// another shape.
    pub fn push_masked<'x>(
        &mut self,
        x: impl Into<ArrayView2<'x, R::Elem>>,
        mask: &[bool],
    ) -> Result<ArrayView2<'_, R::Elem>> {
        let x = x.into();
        self.check_input(&x)?;
        check("mask", "samples", self.samples(), mask.len())?;
        self.rows.choose(|row| mask[row]);
        self.of
            .advance(x, &self.rows, &mut self.state, &mut self.scratch)?;
        let output = self.of.output(&self.state);
        self.rows
            .append(output, self.zero_output_for_mask, self.masked.view_mut());
        Ok(self.masked.view())
    }

    /// Takes one timestep of all samples from a slice and returns their output as a slice.
    ///
    /// `x` holds samples × features numbers, one sample after the other. The result holds samples × units numbers in the
    /// same order. Returns an error if `x` has another length.
    #[inline]
    pub fn push_slice(&mut self, x: &[R::Elem]) -> Result<&[R::Elem]> {
        let (samples, features) = (self.samples(), self.of.input_size());
        if samples.checked_mul(features) != Some(x.len()) {
            return Err(Error::Shape {
                array: "input",
                axis: "numbers (samples x features)",
                expected: samples.saturating_mul(features),
                found: x.len(),
            });
        }
        let x = match samples {
            1 => ArrayView1::from(x).insert_axis(Axis(0)), // faster than the general case
            _ => ArrayView2::from_shape((samples, features), x)?,
        };
        self.step(x)?;
        let output = self.of.output(&self.state);
        if let Some(output) = output.to_slice() {
            return Ok(output);
        }
        // Only a user's own cell can store its output in another order.
        self.masked.assign(&output);
        Ok(self.masked.as_slice().unwrap_or_default())
    }

    fn check_input(&self, x: &ArrayView2<R::Elem>) -> Result<()> {
        self.of.check()?;
        check("input", "samples", self.samples(), x.nrows())?;
        check("input", "features", self.of.input_size(), x.ncols())
    }

    /// The state after the last push.
    pub fn state(&self) -> &R::State {
        &self.state
    }

    /// Continues from this state, such as that of an encoder or one kept earlier. As at the start of a call, masked
    /// timesteps output 0 until the first real one. Returns an error if the state has other samples or units.
    ///
    /// ```
    /// use ndarray::Array3;
    /// use recurrent::{Causal, Lstm, Recurrent};
    /// let (encoder, decoder) = (Lstm::<f32>::builder(4, 3).build()?, Lstm::builder(2, 3).seed(1).build()?);
    /// let questions = Array3::from_elem((2, 5, 4), 0.5); // padded: 5 and 3 timesteps
    /// let (_, state) = encoder.run(&questions).lengths(&[5, 3]).last_and_state()?;
    /// let mut answers = decoder.stream(2);
    /// answers.set_state(state)?;
    /// let h = answers.push(&[[1.0, 0.0], [1.0, 0.0]])?; // (samples, units)
    /// assert_eq!(h.dim(), (2, 3));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn set_state(&mut self, state: R::State) -> Result<()> {
        self.of.check()?;
        self.of.check_state(&state, self.samples())?;
        self.state = state;
        self.of.settle(&mut self.state);
        let (samples, units) = (self.samples(), self.of.output_size());
        check_output(
            "output of the state",
            samples,
            units,
            self.of.output(&self.state).dim(),
        )?;
        (0..samples).for_each(|row| self.rows.restart(row));
        Ok(())
    }

    /// Ends the stream and returns the state after the last push.
    pub fn into_state(self) -> R::State {
        self.state
    }

    /// Returns everything that the next push depends on, except the weights, so that it can be stored. A stream of the same
    /// layer that [resumes](Self::resume) the snapshot continues bit for bit, in any process.
    pub fn snapshot(&self) -> StreamState<R::State> {
        StreamState {
            state: self.state.clone(),
            started: self.rows.started().into(),
            zero_output_for_mask: self.zero_output_for_mask,
        }
    }

    /// Continues from a snapshot, even from one taken after masked timesteps. Returns an error if it has other samples or
    /// units. A snapshot does not hold the weights, so one of another layer with the same shapes is accepted.
    pub fn resume(&mut self, snapshot: StreamState<R::State>) -> Result<()> {
        let StreamState {
            state,
            started,
            zero_output_for_mask,
        } = snapshot;
        check("snapshot", "samples", self.samples(), started.len())?;
        self.set_state(state)?;
        self.rows.set_started(started);
        self.zero_output_for_mask = zero_output_for_mask;
        Ok(())
    }

    /// Resets all samples to the layer's initial state, without allocating.
    pub fn reset(&mut self) {
        for row in 0..self.samples() {
            if self.state.copy_sample(row, &self.fresh, 0).is_err() {
                // Only a user's own state refuses a row that exists.
                self.state = self.of.zeros(self.samples());
                self.of.settle(&mut self.state);
            }
            self.rows.restart(row);
        }
    }

    /// Resets these samples to the initial state, without allocating; the others continue. Returns an error, and resets
    /// nothing, if one of them does not exist.
    pub fn reset_samples(&mut self, samples: &[usize]) -> Result<()> {
        check_samples(samples, self.samples())?;
        for &row in samples {
            self.state.copy_sample(row, &self.fresh, 0)?;
            self.rows.restart(row);
        }
        Ok(())
    }
}

impl<R: Advance + Clone> Clone for Stream<R>
where
    R::Scratch: Clone,
{
    fn clone(&self) -> Self {
        Stream {
            of: self.of.clone(),
            state: self.state.clone(),
            fresh: self.fresh.clone(),
            scratch: self.scratch.clone(),
            rows: self.rows.clone(),
            zero_output_for_mask: self.zero_output_for_mask,
            masked: self.masked.clone(),
        }
    }
}
