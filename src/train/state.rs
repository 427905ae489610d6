//! `TrainingState`: what a training has learned.

use super::fit::Fitting;
use super::{OptimizerState, Training};
use crate::error::{Error, Result, check};
use crate::{Element, Model};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// What a training has learned, as a value: with it a training goes on as if it had never stopped, bit for bit.
///
/// [`Training::state`] makes it, also between two steps of a [`Fit`](super::Fit), and [`Training::resume`] takes it. Options are
/// code, and not in it.
#[derive(Clone, Debug)]
pub struct TrainingState<A> {
    pub(crate) weights: Vec<(String, ArrayD<A>)>,
    pub(crate) optimizer: OptimizerState<A>,
    /// The options that can be compared, in words.
    pub(crate) options: Vec<(String, String)>,
    pub(crate) seed: u64,
    pub(crate) step: u64,
    pub(crate) fitting: Option<Box<Fitting<A>>>,
}

/// The weights of a model, also those that do not learn.
pub(super) fn arrays_of<A: Element>(model: &Model<A>) -> Result<Vec<(String, ArrayD<A>)>> {
    let weights = model.weights().into_iter();
    let array = |weight: crate::WeightInfo| Ok((weight.path.clone(), model.get(&weight.path)?));
    weights.map(array).collect()
}

impl<A: Element> Training<A> {
    /// What the training has learned so far: all weights, what the optimiser keeps, the counts that decide the noise, and how far
    /// a [`Fit`](super::Fit) is.
    ///
    /// ```
    /// use ndarray::{Array1, Array3};
    /// use recurrent::train::{Adam, Batch, Go, Loss, Training};
    /// use recurrent::{Layer, Lstm, Model};
    /// let start = || -> recurrent::Result<Training<f32>> {
    ///     let lstm = Lstm::builder(2, 1).dropout(0.5).seed(1).build()?;
    ///     let training = Training::of(Model::new().add(Layer::new(lstm))).loss(Loss::mean_squared_error());
    ///     training.optimizer(Adam::keras(1e-2)).build()
    /// };
    /// let x = Array3::from_shape_fn((20, 5, 2), |(i, t, k)| ((i + 2 * t + 3 * k) % 7) as f32);
    /// let y = Array1::from_shape_fn(20, |i| (i % 3) as f32);
    /// let data = Batch::new(&x, &y);
    ///
    /// let mut whole = start()?;
    /// let history = whole.fit(&data).batch_size(4).epochs(3).run()?;
    ///
    /// let (mut state, mut first) = (None, start()?);
    /// let fit = first.fit(&data).batch_size(4).epochs(3);
    /// fit.each_step(|end| {
    ///     state = end.training.state().ok();
    ///     if end.training.steps() == 7 { Go::Stop } else { Go::On }
    /// })
    /// .run()?;
    /// let mut second = start()?;
    /// second.resume(state.unwrap())?; // in another process: see `saved::resume`
    /// assert_eq!(second.fit(&data).batch_size(4).epochs(3).run()?, history);
    /// assert_eq!(second.model().get("lstm/kernel")?, whole.model().get("lstm/kernel")?);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn state(&self) -> Result<TrainingState<A>> {
        Ok(TrainingState {
            weights: arrays_of(&self.model)?,
            optimizer: self.optimizer.state(),
            options: self.options(),
            seed: self.seed,
            step: self.step,
            fitting: self.fitting.clone().map(Box::new),
        })
    }

    /// The options that decide the next step, but for functions of the user's own.
    fn options(&self) -> Vec<(String, String)> {
        let losses = self.losses.iter().map(|of| (&of.loss, of.weight));
        let losses: Vec<_> = losses.collect();
        let options = [
            ("losses", format!("{losses:?}")),
            ("optimizer", self.optimizer.options()),
            ("frozen", self.frozen.join(", ")),
            ("penalties", format!("{:?}", self.penalties)),
        ];
        options.map(|(name, option)| (name.into(), option)).into()
    }

    /// Goes on from the state of a training with the same model and options. A [`Fit`](super::Fit) then goes on in the middle of
    /// its epoch.
    ///
    /// Returns an error, and has changed nothing, if the state has other weights, another seed, or was made with other losses,
    /// penalties, frozen weights or options of the optimiser. To change a learning rate, resume first.
    pub fn resume(&mut self, state: TrainingState<A>) -> Result<()> {
        if state.seed != self.seed {
            return Err(Error::value("seed", self.seed, state.seed));
        }
        let own = self.model.weights();
        check("state", "weights", own.len(), state.weights.len())?;
        for (own, (path, array)) in own.iter().zip(&state.weights) {
            let found = (path.as_str(), array.shape());
            if (own.path.as_str(), own.shape.as_slice()) != found {
                let expected = format!("{} of shape {:?}", own.path, own.shape);
                let found = format!("{path} of shape {:?}", array.shape());
                return Err(Error::value("weight of the state", expected, found));
            }
        }
        for ((name, own), (_, found)) in self.options().iter().zip(&state.options) {
            if own != found {
                let expected = format!("as here: {own}");
                return Err(Error::value(
                    "option of the state",
                    expected,
                    format!("{name}: {found}"),
                ));
            }
        }
        let before = self.optimizer.state();
        self.optimizer.resume(state.optimizer)?;
        if let Err(error) = self.replace(state.weights) {
            self.optimizer.resume(before)?;
            return Err(error);
        }
        self.step = state.step;
        self.fitting = state.fitting.map(|fitting| *fitting);
        Ok(())
    }
}
