//! `Activation`: the function that a layer applies to its sums, by its name.

use crate::error::{Error, Result};
use core::fmt;
use core::str::FromStr;

/// The function that a layer applies to its sums. All are applied element by element, except [`Softmax`](Self::Softmax) and
/// [`LogSoftmax`](Self::LogSoftmax).
///
/// Parameters are `f64` and are rounded once to the layer's type. NaN gives NaN, and an infinity gives the limit of the
/// function. Sources: `keras.activations` 3.15, and the ONNX operators of these names.
///
/// ```
/// use recurrent::Activation;
/// let mut y = [-4.0_f64, 0.0, 1.0];
/// Activation::HARD_SIGMOID_KERAS2.apply(&mut y);
/// assert_eq!(y, [0.0, 0.5, 0.7]);
/// assert_eq!("relu".parse(), Ok(Activation::Relu)); // Keras' names
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub enum Activation {
    /// The identity: x
    Linear,
    /// The hyperbolic tangent: tanh x
    #[default]
    Tanh,
    /// The logistic sigmoid: 1 / (1 + e^-x)
    Sigmoid,
    /// The hard sigmoid: clip(alpha x + beta, 0, 1)
    ///
    /// Two functions have this name. Keras 3 and `"hard_sigmoid".parse()` mean [`HARD_SIGMOID`](Self::HARD_SIGMOID). Keras
    /// 1 and 2 mean [`HARD_SIGMOID_KERAS2`](Self::HARD_SIGMOID_KERAS2). ONNX has alpha 0.2 and beta 0.5, unless the node
    /// says otherwise.
    HardSigmoid {
        /// The slope.
        alpha: f64,
        /// The value at 0.
        beta: f64,
    },
    /// The rectified linear unit: max(x, 0)
    Relu,
    /// The rectified linear unit, capped at 6: min(max(x, 0), 6)
    Relu6,
    /// The leaky rectified linear unit: x if x ≥ 0, else alpha x
    LeakyRelu {
        /// The slope below 0: 0.2 in Keras, 0.01 in ONNX.
        alpha: f64,
    },
    /// The thresholded rectified linear unit of ONNX: x if x > alpha, else 0
    ThresholdedRelu {
        /// The threshold.
        alpha: f64,
    },
    /// The exponential linear unit: x if x > 0, else alpha (e^x - 1)
    Elu {
        /// The negative of the limit at minus infinity.
        alpha: f64,
    },
    /// The scaled exponential linear unit: λ (x if x > 0, else 1.6732632423543772 (e^x - 1)) with λ = 1.0507009873554805
    Selu,
    /// The continuously differentiable exponential linear unit: max(x, 0) + min(alpha (e^(x/alpha) - 1), 0)
    Celu {
        /// The negative of the limit at minus infinity.
        alpha: f64,
    },
    /// The Gaussian error linear unit: x/2 (1 + erf(x/√2)), or its approximation x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))
    Gelu {
        /// Whether to use the approximation with tanh.
        approximate: bool,
    },
    /// x · sigmoid(x), also called swish
    Silu,
    /// x · clip(x/6 + 1/2, 0, 1), also called hard swish
    HardSilu,
    /// ln(1 + e^x)
    Softplus,
    /// x / (1 + |x|)
    Softsign,
    /// e^x
    Exponential,
    /// x · tanh(softplus(x))
    Mish,
    /// clip(x, -1, 1)
    HardTanh,
    /// ln sigmoid(x)
    LogSigmoid,
    /// x - tanh x
    TanhShrink,
    /// The soft shrink: x - threshold if x > threshold, x + threshold if x < -threshold, else 0
    SoftShrink {
        /// Half the width of the interval that becomes 0.
        threshold: f64,
    },
    /// The hard shrink: x if |x| > threshold, else 0
    HardShrink {
        /// Half the width of the interval that becomes 0.
        threshold: f64,
    },
    /// x if x > threshold, else value
    Threshold {
        /// The threshold.
        threshold: f64,
        /// The result for every x up to the threshold.
        value: f64,
    },
    /// (x + √(x² + b)) / 2
    Squareplus {
        /// The roundness of the corner at 0. With 0 the function is max(x, 0).
        b: f64,
    },
    /// 0 if x ≤ -1, (x + 1)²/4 if x < 1, else x
    SparsePlus,
    /// 0 if x ≤ -1, 1 if x ≥ 1, else (x + 1)/2
    SparseSigmoid,
    /// The affine function of ONNX: alpha x + beta
    Affine {
        /// The slope.
        alpha: f64,
        /// The value at 0.
        beta: f64,
    },
    /// The scaled tanh of ONNX: alpha tanh(beta x)
    ScaledTanh {
        /// The limit at infinity.
        alpha: f64,
        /// The scale of the argument.
        beta: f64,
    },
    /// e^x / Σ e^x over the last axis, for [`Dense`](crate::Dense). It is not element-wise, so it cannot be the activation
    /// of a gate.
    Softmax,
    /// x - ln Σ e^x over the last axis: the logarithm of [`Softmax`](Self::Softmax), which does not overflow. It cannot be the
    /// activation of a gate either.
    LogSoftmax,
    /// A function of your own: see [`custom`](Self::custom).
    Custom(Function),
}

/// A function of your own with a name: what [`Activation::custom`] makes an activation of. Two are equal if their names are.
#[derive(Clone, Copy)]
pub struct Function {
    name: &'static str,
    of: fn(f64) -> f64,
}

impl Function {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn of(self, x: f64) -> f64 {
        (self.of)(x)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A file keeps the name of a function.
#[cfg(feature = "serde")]
impl serde::Serialize for Function {
    fn serialize<S: serde::Serializer>(&self, to: S) -> core::result::Result<S::Ok, S::Error> {
        to.serialize_str(self.name)
    }
}

/// No file has the function itself, so this is always an error, which says who can give it back.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Function {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> core::result::Result<Self, D::Error> {
        let name = <alloc::string::String as serde::Deserialize>::deserialize(from)?;
        let found = alloc::format!(
            "the activation {name:?} is a function that is not in the file: give it to `saved::Reader::activation`"
        );
        Err(serde::de::Error::custom(found))
    }
}

/// The names that [`Activation::from_str`] reads, and the functions that they mean.
const NAMES: [(&str, Activation); 30] = [
    ("linear", Activation::Linear),
    ("tanh", Activation::Tanh),
    ("sigmoid", Activation::Sigmoid),
    ("hard_sigmoid", Activation::HARD_SIGMOID),
    ("hard_sigmoid_keras2", Activation::HARD_SIGMOID_KERAS2),
    ("relu", Activation::Relu),
    ("relu6", Activation::Relu6),
    ("leaky_relu", Activation::LeakyRelu { alpha: 0.2 }),
    ("elu", Activation::Elu { alpha: 1.0 }),
    ("selu", Activation::Selu),
    ("celu", Activation::Celu { alpha: 1.0 }),
    ("gelu", Activation::Gelu { approximate: false }),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("hard_silu", Activation::HardSilu),
    ("hard_swish", Activation::HardSilu),
    ("softplus", Activation::Softplus),
    ("softsign", Activation::Softsign),
    ("exponential", Activation::Exponential),
    ("mish", Activation::Mish),
    ("hard_tanh", Activation::HardTanh),
    ("log_sigmoid", Activation::LogSigmoid),
    ("tanh_shrink", Activation::TanhShrink),
    ("soft_shrink", Activation::SoftShrink { threshold: 0.5 }),
    ("hard_shrink", Activation::HardShrink { threshold: 0.5 }),
    ("squareplus", Activation::Squareplus { b: 4.0 }),
    ("sparse_plus", Activation::SparsePlus),
    ("sparse_sigmoid", Activation::SparseSigmoid),
    ("softmax", Activation::Softmax),
    ("log_softmax", Activation::LogSoftmax),
];

impl Activation {
    /// The hard sigmoid of Keras 3: clip(x/6 + 1/2, 0, 1).
    pub const HARD_SIGMOID: Self = Activation::HardSigmoid {
        alpha: 1.0 / 6.0,
        beta: 0.5,
    };

    /// The hard sigmoid of Keras 1 and 2: clip(0.2x + 0.5, 0, 1). Up to Keras 2.2 it is the default of the gates.
    pub const HARD_SIGMOID_KERAS2: Self = Activation::HardSigmoid {
        alpha: 0.2,
        beta: 0.5,
    };

    /// A function of your own, by a name that no other one has. It is applied element by element: it takes a number in `f64`,
    /// and the result is rounded once to the layer's type.
    ///
    /// It goes wherever an activation goes, into gates, too. It is called for one number at a time, so it is slower than the
    /// activations that have vector instructions. For a function of several numbers, such as a softmax of your own, write a
    /// layer: see [`AnyLayer`](crate::AnyLayer).
    ///
    /// In a training its derivative is a central difference, which takes two calls for each number.
    ///
    /// A saved file has the name of the function alone: `saved::Reader::activation` gives it back. For functions in files of
    /// Keras see `keras::Reader::activation`.
    ///
    /// ```
    /// use recurrent::{Activation, Lstm};
    /// let snake = Activation::custom("snake", |x| x + x.sin().powi(2));
    /// let lstm = Lstm::<f32>::builder(2, 3).activation(snake).build()?;
    /// assert_eq!(lstm.activation().to_string(), "snake");
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn custom(name: &'static str, function: fn(f64) -> f64) -> Self {
        Activation::Custom(Function { name, of: function })
    }

    /// Refuses an activation with a parameter that is not finite.
    pub(crate) fn check(self, name: &'static str) -> Result<()> {
        let parameters = match self {
            Activation::HardSigmoid { alpha, beta }
            | Activation::Affine { alpha, beta }
            | Activation::ScaledTanh { alpha, beta } => [alpha, beta],
            Activation::Threshold { threshold, value } => [threshold, value],
            Activation::LeakyRelu { alpha }
            | Activation::ThresholdedRelu { alpha }
            | Activation::Elu { alpha } => [alpha, 0.0],
            Activation::SoftShrink { threshold } | Activation::HardShrink { threshold } => {
                [threshold, 0.0]
            }
            Activation::Squareplus { b } => [b, 0.0],
            // CELU divides by alpha.
            Activation::Celu { alpha } => [1.0 / alpha, alpha],
            _ => [0.0, 0.0],
        };
        if parameters.iter().all(|p| p.is_finite()) {
            return Ok(());
        }
        Err(Error::value(
            name,
            "a function with finite parameters",
            self,
        ))
    }

    /// Whether each number depends on its own argument alone, and not on a row of them.
    pub(crate) fn is_elementwise(self) -> bool {
        !matches!(self, Activation::Softmax | Activation::LogSoftmax)
    }

    /// Refuses an activation that a gate cannot have: one over a row, since a gate is computed element by element, and invalid
    /// parameters.
    pub(crate) fn check_gate(self, name: &'static str) -> Result<()> {
        if !self.is_elementwise() {
            let expected = "an element-wise function: units are computed one by one";
            return Err(Error::value(name, expected, self));
        }
        self.check(name)
    }
}

impl FromStr for Activation {
    type Err = Error;

    /// Reads a name of Keras 3. **A `hard_sigmoid` in a file of Keras 1 or 2 is `hard_sigmoid_keras2` here**: the function
    /// changed but its name did not, so check the version of the file first. Returns an error for an unknown name.
    fn from_str(name: &str) -> Result<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, activation)| activation)
            .ok_or_else(|| {
                Error::value(
                    "activation",
                    "a name of Keras, like \"tanh\", \"sigmoid\" or \"hard_sigmoid\"",
                    alloc::format!("{name:?}"),
                )
            })
    }
}

impl fmt::Display for Activation {
    /// Prints Keras' name if there is one, and the variant with its parameters if not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, activation)| activation == self) {
            Some((name, _)) => f.write_str(name),
            None => match self {
                Activation::Custom(function) => f.write_str(function.name),
                _ => write!(f, "{self:?}"),
            },
        }
    }
}

#[cfg(test)]
mod tests;
