//! `Recording`: a call of a recurrent layer whose gradients can be computed.

use crate::State;
use crate::backward::{Keep, Noise, OutputGradients, Outputs, Recorder, Tape};
use crate::error::{Result, check};
use crate::gradients::Gradients;
use crate::pass::Pass;
use crate::run::{End, Run};
use crate::unroll::Unroll;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayD, ArrayRef, ArrayView2, ArrayView3, Axis, Ix2, Ix3};

/// A call of a recurrent layer that keeps what its gradients need: the result of [`Run::record`].
///
/// It borrows the layer, so that the weights cannot change before [`backward`](Self::backward).
pub struct Recording<'a, R: Unroll + ?Sized> {
    of: &'a R,
    pass: Pass<'a, R::Elem>,
    time_major: bool,
    /// Whether the call started from the initial state of the layer.
    from_own_state: bool,
    tape: Tape,
    outputs: Outputs<R::Elem>,
    state: R::State,
}

/// The gradients of a loss with respect to what a call returned: its sequences, its last output, its final state. What is
/// not given is zero.
///
/// ```
/// use ndarray::array;
/// use recurrent::train::Upstream;
/// use recurrent::HiddenState;
/// let (d_last, d_h) = (array![[1.0]], array![[0.5]]);
/// let upstream = Upstream::last(&d_last).state(HiddenState { h: d_h });
/// # let _ = upstream;
/// ```
#[derive(Clone, Debug)]
pub struct Upstream<'a, A, S> {
    sequences: Option<ArrayView3<'a, A>>,
    last: Option<ArrayView2<'a, A>>,
    state: Option<S>,
}

impl<'a, A, S> Upstream<'a, A, S> {
    /// The gradient with respect to the output of every timestep, (samples, timesteps, units).
    pub fn sequences(d: &'a ArrayRef<A, Ix3>) -> Self {
        Upstream {
            sequences: Some(d.view()),
            last: None,
            state: None,
        }
    }

    /// The gradient with respect to the last output, (samples, units).
    pub fn last(d: &'a ArrayRef<A, Ix2>) -> Self {
        Upstream {
            sequences: None,
            last: Some(d.view()),
            state: None,
        }
    }

    /// The gradient with respect to the final state alone.
    pub fn of_state(d: S) -> Self {
        Upstream {
            sequences: None,
            last: None,
            state: Some(d),
        }
    }

    /// Adds the gradient with respect to the last output, which is an output of its own.
    pub fn and_last(mut self, d: &'a ArrayRef<A, Ix2>) -> Self {
        self.last = Some(d.view());
        self
    }

    /// Adds the gradient with respect to the final state.
    pub fn state(mut self, d: S) -> Self {
        self.state = Some(d);
        self
    }
}

/// The gradients of a loss with respect to what went into a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gradient<A, S> {
    /// With respect to the weights, by their paths.
    pub weights: Gradients<A>,
    /// With respect to the input, in its shape. It is 0 at masked timesteps.
    pub x: Array3<A>,
    /// With respect to the initial state.
    pub initial_state: S,
}

impl<'a, R: Unroll + ?Sized> Run<'a, R> {
    /// Makes a recorded pass keep states only. The backward pass computes the gates again: it takes about a third longer, and
    /// a pass of an LSTM needs a third of the memory. The gradients have the same bits.
    ///
    /// ```
    /// use recurrent::train::Upstream;
    /// use recurrent::{Lstm, Recurrent};
    /// let lstm = Lstm::<f32>::builder(2, 3).build()?;
    /// let (x, d) = (ndarray::Array3::ones((4, 5, 2)), ndarray::Array2::ones((4, 3)));
    /// let gradient = lstm.run(&x).record()?.backward(&Upstream::last(&d))?;
    /// let again = lstm.run(&x).recompute().record()?.backward(&Upstream::last(&d))?;
    /// assert_eq!(gradient.weights, again.weights);
    /// let sparse = lstm.run(&x).checkpoints(2).record()?.backward(&Upstream::last(&d))?;
    /// assert_eq!(gradient.weights, sparse.weights);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn recompute(self) -> Self {
        self.keep_only(Keep::States)
    }

    /// Makes a recorded pass keep the states of every `steps`-th timestep only. The backward pass takes the steps between two
    /// of them again, so it takes about a third longer. With √T of T timesteps the memory is smallest. The gradients have the
    /// same bits. [`record`](Self::record) returns an error if `steps` is 0.
    ///
    /// Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
    pub fn checkpoints(self, steps: usize) -> Self {
        self.keep_only(Keep::Every(steps))
    }

    /// Runs the call as in inference, and keeps what its gradients need.
    ///
    /// The outputs have the same bits as those of the other verbs; for dropout there is [`record_with`](Self::record_with). [`Recording::backward`] computes the gradients. A pass
    /// keeps the states before every timestep, (timesteps, samples, units) for each array of the state. An LSTM or a GRU with
    /// `reset_after` also keeps its gates, (timesteps, samples, 4·units), if its functions are tanh, sigmoid, linear or relu.
    /// Every layer of a stack does so. [`recompute`](Self::recompute) and [`checkpoints`](Self::checkpoints) need less memory.
    ///
    /// ```
    /// use recurrent::train::Upstream;
    /// use recurrent::{Lstm, Recurrent};
    /// let lstm = Lstm::<f64>::builder(2, 3).build()?;
    /// let x = ndarray::Array3::ones((4, 5, 2));
    /// let pass = lstm.run(&x).lengths(&[5, 3, 0, 1]).record()?;
    /// let d = pass.last() - 1.0; // the gradient of the loss Σ (last - 1)² / 2
    /// let gradient = pass.backward(&Upstream::last(&d))?;
    /// assert_eq!(gradient.weights.get("kernel").unwrap().shape(), [2, 12]);
    /// assert_eq!(gradient.x.dim(), (4, 5, 2));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    /// Returns an error if the layer has no backward pass, as a [`Rnn`](crate::Rnn) of a cell that does not offer one, and
    /// for all that is an error in other verbs.
    pub fn record(self) -> Result<Recording<'a, R>> {
        self.record_by(None)
    }

    /// Runs the call as a training does, and keeps what its gradients need: the layer drops by its own rates, with random
    /// numbers from this source, or by given masks.
    ///
    /// ```
    /// use recurrent::train::Noise;
    /// use recurrent::{Lstm, Recurrent};
    /// let lstm = Lstm::<f64>::builder(2, 3).dropout(0.2).recurrent_dropout(0.1).build()?;
    /// let x = ndarray::Array3::ones((4, 5, 2));
    /// let pass = lstm.run(&x).record_with(Noise::seed(7).step(3))?;
    /// let masks = pass.masks();
    /// assert_eq!((masks[0].0.as_str(), masks[0].1.shape()), ("dropout", &[4, 4, 2][..])); // 4 gates
    /// assert_eq!((masks[1].0.as_str(), masks[1].1.shape()), ("recurrent_dropout", &[4, 4, 3][..]));
    /// let again = lstm.run(&x).record_with(Noise::default().given(&masks))?;
    /// assert_eq!(pass.last(), again.last());
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    /// Returns an error if a given mask has another shape, and for all that is an error in [`record`](Self::record).
    pub fn record_with(self, noise: Noise) -> Result<Recording<'a, R>> {
        self.record_by(Some(noise))
    }

    fn record_by(self, noise: Option<Noise>) -> Result<Recording<'a, R>> {
        let pass = self.check()?;
        self.keep().check()?;
        let (of, options) = (self.of, self.options());
        let from_own_state = !self.has_state();
        let (mut tape, mut outputs) = (Tape::default(), Outputs::default());
        let mut how = Recorder::new(pass.zero_output_for_mask).keeping(self.keep());
        if let Some(noise) = noise {
            how = how.dropping(noise, "");
        }
        let end = self.drive(pass, |of, pass, state| {
            outputs = of.record(pass, &mut how, state, &mut tape)?;
            Ok(())
        })?;
        let state = End::into_state(end);
        let recording = Recording {
            of,
            pass,
            time_major: options.time_major,
            from_own_state,
            tape,
            outputs,
            state,
        };
        if let Some(noise) = noise.filter(Noise::gives) {
            noise.check_taken(&recording.masks())?;
        }
        Ok(recording)
    }
}

impl<R: Unroll + ?Sized> Recording<'_, R> {
    /// The output of every timestep, (samples, timesteps, units), in the order of axes of the call.
    pub fn sequences(&self) -> ArrayView3<'_, R::Elem> {
        let mut sequences = self.outputs.sequences.view();
        if self.time_major {
            sequences.swap_axes(0, 1);
        }
        sequences
    }

    /// The last appended output, (samples, units).
    pub fn last(&self) -> &Array2<R::Elem> {
        &self.outputs.last
    }

    /// The masks of dropout, by their paths below the layer. A number of a mask is what the input or the state is multiplied
    /// with: 0 or 1 / (1 - rate). [`Noise`] lists the paths and the shapes, and [`Noise::given`] takes the masks.
    pub fn masks(&self) -> Vec<(String, ArrayD<f64>)> {
        let mut masks = Vec::new();
        let mut each = |path: &str, mask| masks.push((path.into(), mask));
        self.of.drawn(&self.tape, "", &mut each);
        masks
    }

    /// The state after the last timestep.
    pub fn state(&self) -> &R::State {
        &self.state
    }

    /// Computes the gradients with respect to the weights, the input and the initial state. It can be called several
    /// times. Returns an error if the shape of a gradient differs from that of its output.
    pub fn backward(
        &self,
        upstream: &Upstream<R::Elem, R::State>,
    ) -> Result<Gradient<R::Elem, R::State>>
    where
        R: Sized,
    {
        let (samples, timesteps, _) = self.pass.x.dim();
        let units = self.of.output_size();
        let mut sequences = upstream.sequences;
        if let Some(d) = &mut sequences {
            if self.time_major {
                d.swap_axes(0, 1);
            }
            let name = "gradient of the sequences";
            check(name, "samples", samples, d.len_of(Axis(0)))?;
            check(name, "timesteps", timesteps, d.len_of(Axis(1)))?;
            check(name, "units", units, d.len_of(Axis(2)))?;
        }
        if let Some(d) = &upstream.last {
            let name = "gradient of the last output";
            check(name, "samples", samples, d.nrows())?;
            check(name, "units", units, d.ncols())?;
        }
        let mut state = match &upstream.state {
            Some(state) => {
                self.of.check_state(state, samples)?;
                state.clone()
            }
            None => self.state.zeros_like(samples),
        };
        let outputs = OutputGradients {
            sequences,
            last: upstream.last,
        };
        let mut weights = Gradients::zeros_like(self.of);
        let zero_last = self.pass.zero_output_for_mask;
        let all = weights.all();
        let mut x = self
            .of
            .backward(self.pass, zero_last, &self.tape, outputs, &mut state, all)?;
        if self.from_own_state {
            self.of.add_initial_state(&state, weights.all());
        }
        if self.time_major {
            x.swap_axes(0, 1);
        }
        Ok(Gradient {
            weights,
            x,
            initial_state: state,
        })
    }
}
