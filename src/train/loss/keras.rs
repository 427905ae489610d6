//! The losses of Keras, and the user's own.

use super::Loss;
use super::binary::Binary;
use super::categorical::Categorical;
use super::ctc::Ctc;
use super::difference::Difference;
use super::evaluate::Kind;
use super::own::Own;
use super::sparse::Sparse;
use super::target::Target;
use crate::Element;
use crate::error::Result;
use ndarray::{ArrayD, ArrayViewD};

/// The losses of Keras, and your own.
impl<A: Element> Loss<A> {
    /// The mean over the last axis of (p - y)². Source: `keras.losses.MeanSquaredError`.
    ///
    /// `y_true` has the shape of `y_pred`, (samples, …, outputs); with one output and no other axis it may be (samples).
    /// The losses have that shape without the last axis. So have those of the other losses for which nothing else is said.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 1.0]];
    /// let loss = Loss::mean_squared_error().evaluate(&array![[1.0, 3.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (2.5, array![[1.0, 2.0]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn mean_squared_error() -> Self {
        Self::new(Kind::Difference(Difference::Squared))
    }

    /// The mean over the last axis of |p - y|; its slope at 0 is 0. Source: `keras.losses.MeanAbsoluteError`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 1.0]];
    /// let loss = Loss::mean_absolute_error().evaluate(&array![[1.0, 1.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (0.5, array![[0.5, 0.0]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn mean_absolute_error() -> Self {
        Self::new(Kind::Difference(Difference::Absolute))
    }

    /// The mean over the last axis of e²/2 where |e| ≤ delta, and delta (|e| - delta/2) elsewhere, with e = p - y.
    /// Source: `keras.losses.Huber`, whose default is a `delta` of 1.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 0.0]];
    /// let loss = Loss::huber(1.0).evaluate(&array![[1.0, 3.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (1.5, array![[0.5, 0.5]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn huber(delta: f64) -> Self {
        let loss = Self::new(Kind::Difference(Difference::Huber { delta }));
        loss.checked(
            "delta",
            "a positive number",
            delta,
            delta > 0.0 && delta.is_finite(),
        )
    }

    /// The mean over the last axis of ln cosh(p - y). Source: `keras.losses.LogCosh`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0]];
    /// let loss = Loss::log_cosh().evaluate(&array![[1.0_f64]], Target::new(&y))?;
    /// assert!((loss.value - 1.0_f64.cosh().ln()).abs() < 1e-15);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn log_cosh() -> Self {
        Self::new(Kind::Difference(Difference::LogCosh))
    }

    /// The mean over the last axis of -(w y ln p + (1 - y) ln(1 - p)). Source: `keras.losses.BinaryCrossentropy`.
    ///
    /// The p are probabilities, clipped to between 1e-7 and 1 - 1e-7 (no gradient goes through what is clipped), or with
    /// [`from_logits`](Self::from_logits) the sigmoids of the outputs. [`label_smoothing`](Self::label_smoothing) e makes
    /// y (1 - e) + e/2 of y. w is 1, or [`pos_weight`](Self::pos_weight).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[1.0]];
    /// let loss = Loss::binary_crossentropy().evaluate(&array![[0.5]], Target::new(&y))?;
    /// assert!((loss.value - core::f64::consts::LN_2).abs() < 1e-15);
    /// assert_eq!(loss.gradient, array![[-2.0]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn binary_crossentropy() -> Self {
        Self::new(Kind::Binary(Binary::default()))
    }

    /// -Σ y ln p over the classes on the last axis. Source: `keras.losses.CategoricalCrossentropy`.
    ///
    /// The p are probabilities, divided by their sum and clipped to between 1e-7 and 1 - 1e-7, or with
    /// [`from_logits`](Self::from_logits) the softmax of the outputs. Then the gradient is p - y, as in TensorFlow, also
    /// where y does not sum to 1. [`label_smoothing`](Self::label_smoothing) e makes y (1 - e) + e/classes of y.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 1.0]];
    /// let loss = Loss::categorical_crossentropy().from_logits(true);
    /// let loss = loss.evaluate(&array![[0.0, 0.0]], Target::new(&y))?;
    /// assert_eq!(loss.gradient, array![[0.5, -0.5]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn categorical_crossentropy() -> Self {
        Self::new(Kind::Categorical(Categorical::default()))
    }

    /// -ln p of the true class. Source: `keras.losses.SparseCategoricalCrossentropy`.
    ///
    /// `y_true` has the numbers of the classes, from 0, as the shape of `y_pred` without its last axis, or with a last
    /// axis of 1. The p are the softmax of the outputs with [`from_logits`](Self::from_logits); else probabilities,
    /// clipped to between 1e-7 and 1 - 1e-7 and then divided by their sum. See also [`ignore_class`](Self::ignore_class).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y_pred = array![[[0.25_f64, 0.75], [0.5, 0.5]]]; // 1 sample, 2 timesteps, 2 classes
    /// let y = array![[1.0, 0.0]];
    /// let loss = Loss::sparse_categorical_crossentropy().evaluate(&y_pred, Target::new(&y))?;
    /// assert!((loss.value + (0.75_f64.ln() + 0.5_f64.ln()) / 2.0).abs() < 1e-15);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn sparse_categorical_crossentropy() -> Self {
        Self::new(Kind::Sparse(Sparse::default()))
    }

    /// Σ y ln(y/p) over the last axis, y and p clipped to between 1e-7 and 1. Source: `keras.losses.KLDivergence`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.5, 0.5]];
    /// let loss = Loss::kl_divergence().evaluate(&array![[0.25, 0.5]], Target::new(&y))?;
    /// assert!((loss.value - 0.5 * core::f64::consts::LN_2).abs() < 1e-15);
    /// assert_eq!(loss.gradient, array![[-2.0, -1.0]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn kl_divergence() -> Self {
        Self::new(Kind::Kl)
    }

    /// Connectionist temporal classification: -ln of the probability of all ways to spread the labels over the timesteps,
    /// with repetitions and with blanks between them. Source: `keras.losses.CTC`; Graves et al., "Connectionist Temporal
    /// Classification" (2006). Computed exactly, in logarithms.
    ///
    /// `y_pred` is (samples, timesteps, classes), scores (or logarithms of probabilities) of which a softmax is taken.
    /// `y_true` is (samples, labels), padded at the end with 0, the [`blank`](Self::blank), or with anything if there are
    /// [`Target::label_lengths`]. Every timestep counts, unless there are [`Target::lengths`]; a mask is refused. The
    /// losses are (samples); their mean is not divided by any length.
    ///
    /// If the labels do not fit into the timesteps, the loss is infinite and the gradient of the sample 0, or what
    /// [`impossible`](Self::impossible) says. NaN or +∞ among the outputs of a sample gives NaN.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y_pred = array![[[0.0, 0.0], [0.0, 0.0]]]; // 2 timesteps, blank and 1
    /// let y = array![[1.0, 0.0]]; // "1", padded
    /// let loss = Loss::ctc().evaluate(&y_pred, Target::new(&y))?;
    /// assert!((loss.value + 0.75_f64.ln()).abs() < 1e-15); // 11, 1_ and _1 of four
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn ctc() -> Self {
        Self::new(Kind::Ctc(Ctc::default()))
    }

    /// A loss of your own: a function from the outputs to the loss and its gradient, of the shape of the outputs. It
    /// reduces, and it reads masks and weights of the target, itself.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let quartic = Loss::of(|y_pred, target| {
    ///     let e = &y_pred - &target.y_true;
    ///     Ok((e.mapv(|e: f64| e.powi(4)).sum(), e.mapv(|e| 4.0 * e.powi(3))))
    /// });
    /// let y = array![[0.0, 1.0]];
    /// let loss = quartic.evaluate(&array![[1.0, 3.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (17.0, array![[4.0, 32.0]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn of<F>(function: F) -> Self
    where
        F: Fn(ArrayViewD<'_, A>, &Target<'_, A>) -> Result<(f64, ArrayD<A>)>,
        F: Send + Sync + 'static,
    {
        Self::new(Kind::Own(Own::new(function)))
    }
}
