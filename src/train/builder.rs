//! `TrainingBuilder`: the options of a training.

use super::paths::selects;
use super::training::OutputLoss;
use super::{Constraint, Loss, Optimizer, OptimizerBuilder, Regularizer, Training};
use crate::backward::Keep;
use crate::error::{Error, Result};
use crate::model::ModelTape;
use crate::{Element, Model};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The options of a [`Training`]. [`Training::of`] starts them, and [`build`](Self::build) checks them.
///
/// Some options take names of weights, as those of an [`OptimizerBuilder`] do. A name is one of a path, or several in a
/// row: `"head"` selects every weight of a layer `head`, `"bias"` every bias, and `"head/bias"` the bias of `head`. A name
/// that begins with a slash is a whole path: `"/head/bias"`. [`Model::weights`] lists the paths.
///
/// What belongs to the update is an option of the optimiser: clipping, weight decay, groups, accumulation, averages.
///
/// ```
/// use recurrent::train::{AdamW, Clip, Loss, Optimizer, Regularizer, Training};
/// use recurrent::{Activation, Dense, Initializer, Layer, Lstm, Model};
/// let head = Dense::from_weights(Initializer::GlorotUniform.matrix(8, 3, 1)?, None)?;
/// let model = Model::<f32>::new()
///     .add_as("body", Layer::new(Lstm::builder(2, 8).seed(0).build()?))
///     .add_as("head", head.with_activation(Activation::Softmax)?);
/// let training = Training::of(model)
///     .loss(Loss::sparse_categorical_crossentropy()) // computed from the scores before the softmax
///     .optimizer(Optimizer::of(AdamW::keras(1e-3)).clip(Clip::GlobalNorm(1.0)))
///     .freeze(["body/kernel"])
///     .regularizer(["head"], Regularizer::l2(1e-4)?)
///     .seed(42)
///     .build()?;
/// assert_eq!(training.steps(), 0);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[must_use = "a builder trains nothing until `build` ends it"]
pub struct TrainingBuilder<A: Element> {
    model: Model<A>,
    losses: Vec<(Loss<A>, f64)>,
    optimizer: Option<OptimizerBuilder<A>>,
    frozen: Vec<String>,
    penalties: Vec<(String, Regularizer)>,
    constraints: Vec<(String, Constraint)>,
    seed: u64,
    keep: Keep,
}

impl<A: Element> Training<A> {
    /// Starts the options of a training of this model.
    pub fn of(model: Model<A>) -> TrainingBuilder<A> {
        TrainingBuilder {
            model,
            losses: Vec::new(),
            optimizer: None,
            frozen: Vec::new(),
            penalties: Vec::new(),
            constraints: Vec::new(),
            seed: 0,
            keep: Keep::default(),
        }
    }
}

impl<A: Element> TrainingBuilder<A> {
    /// The loss of the next output; a model with several outputs takes one for each, in their order.
    ///
    /// As in Keras, a crossentropy of probabilities is computed from the scores before the softmax or sigmoid in which a
    /// last [`Dense`](crate::Dense), [`Activation`](crate::Activation) or [`Softmax`](crate::Softmax) ends, if nothing
    /// else reads them: see [`Loss::of_scores`]. Other than in Keras, not if that layer is in a model inside the model.
    pub fn loss(self, loss: Loss<A>) -> Self {
        self.weighted_loss(loss, 1.0)
    }

    /// The loss of the next output, times a weight: Keras' `loss_weights`.
    pub fn weighted_loss(mut self, loss: Loss<A>, weight: f64) -> Self {
        self.losses.push((loss, weight));
        self
    }

    /// What moves the weights: a rule such as [`Adam`](super::Adam), or a rule with options.
    pub fn optimizer(mut self, optimizer: impl Into<OptimizerBuilder<A>>) -> Self {
        self.optimizer = Some(optimizer.into());
        self
    }

    /// Weights of these names do not learn: Keras' `trainable=False`. A batch normalisation whose weights are all frozen runs
    /// as in inference, and its moving averages stand still.
    pub fn freeze<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.frozen.extend(names.into_iter().map(N::into));
        self
    }

    /// Adds a penalty of the weights of these names to the loss: Keras' `kernel_regularizer` and its like. As in Keras,
    /// frozen weights have none, and the weights of a shared layer have it once. A weight of two calls has both penalties.
    pub fn regularizer<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
        regularizer: Regularizer,
    ) -> Self {
        let names = names.into_iter().map(|name| (name.into(), regularizer));
        self.penalties.extend(names);
        self
    }

    /// Brings the weights of these names to a bound after each update: Keras' `kernel_constraint` and its like. Frozen weights
    /// stay as they are. A weight with two constraints, also with one of the [`optimizer`](Self::optimizer), is an error of the
    /// first update.
    pub fn constraint<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
        constraint: Constraint,
    ) -> Self {
        let names = names
            .into_iter()
            .map(|name| (name.into(), constraint.clone()));
        self.constraints.extend(names);
        self
    }

    /// Keeps the states of recurrent layers only, and computes their gates again in the backward pass: see
    /// [`Run::recompute`](crate::Run::recompute).
    pub fn recompute(mut self) -> Self {
        self.keep = Keep::States;
        self
    }

    /// Keeps the states of every `steps`-th timestep only: see [`Run::checkpoints`](crate::Run::checkpoints).
    pub fn checkpoints(mut self, steps: usize) -> Self {
        self.keep = Keep::Every(steps);
        self
    }

    /// Sets the seed of dropout and noise. 0 by default. With the number of the step, it decides every mask.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes the training.
    ///
    /// Returns an error if there is not one loss for each output, if there is no optimiser, if a layer has no backward pass,
    /// if a name selects no trainable weight, or if an option is out of its range. Options of a loss, and names in those of
    /// the optimiser, are checked in the first step.
    pub fn build(self) -> Result<Training<A>> {
        self.keep.check()?;
        let model = self.model;
        if let Some(name) = model.without_backward() {
            let expected = "one with a backward pass";
            return Err(Error::value("layer to train", expected, name));
        }
        if let Some([one, other]) = model.shared_across() {
            let expected = "no layer that is shared between a model and one inside it";
            return Err(Error::value(
                "model to train",
                expected,
                format!("{one} and {other}"),
            ));
        }
        let outputs = model.outputs().len();
        if self.losses.len() != outputs {
            let expected = format!("{outputs}, one for each output");
            return Err(Error::value(
                "number of losses",
                expected,
                self.losses.len(),
            ));
        }
        let losses = self
            .losses
            .into_iter()
            .enumerate()
            .map(|(at, (loss, weight))| {
                if !weight.is_finite() {
                    return Err(Error::value("weight of a loss", "a finite number", weight));
                }
                let activation = model.last_activation(at);
                let of_sums = activation.and_then(|activation| {
                    let loss = loss.of_scores(activation)?;
                    Some((activation, loss))
                });
                Ok(OutputLoss {
                    loss,
                    weight,
                    of_sums,
                })
            });
        let losses = losses.collect::<Result<_>>()?;
        let weights = model.weights();
        let trainable = weights.iter().filter(|weight| weight.trainable);
        let paths: Vec<&str> = trainable.map(|weight| weight.path.as_str()).collect();
        let selected = |name: &str| {
            let mut selected = paths.iter().filter(|path| selects(name, path)).peekable();
            if selected.peek().is_none() {
                let expected = format!("that of a trainable weight: {}", paths.join(", "));
                return Err(Error::value("name", expected, name));
            }
            Ok(selected.map(|&path| String::from(path)).collect::<Vec<_>>())
        };
        let mut frozen = Vec::new();
        for name in &self.frozen {
            frozen.extend(selected(name)?);
        }
        let mut penalties = Vec::new();
        for (name, regularizer) in self.penalties {
            let learns = selected(&name)?.into_iter();
            let learns = learns.filter(|path| !frozen.contains(path));
            penalties.extend(learns.map(|path| (path, regularizer)));
        }
        let optimizer = self.optimizer;
        let mut optimizer: OptimizerBuilder<A> =
            optimizer.ok_or_else(|| Error::value("optimizer", "one", "none"))?;
        for (name, constraint) in self.constraints {
            let learns = selected(&name)?.into_iter();
            let learns = learns.filter(|path| !frozen.contains(path));
            let names: Vec<String> = learns.map(|path| format!("/{path}")).collect();
            optimizer = optimizer.constraint(names, constraint);
        }
        let optimizer: Optimizer<A> = optimizer.build()?;
        Ok(Training {
            model,
            losses,
            optimizer,
            frozen,
            penalties,
            seed: self.seed,
            keep: self.keep,
            step: 0,
            tape: ModelTape::default(),
            fitting: None,
        })
    }
}
