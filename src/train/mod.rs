//! Training: gradients, losses and optimisers. Feature `train`.
//!
//! Gradients are written by hand for each layer, and held against central differences, Keras and PyTorch. There are three
//! ways in.
//!
//! # One layer, and a loss of your own
//!
//! `record` is a verb of every recurrent layer, like `sequences` or `last`. It runs the layer and keeps what the way back
//! needs. [`Recording::backward`] takes the gradient of your loss with respect to what the layer gave, and returns those
//! of the weights, the input and the initial state. An [`Optimizer`] moves the weights. [`Model::record`](crate::Model::record)
//! does the same for a model.
//!
//! ```
//! use ndarray::Array3;
//! use recurrent::{Lstm, Recurrent};
//! use recurrent::train::{Adam, Optimizer, Upstream};
//! let mut lstm = Lstm::<f32>::builder(2, 3).seed(0).build()?;
//! let mut optimizer = Optimizer::of(Adam::keras(0.01)).build()?;
//! let x = Array3::from_shape_fn((4, 5, 2), |(i, t, k)| (i + t + k) as f32 / 10.0);
//! let mut losses = Vec::new();
//! for _ in 0..20 {
//!     let pass = lstm.run(&x).lengths(&[5, 3, 4, 1]).record()?;
//!     let d = pass.last() - 0.5; // the loss is Σ (last - ½)² / 2
//!     losses.push(d.mapv(|d| d * d).sum() / 2.0);
//!     let gradient = pass.backward(&Upstream::last(&d))?;
//!     optimizer.update(&mut lstm, &gradient.weights)?;
//! }
//! assert!(losses[19] < losses[0] / 2.0, "{losses:?}");
//! # Ok::<(), recurrent::Error>(())
//! ```
//!
//! # A model, step by step
//!
//! A [`Training`] owns a model, its losses and an optimiser. [`Training::step`] learns from one [`Batch`], and the loop
//! around it is yours.
//!
//! ```
//! use ndarray::{Array2, Array3};
//! use recurrent::train::{Adam, Batch, Clip, Loss, Optimizer, Training};
//! use recurrent::{Dense, Initializer, Layer, Lstm, Model};
//! let model = Model::<f32>::new()
//!     .add(Layer::new(Lstm::builder(2, 8).seed(0).build()?))
//!     .add(Dense::from_weights(Initializer::GlorotUniform.matrix(8, 3, 1)?, None)?);
//! let mut training = Training::of(model)
//!     .loss(Loss::sparse_categorical_crossentropy().from_logits(true))
//!     .optimizer(Optimizer::of(Adam::keras(0.01)).clip(Clip::GlobalNorm(1.0)))
//!     .build()?;
//! let x = Array3::from_shape_fn((6, 5, 2), |(i, t, k)| ((i * (t + 1) + k) % 3) as f32 - 1.0);
//! let classes = Array2::from_shape_fn((6, 1), |(i, _)| (i % 3) as f32);
//! let mut last = f64::INFINITY;
//! for _ in 0..20 {
//!     last = training.step(&Batch::new(&x, &classes).lengths(&[5, 5, 3, 4, 2, 5]))?.loss;
//! }
//! assert!(last < 1.0);
//! let model: Model<f32> = training.into_model();
//! # Ok::<(), recurrent::Error>(())
//! ```
//!
//! # A model, over epochs
//!
//! [`Training::fit`] is Keras' `fit`: epochs, a shuffle, a validation, [`Metric`]s, an [`EarlyStopping`] that restores the best
//! weights, functions that see every step and epoch. [`Training::evaluate`] is Keras' `evaluate`. Windows of a long series, and
//! batches of an iterator, go the same way. [`Training::state`] holds all that a training has learned, also in the middle of an
//! epoch: a training that is resumed from it ends with the same bits.
//!
//! ```
//! use ndarray::{Array2, Array3};
//! use recurrent::train::{Adam, Batch, EarlyStopping, Loss, Metric, Training};
//! use recurrent::{Activation, Dense, Initializer, Layer, Lstm, Model};
//! let head = Dense::from_weights(Initializer::GlorotUniform.matrix(8, 1, 1)?, None)?;
//! let model = Model::<f32>::new()
//!     .add(Layer::new(Lstm::builder(1, 8).seed(0).build()?))
//!     .add(head.with_activation(Activation::Sigmoid)?);
//! let mut training = Training::of(model)
//!     .loss(Loss::binary_crossentropy())
//!     .optimizer(Adam::keras(0.02))
//!     .seed(42)
//!     .build()?;
//! // Which sequences rise?
//! let x = Array3::from_shape_fn((120, 6, 1), |(i, t, _)| (t as f32 / 5.0 - 0.5) * ((i % 7) as f32 - 3.2));
//! let y = Array2::from_shape_fn((120, 1), |(i, _)| if i % 7 > 3 { 1.0 } else { 0.0 });
//! let history = training
//!     .fit(&Batch::new(&x, &y))
//!     .epochs(20)
//!     .validation_split(0.2)
//!     .metric(Metric::accuracy())
//!     .early_stopping(EarlyStopping::new().patience(3).restore_best_weights(true))
//!     .run()?;
//! println!("{history}");
//! assert!(history.epochs.last().unwrap().get("val_accuracy") > Some(0.9));
//! # Ok::<(), recurrent::Error>(())
//! ```
//!
//! # What trains
//!
//! | | |
//! | --- | --- |
//! | recurrent layers | [`SimpleRnn`](crate::SimpleRnn), [`Lstm`](crate::Lstm) and [`Gru`](crate::Gru) with every activation and option, but no dropout together with a [`LayerNorm`](crate::LayerNorm); [`Bidirectional`](crate::Bidirectional), [`Stacked`](crate::Stacked), [`Deep`](crate::Deep), with the flags of a [`Layer`](crate::Layer) |
//! | other layers | [`Dense`](crate::Dense), [`Embedding`](crate::Embedding), [`Masking`](crate::Masking), [`LayerNormalization`](crate::LayerNormalization), [`BatchNormalization`](crate::BatchNormalization), [`RmsNormalization`](crate::RmsNormalization), [`UnitNormalization`](crate::UnitNormalization), [`GroupNormalization`](crate::GroupNormalization), [`Normalization`](crate::Normalization) (as it was adapted), [`Rescaling`](crate::Rescaling), [`PRelu`](crate::PRelu), [`Conv1d`](crate::Conv1d), [`Conv2d`](crate::Conv2d), their transposed forms, pooling over time and over images, [`Attention`](crate::Attention), [`AdditiveAttention`](crate::AdditiveAttention), [`MultiHeadAttention`](crate::MultiHeadAttention), [`Dot`](crate::Dot), [`TimeDistributed`](crate::TimeDistributed), merges, activations, layers that reshape, pad, crop and repeat, operations of Keras; but no [`BatchNormalization`](crate::BatchNormalization) inside of a [`TimeDistributed`](crate::TimeDistributed), unless it is frozen |
//! | your own | a layer with [`AnyLayer::backward`](crate::AnyLayer::backward), a cell with [`Cell::step_back`](crate::Cell::step_back); [`check_gradient`] compares them with central differences |
//! | models | sequences, graphs with several inputs and outputs, layers that are called several times, models in models |
//! | masks | of any pattern, by lengths or from a layer. What stands in masked timesteps of the input of a recurrent layer, NaN too, changes no gradient |
//! | noise | [`Dropout`](crate::Dropout), [`SpatialDropout1d`](crate::SpatialDropout1d), [`AlphaDropout`](crate::AlphaDropout), [`GaussianDropout`](crate::GaussianDropout), [`GaussianNoise`](crate::GaussianNoise), `dropout` and `recurrent_dropout` of the cells, dropout between the layers of a stack, from a seed |
//! | losses | those of Keras and of PyTorch for regression and classification, CTC, your own: [`Loss`] |
//! | optimisers | [`Sgd`], [`RmsProp`], [`Adam`], [`AdamW`], [`Nadam`], [`Adagrad`], [`Adadelta`], [`Adamax`], [`Lion`], [`Ftrl`]; with clipping, decay, groups, constraints, accumulation, averages and schedules: [`OptimizerBuilder`] |
//! | metrics | accuracies, precision, recall, F1, an exact AUC, errors, under masks and weights: [`Metric`] |
//! | state | the initial state of a cell, if it has one ([`LstmBuilder::initial_state`](crate::LstmBuilder::initial_state)); truncated backpropagation through time: [`Batch::initial_state`], [`Batch::burn_in`] |
//!
//! # What does not
//!
//! - A layer that is shared between a model and one inside it is refused. A layer that is called several times by one model
//!   learns from all calls.
//! - `Batch::lengths` and `burn_in` take axis 1 as the timesteps, so they do not go with layers that are `time_major`.
//! - These are refused by name when a training is built: a layer of your own without a backward pass, and a `Lambda` of a
//!   Keras file.
//! - A normalisation without `gamma` and `beta` cannot be frozen.
//!
//! # Speed and memory
//!
//! The gradients of an LSTM or a GRU take about four times as long as its forward pass; three times is the number of their
//! products. A pass keeps the states and gates of every recurrent layer at every timestep, and the inputs of every layer,
//! until the next pass. So memory grows with samples × timesteps × layers. Long series are trained window by window, or with
//! [`Run::recompute`](crate::Run::recompute) and [`Run::checkpoints`](crate::Run::checkpoints), which keep less and give the
//! same bits. With the feature `rayon`, long products and long steps are shared by threads, which changes no bit. A pass
//! allocates. Cells of your own, and cells with layer normalisation, go back a step at a time, which takes longer.

mod average;
mod batch;
mod builder;
mod check;
mod check_gradient;
mod clip;
mod constraint;
mod examples;
mod fit;
mod loss;
mod metric;
mod model_recording;
mod optimizer;
mod paths;
mod plateau;
mod rate;
mod recording;
mod regularizer;
mod setters;
mod state;
#[cfg(feature = "saved")]
mod stored;
mod training;

pub use crate::backward::Noise;
pub use crate::backward::Tape;
pub use crate::cell::StepBack;
pub use crate::gradients::{Gradients, LayerGradients};
pub use crate::model::{BackwardCall, Phase, RecordCall};
pub use average::Ema;
pub use batch::Batch;
pub use builder::TrainingBuilder;
pub use check_gradient::{GradientCheck, check_gradient};
pub use clip::Clip;
pub use constraint::Constraint;
pub use examples::Examples;
pub use fit::{
    EarlyStopping, Ended, Epoch, EpochEnd, Evaluate, Evaluation, Fit, Go, History, StepEnd,
};
pub use loss::{Evaluated, Impossible, Loss, Reduction, Target};
pub use metric::Metric;
pub use model_recording::{ModelGradient, ModelRecording};
pub use optimizer::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, Optimizer, OptimizerBuilder,
    OptimizerState, RmsProp, Sgd, WeightState,
};
pub use plateau::ReduceOnPlateau;
pub use rate::{CosineDecay, ExponentialDecay, LearningRate, PiecewiseConstantDecay};
pub use recording::{Gradient, Recording, Upstream};
pub use regularizer::Regularizer;
pub use state::TrainingState;
pub use training::{Step, Training};
