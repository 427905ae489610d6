//! `Deep`: any number of layers of one type on top of each other.

use super::stacked::stretch;
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result, check, check_rate, check_size};
use crate::mask::Rows;
use crate::pass::{Pass, Sink};
use crate::unroll::{Advance, Stepping, Unroll};
use alloc::boxed::Box;
use alloc::vec::Vec;
use ndarray::{Array3, ArrayView2};

/// Layers of one type on top of each other, like PyTorch's `num_layers`. The output of each layer is the input of the next.
///
/// The number of layers can be chosen when the program runs. If it is known at compile time, or if the types differ, use
/// [`Stacked`](crate::Stacked), which gives the same numbers. The state is the list of the layers' states, the lowest layer
/// first. A mask applies to all layers, and `go_backwards` reverses all of them.
///
/// ```
/// use recurrent::{Deep, Lstm, Recurrent};
/// let sizes = [4, 8, 8, 3]; // features, and the units of each layer
/// let layers = sizes.windows(2).map(|of| Lstm::<f32>::builder(of[0], of[1]).build());
/// let lstm = Deep::new(layers.collect::<Result<Vec<_>, _>>()?)?;
/// let x = ndarray::Array3::zeros((2, 5, 4));
/// let (h, states) = lstm.run(&x).sequences_and_state()?;
/// assert_eq!((h.dim(), states.len(), states[0].c.dim()), ((2, 5, 3), 3, (2, 8)));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Deep<R> {
    layers: Vec<R>,
    /// The rate of dropout between the layers.
    dropout: f64,
}

impl<R: Unroll> Deep<R> {
    /// Makes a layer of these layers, the lowest first. Returns an error if there are none, or if the features of one are
    /// not the units of the one below.
    pub fn new(layers: impl IntoIterator<Item = R>) -> Result<Self> {
        let layers: Vec<R> = layers.into_iter().collect();
        if layers.is_empty() {
            return Err(Error::value("number of layers", "at least 1", 0));
        }
        let deep = Deep {
            layers,
            dropout: 0.0,
        };
        deep.check()?;
        Ok(deep)
    }
}

impl<R> Deep<R> {
    /// Sets the rate of dropout between the layers, from 0 to 1. The default is 0: nothing is dropped.
    ///
    /// In a training, each number that a layer hands to the one above is replaced by 0 with this probability, and multiplied
    /// with 1 / (1 - rate) otherwise. Every timestep has a mask of its own, (samples, timesteps, units) in all. What the
    /// highest layer gives is not dropped, and nothing is dropped in inference. Returns an error if the rate is no
    /// probability.
    ///
    /// Source: `dropout` of `torch.nn.LSTM`. The `state_dict` of a PyTorch module does not say it.
    ///
    /// ```
    /// use recurrent::{Deep, Lstm};
    /// let layers = [Lstm::<f32>::builder(4, 8).build()?, Lstm::builder(8, 8).build()?];
    /// let lstm = Deep::new(layers)?.dropout(0.2)?;
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

    /// The layers, the lowest first.
    pub fn layers(&self) -> &[R] {
        &self.layers
    }

    /// Takes the layers out of the wrapper, the lowest first.
    pub fn into_layers(self) -> Vec<R> {
        self.layers
    }
}

impl<R: Unroll> Describe<R::Elem> for Deep<R> {
    fn class(&self) -> &'static str {
        "deep"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<R::Elem>)) {
        each(Part::Option("dropout", &self.dropout));
        for (at, layer) in self.layers.iter().enumerate() {
            let key = alloc::format!("{at}");
            each(Part::Layer(&key, Some(&key), layer));
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<R::Elem>)) {
        for (at, layer) in self.layers.iter_mut().enumerate() {
            each(PartMut::Layer(Some(&alloc::format!("{at}")), layer));
        }
    }

    fn duplicate(&self) -> Option<Self> {
        let layers: Option<_> = self.layers.iter().map(R::duplicate).collect();
        Some(Deep {
            layers: layers?,
            dropout: self.dropout,
        })
    }
}

#[cfg(feature = "saved")]
impl<R: Unroll + Saved> Saved for Deep<R> {
    type Number = <R as Unroll>::Elem;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("deep")?;
        let keys = (0_usize..).map(|at| alloc::format!("{at}"));
        let mut layers = Vec::new();
        for key in keys {
            if !from.has_layer(&key) {
                break;
            }
            layers.push(from.layer(&key)?);
        }
        Deep::new(layers)?.dropout(from.get_or("dropout", 0.0)?)
    }
}

impl<R: Unroll> Unroll for Deep<R> {
    type Elem = R::Elem;
    type State = Vec<R::State>;

    fn input_size(&self) -> usize {
        self.layers.first().map_or(0, R::input_size)
    }

    fn output_size(&self) -> usize {
        self.layers.last().map_or(0, R::output_size)
    }

    fn zeros(&self, samples: usize) -> Self::State {
        let layers = self.layers.iter();
        layers.map(|layer| layer.zeros(samples)).collect()
    }

    fn multiply_adds(&self) -> Option<usize> {
        let mut all = self.layers.iter().map(R::multiply_adds);
        all.try_fold(0_usize, |sum, each| Some(sum.saturating_add(each?)))
    }

    fn directions(&self) -> usize {
        self.layers.iter().map(R::directions).max().unwrap_or(1)
    }

    fn shares_steps(&self) -> bool {
        self.layers.iter().any(R::shares_steps)
    }

    fn check(&self) -> Result<()> {
        self.layers.iter().try_for_each(R::check)?;
        self.layers.windows(2).try_for_each(|pair| {
            let (features, units) = (pair[1].input_size(), pair[0].output_size());
            check("output of the lower layer", "units", features, units)
        })
    }

    fn is_causal(&self) -> bool {
        self.layers.iter().all(R::is_causal)
    }

    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()> {
        check("state", "layers", self.layers.len(), state.len())?;
        let mut all = self.layers.iter().zip(state).enumerate();
        all.try_for_each(|(index, (layer, state))| {
            let checked = layer.check_state(state, samples);
            checked.map_err(|source| Error::Layer {
                index,
                name: layer.class().into(),
                source: Box::new(source),
            })
        })
    }

    fn unroll(
        &self,
        pass: Pass<R::Elem>,
        state: &mut Self::State,
        sink: Sink<R::Elem>,
    ) -> Result<()> {
        let (Some((top, lower)), Some((top_state, states))) =
            (self.layers.split_last(), state.split_last_mut())
        else {
            return Ok(());
        };
        let (samples, timesteps, _) = pass.x.dim();
        let widest = lower.iter().map(R::output_size).max().unwrap_or(0);
        let steps = stretch(self, samples, timesteps, widest);
        pass.in_stretches(steps, sink, |pass, sink| {
            let timesteps = pass.x.dim().1;
            let mut below: Option<Array3<R::Elem>> = None;
            for (layer, state) in lower.iter().zip(&mut *states) {
                let between = (samples, timesteps, layer.output_size());
                check_size(
                    "output of the lower layer",
                    &[between.0, between.1, between.2],
                )?;
                let mut between = Array3::zeros(between);
                // The lower layer writes in time order, so that the next one can read in the order of the call.
                let lower = Pass {
                    reversed: false,
                    ..pass.over(below.as_ref().map_or(pass.x, |below| below.view()))
                };
                layer.unroll(lower, state, Sink::Sequences(between.view_mut()))?;
                below = Some(between);
            }
            let pass = pass.over(below.as_ref().map_or(pass.x, |below| below.view()));
            top.unroll(pass, top_state, sink)
        })
    }

    fn stepping(&self, samples: usize) -> Option<Box<dyn Stepping<Self>>>
    where
        Self: 'static,
    {
        let layers = self.layers.iter().map(|layer| layer.stepping(samples));
        Some(Box::new(Steps(layers.collect::<Option<_>>()?)))
    }
}

impl<R: Advance> Advance for Deep<R> {
    type Scratch = Vec<R::Scratch>;

    fn scratch(&self, samples: usize) -> Self::Scratch {
        let layers = self.layers.iter();
        layers.map(|layer| layer.scratch(samples)).collect()
    }

    fn share(&self, scratch: &mut Self::Scratch, threads: usize) {
        for (layer, scratch) in self.layers.iter().zip(scratch) {
            layer.share(scratch, threads);
        }
    }

    fn settle(&self, state: &mut Self::State) {
        for (layer, state) in self.layers.iter().zip(state) {
            layer.settle(state);
        }
    }

    fn advance(
        &self,
        x: ArrayView2<R::Elem>,
        rows: &Rows,
        state: &mut Self::State,
        scratch: &mut Self::Scratch,
    ) -> Result<()> {
        for (k, (layer, scratch)) in self.layers.iter().zip(scratch).enumerate() {
            let (below, above) = state.split_at_mut(k);
            let x = match below.last() {
                Some(below) => self.layers[k - 1].output(below),
                None => x.view(),
            };
            layer.advance(x, rows, &mut above[0], scratch)?;
        }
        Ok(())
    }

    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, R::Elem> {
        let top = self.layers.len() - 1;
        self.layers[top].output(&state[top])
    }
}

/// The engines that take single timesteps of all layers, the lowest first.
struct Steps<R>(Vec<Box<dyn Stepping<R>>>);

impl<R: Unroll> Stepping<Deep<R>> for Steps<R> {
    fn settle(&self, of: &Deep<R>, states: &mut Vec<R::State>) -> Result<()> {
        let mut layers = self.0.iter().zip(&of.layers).zip(states);
        layers.try_for_each(|((steps, layer), state)| steps.settle(layer, state))
    }

    fn advance(
        &mut self,
        of: &Deep<R>,
        x: ArrayView2<R::Elem>,
        rows: &Rows,
        states: &mut Vec<R::State>,
    ) -> Result<()> {
        let mut x = x.view();
        let mut states = states.as_mut_slice();
        for (steps, layer) in self.0.iter_mut().zip(&of.layers) {
            let Some((state, above)) = states.split_first_mut() else {
                return check("state", "layers", of.layers.len(), 0);
            };
            steps.advance(layer, x, rows, state)?;
            x = steps.output(layer, state)?;
            states = above;
        }
        Ok(())
    }

    fn output<'s>(
        &self,
        of: &Deep<R>,
        states: &'s Vec<R::State>,
    ) -> Result<ArrayView2<'s, R::Elem>> {
        match (self.0.last(), of.layers.last(), states.last()) {
            (Some(steps), Some(layer), Some(state)) => steps.output(layer, state),
            _ => Err(Error::value("number of layers", "at least 1", 0)),
        }
    }

    fn may_fail(&self) -> bool {
        self.0.iter().any(|steps| steps.may_fail())
    }
}
