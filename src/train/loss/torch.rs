//! The losses of PyTorch, where they differ from those of Keras.

use super::Loss;
use super::binary::Binary;
use super::ctc::Ctc;
use super::difference::Difference;
use super::evaluate::Kind;
use super::sparse::Sparse;
use crate::Element;

/// The losses of PyTorch. Those of a difference, and the binary crossentropy, have a loss for each number and not for each
/// row: that is another sum, and another result of `Reduction::None`, but the same mean.
impl<A: Element> Loss<A> {
    fn torch(kind: Kind<A>) -> Self {
        Loss {
            is_torch: true,
            ..Self::new(kind)
        }
    }

    /// (p - y)² of each number. Source: `torch.nn.MSELoss`. `y_true` has the shape of `y_pred`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Reduction, Target};
    /// let (y_pred, y) = (array![[1.0, 3.0]], array![[0.0, 1.0]]);
    /// let sum = Loss::torch_mse().reduction(Reduction::Sum);
    /// assert_eq!(sum.evaluate(&y_pred, Target::new(&y))?.value, 5.0);
    /// let sum = Loss::mean_squared_error().reduction(Reduction::Sum); // of means over rows
    /// assert_eq!(sum.evaluate(&y_pred, Target::new(&y))?.value, 2.5);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn torch_mse() -> Self {
        Self::torch(Kind::Difference(Difference::Squared))
    }

    /// |p - y| of each number. Source: `torch.nn.L1Loss`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![0.0, 1.0];
    /// let loss = Loss::torch_l1().evaluate(&array![1.0, 1.0], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (0.5, array![0.5, 0.0]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn torch_l1() -> Self {
        Self::torch(Kind::Difference(Difference::Absolute))
    }

    /// [`huber`](Self::huber) of each number. Source: `torch.nn.HuberLoss`, whose default is a `delta` of 1.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![0.0, 0.0];
    /// let loss = Loss::torch_huber(2.0).evaluate(&array![1.0, 3.0], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (2.25, array![0.5, 1.0]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn torch_huber(delta: f64) -> Self {
        Loss {
            is_torch: true,
            ..Self::huber(delta)
        }
    }

    /// e²/(2 beta) where |e| < beta, and |e| - beta/2 elsewhere, of each number e = p - y. Source:
    /// `torch.nn.SmoothL1Loss`, whose default is a `beta` of 1; with 0 it is [`torch_l1`](Self::torch_l1).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![0.0, 0.0];
    /// let loss = Loss::torch_smooth_l1(2.0).evaluate(&array![1.0, 3.0], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (1.125, array![0.25, 0.5]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn torch_smooth_l1(beta: f64) -> Self {
        let loss = Self::torch(Kind::Difference(Difference::SmoothL1 { beta }));
        let is_valid = beta >= 0.0 && beta.is_finite();
        loss.checked("beta", "a number that is not negative", beta, is_valid)
    }

    /// -(w y ln p + (1 - y) ln(1 - p)) of each number, p being the sigmoid of the output. Source:
    /// `torch.nn.BCEWithLogitsLoss`. w is 1, or [`pos_weight`](Self::pos_weight).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[1.0, 0.0]];
    /// let loss = Loss::torch_bce_with_logits().pos_weight(&[3.0]);
    /// let loss = loss.evaluate(&array![[0.0, 0.0]], Target::new(&y))?;
    /// assert_eq!(loss.gradient, array![[-0.75, 0.25]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn torch_bce_with_logits() -> Self {
        Self::torch(Kind::Binary(Binary {
            from_logits: true,
            ..Binary::default()
        }))
    }

    /// -w ln p of the true class, p being the softmax of the outputs. Source: `torch.nn.CrossEntropyLoss`.
    ///
    /// Other than in PyTorch the classes are always on the last axis. `y_true` has their numbers, as in
    /// [`sparse_categorical_crossentropy`](Self::sparse_categorical_crossentropy). w is 1, or the
    /// [`class_weights`](Self::class_weights): then the mean is divided by the sum of the weights of the true classes.
    /// Entries of the [`ignore_class`](Self::ignore_class), -100, count as masked. With
    /// [`label_smoothing`](Self::label_smoothing) e it is -(1 - e) w ln p - e/classes Σ w ln p over all classes. A batch in
    /// which all are ignored gives 0, where PyTorch gives NaN.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![0.0, 1.0, -100.0];
    /// let loss = Loss::torch_cross_entropy().class_weights(&[1.0, 3.0]);
    /// let loss = loss.evaluate(&array![[0.0, 0.0], [0.0, 0.0], [9.0, 9.0]], Target::new(&y))?;
    /// assert!((loss.value - core::f64::consts::LN_2).abs() < 1e-15); // (1 + 3) ln 2 / (1 + 3)
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn torch_cross_entropy() -> Self {
        Self::torch(Kind::Sparse(Sparse {
            from_logits: true,
            ignore_class: Some(-100),
            ..Sparse::default()
        }))
    }

    /// [`ctc`](Self::ctc) whose mean is that of each loss divided by the number of its labels, or by 1. Source:
    /// `torch.nn.CTCLoss`. `zero_infinity` is [`impossible(Impossible::Zero)`](Self::impossible).
    ///
    /// Other than in PyTorch the samples come first, not the timesteps.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y_pred = array![[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]];
    /// let y = array![[0.0, 0.0]];
    /// let target = Target::new(&y).label_lengths(&[2]).lengths(&[3]);
    /// let loss = Loss::torch_ctc().blank(1).evaluate(&y_pred, target)?;
    /// assert!((loss.value + 0.125_f64.ln() / 2.0).abs() < 1e-15); // 0_0 alone, of eight
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn torch_ctc() -> Self {
        Self::torch(Kind::Ctc(Ctc::default()))
    }
}
