//! `Fit`: a training over epochs.

mod early_stopping;
mod evaluate;
mod fitting;
mod history;
mod order;
mod pieces;
mod run;

pub use early_stopping::EarlyStopping;
pub use evaluate::{Evaluate, Evaluation};
pub(super) use fitting::Fitting;
#[cfg(feature = "saved")]
pub(super) use fitting::Sums;
pub use history::{Ended, Epoch, History};

use super::examples::Rows;
use super::{Batch, Examples, Metric, ReduceOnPlateau, Step, Training};
use crate::Element;
use alloc::boxed::Box;
use alloc::vec::Vec;
use pieces::Pieces;

/// Whether a training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// It goes on.
    On,
    /// It ends here.
    Stop,
}

/// A step that was taken, for [`Fit::each_step`].
#[non_exhaustive]
pub struct StepEnd<'e, A: Element> {
    /// The number of the epoch, from 0.
    pub epoch: u64,
    /// The number of the step in its epoch, from 0.
    pub step: u64,
    /// What it gave.
    pub result: &'e Step<A>,
    /// The training with the weights after the step.
    pub training: &'e Training<A>,
}

/// An epoch that ended, for [`Fit::each_epoch`].
#[non_exhaustive]
pub struct EpochEnd<'e, A: Element> {
    /// What it gave. Its `Display` is a line as Keras writes it.
    pub epoch: &'e Epoch,
    /// The training with the weights at the end of the epoch.
    pub training: &'e Training<A>,
}

type EachStep<'f, A> = Box<dyn FnMut(&StepEnd<A>) -> Go + 'f>;
type EachEpoch<'f, A> = Box<dyn FnMut(&EpochEnd<A>) -> Go + 'f>;
type Epochs<'f, A> = Box<dyn FnMut(u64) -> Box<dyn Iterator<Item = Examples<A>> + 'f> + 'f>;

/// Where examples come from.
enum Source<'f, A> {
    Arrays(&'f dyn Rows<A>),
    Batches(Epochs<'f, A>),
}

/// A training over epochs: [`Training::fit`] starts it, [`run`](Self::run) does it. The options are named like Keras' arguments.
///
/// # An epoch
/// ```text
/// 1. order        the samples are shuffled, by the seed of the training and the number of the epoch
/// 2. steps        Training::step of every batch; the last one may have fewer samples
/// 3. validation   the loss and the metrics of the validation data, as in inference
/// 4. then         the rate is lowered, each_epoch is called, an early stopping looks at the values
/// ```
/// After the last epoch the weights become their moving averages, if the optimiser has some; then those of the best epoch, if
/// an early stopping restores them. Source: `keras.Model.fit`.
///
/// ```
/// use ndarray::{Array3, Axis};
/// use recurrent::train::{Adam, Batch, EarlyStopping, Go, Loss, Metric, Training};
/// use recurrent::{Dense, Initializer, Layer, Lstm, Model};
/// // The sum of a sequence.
/// let x = Array3::from_shape_fn((64, 5, 1), |(i, t, _)| ((i * 7 + t * 3) % 11) as f32 / 11.0);
/// let y = x.sum_axis(Axis(1));
/// let head = Initializer::GlorotUniform.matrix(8, 1, 1)?;
/// let model = Model::new()
///     .add(Layer::new(Lstm::builder(1, 8).seed(0).build()?))
///     .add(Dense::from_weights(head, None)?);
/// let training = Training::of(model).loss(Loss::mean_squared_error()).seed(42);
/// let mut training = training.optimizer(Adam::keras(1e-2)).build()?;
/// let history = training
///     .fit(&Batch::new(&x, &y))
///     .batch_size(16)
///     .epochs(40)
///     .validation_split(0.25)
///     .metric(Metric::mean_absolute_error())
///     .early_stopping(EarlyStopping::new().patience(5).restore_best_weights(true))
///     .each_epoch(|end| {
///         println!("{}", end.epoch);
///         Go::On
///     })
///     .run()?;
/// let losses = history.get("val_loss").unwrap();
/// assert!(losses.last() < losses.first());
/// let model: Model<f32> = training.into_model();
/// # Ok::<(), recurrent::Error>(())
/// ```
#[must_use = "nothing is trained until `run`"]
pub struct Fit<'f, A: Element> {
    training: &'f mut Training<A>,
    source: Source<'f, A>,
    batch_size: usize,
    epochs: u64,
    shuffle: bool,
    sort_by_length: bool,
    validation_split: f64,
    validation_data: Option<&'f dyn Rows<A>>,
    pieces: Pieces,
    metrics: Vec<Metric>,
    early_stopping: Option<EarlyStopping>,
    plateau: Option<ReduceOnPlateau>,
    each_step: Option<EachStep<'f, A>>,
    each_epoch: Option<EachEpoch<'f, A>>,
    #[cfg(feature = "std")]
    deadline: Option<std::time::Instant>,
}

impl<A: Element> Training<A> {
    /// Starts a training over epochs on arrays: Keras' `fit`. The `Batch` has all samples, with their lengths, masks and weights.
    pub fn fit<'f>(&'f mut self, data: &'f Batch<'_, A>) -> Fit<'f, A> {
        Fit::new(self, Source::Arrays(data))
    }

    /// Starts a training on batches that are made as they are needed. `epoch` is called with the number of each epoch, and
    /// returns its batches. They are taken as they come: without a shuffle, a `batch_size` or a `validation_split`.
    ///
    /// ```
    /// use ndarray::{Array1, Array3};
    /// use recurrent::train::{Examples, Loss, Sgd, Training};
    /// use recurrent::{Layer, Lstm, Model};
    /// let model = Model::<f32>::new().add(Layer::new(Lstm::builder(2, 1).build()?));
    /// let training = Training::of(model).loss(Loss::mean_squared_error());
    /// let mut training = training.optimizer(Sgd::keras(0.1)).build()?;
    /// let batches = |epoch| {
    ///     (0..10).map(move |at| {
    ///         let x = Array3::from_elem((4, 5, 2), (epoch + at) as f32 / 10.0);
    ///         Examples::new(&x, &Array1::from_elem(4, 0.5))
    ///     })
    /// };
    /// let history = training.fit_batches(batches).epochs(3).run()?;
    /// assert_eq!((history.epochs.len(), history.epochs[0].steps), (3, 10));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn fit_batches<'f, I>(&'f mut self, mut epoch: impl FnMut(u64) -> I + 'f) -> Fit<'f, A>
    where
        I: IntoIterator<Item = Examples<A>> + 'f,
        I::IntoIter: 'f,
    {
        let batches = move |at| -> Box<dyn Iterator<Item = Examples<A>> + 'f> {
            Box::new(epoch(at).into_iter())
        };
        Fit::new(self, Source::Batches(Box::new(batches)))
    }
}

impl<'f, A: Element> Fit<'f, A> {
    fn new(training: &'f mut Training<A>, source: Source<'f, A>) -> Self {
        Fit {
            training,
            source,
            batch_size: 32,
            epochs: 1,
            shuffle: true,
            sort_by_length: false,
            validation_split: 0.0,
            validation_data: None,
            pieces: Pieces::default(),
            metrics: Vec::new(),
            early_stopping: None,
            plateau: None,
            each_step: None,
            each_epoch: None,
            #[cfg(feature = "std")]
            deadline: None,
        }
    }

    /// The number of samples of a step; 32 by default.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// The number of epochs; 1 by default.
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.epochs = epochs;
        self
    }

    /// Whether the samples of each epoch come in another order; `true` by default.
    pub fn shuffle(mut self, yes: bool) -> Self {
        self.shuffle = yes;
        self
    }

    /// Whether samples of nearly the same length make a batch, so that less of it is padding; `false` by default. With a shuffle
    /// the batches come in another order in each epoch. It needs [`Batch::lengths`].
    pub fn sort_by_length(mut self, yes: bool) -> Self {
        self.sort_by_length = yes;
        self
    }

    /// The share of the samples that is held back for the validation: the last ones, before any shuffle.
    pub fn validation_split(mut self, share: f64) -> Self {
        self.validation_split = share;
        self
    }

    /// The samples of the validation. They go before a [`validation_split`](Self::validation_split).
    pub fn validation_data(mut self, data: &'f Batch<'_, A>) -> Self {
        self.validation_data = Some(data);
        self
    }

    /// Learns from long series in windows of this number of timesteps: truncated backpropagation through time.
    ///
    /// Each window of a batch is a step of its own, which starts from the state in which the one before ended; the first one
    /// starts anew. Every input and target has the timesteps as its axis 1, and the layers that carry a state over are
    /// [`stateful`](crate::Layer::stateful). In the mean over an epoch a window counts by its timesteps.
    ///
    /// ```
    /// use ndarray::{Array3, s};
    /// use recurrent::train::{Adam, Batch, Loss, Training};
    /// use recurrent::{Layer, Lstm, Model};
    /// let lstm = Layer::new(Lstm::<f32>::builder(1, 1).build()?);
    /// let model = Model::new().add(lstm.return_sequences(true).stateful(true));
    /// let training = Training::of(model).loss(Loss::mean_squared_error());
    /// let mut training = training.optimizer(Adam::keras(1e-2)).build()?;
    /// let series = Array3::from_shape_fn((2, 101, 1), |(i, t, _)| (t as f32 / 5.0 + i as f32).sin());
    /// let (x, y) = (series.slice(s![.., ..100, ..]), series.slice(s![.., 1.., ..]));
    /// let history = training.fit(&Batch::new(&x, &y)).windows(20).burn_in(10).epochs(2).run()?;
    /// assert_eq!(history.epochs[1].steps, 5); // 10 timesteps, then 20, 20, 20, 20 and 10
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn windows(mut self, timesteps: usize) -> Self {
        self.pieces.window = Some(timesteps);
        self
    }

    /// Runs the first timesteps of every sample for the state alone, as in inference; 0 by default. It goes with
    /// [`windows`](Self::windows).
    pub fn burn_in(mut self, timesteps: usize) -> Self {
        self.pieces.burn_in = timesteps;
        self
    }

    /// Also computes this metric. It may be called several times.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metrics.push(metric);
        self
    }

    /// Ends the training when it no longer gets better.
    pub fn early_stopping(mut self, stopping: EarlyStopping) -> Self {
        self.early_stopping = Some(stopping);
        self
    }

    /// Lowers the learning rate when `val_loss`, or without a validation `loss`, no longer gets better. The rate is a constant.
    pub fn reduce_on_plateau(mut self, plateau: ReduceOnPlateau) -> Self {
        self.plateau = Some(plateau);
        self
    }

    /// Calls a function after each step. It can end the training.
    pub fn each_step(mut self, each: impl FnMut(&StepEnd<A>) -> Go + 'f) -> Self {
        self.each_step = Some(Box::new(each));
        self
    }

    /// Calls a function after each epoch. It can end the training, save it ([`Training::state`]), or take a copy of the model to
    /// use it while the training goes on.
    pub fn each_epoch(mut self, each: impl FnMut(&EpochEnd<A>) -> Go + 'f) -> Self {
        self.each_epoch = Some(Box::new(each));
        self
    }

    /// Ends the training after the first step that ends later than this from now on.
    #[cfg(feature = "std")]
    pub fn deadline(mut self, time: core::time::Duration) -> Self {
        self.deadline = std::time::Instant::now().checked_add(time);
        self
    }
}
