//! The derivatives of the activations.

use super::functions::Chosen;
use crate::activation::Activation;
use crate::kernel::vectors::Number;

/// λ and λ · 1.673… of SELU, as in `activations`.
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
/// √(2/π)
const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
/// 1/√(2π)
const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;

impl Activation {
    /// The derivative at `x`, where the function is `y`. At a kink it is TensorFlow's: a `clip` passes the gradient at its
    /// ends, and a `relu` does not at 0. Softmax and its logarithm are not
    /// element-wise: see [`back`](Self::back).
    pub(crate) fn slope<A: Number>(self, x: A, y: A) -> A {
        let (zero, one, half) = (A::zero(), A::one(), A::nearest(0.5));
        let of = A::nearest;
        let step = |holds: bool| if holds { one } else { zero };
        match self {
            Activation::Linear | Activation::Softmax | Activation::LogSoftmax => one,
            Activation::Tanh => one - y * y,
            Activation::Sigmoid => y * (one - y),
            // Keras 3 computes it as relu6(x + 3) / 6, Keras 1 and 2 as a clip.
            Activation::HARD_SIGMOID => step(x > of(-3.0) && x < of(3.0)) * of(1.0 / 6.0),
            Activation::HardSigmoid { alpha, beta } => {
                let linear = of(alpha) * x + of(beta);
                step(linear >= zero && linear <= one) * of(alpha)
            }
            Activation::Relu => step(x > zero),
            Activation::Relu6 => step(x > zero && x < of(6.0)),
            Activation::LeakyRelu { alpha } => {
                if x > zero {
                    one
                } else {
                    of(alpha)
                }
            }
            Activation::ThresholdedRelu { alpha } => step(x > of(alpha)),
            Activation::Elu { .. } if x > zero => one,
            Activation::Elu { alpha } => of(alpha) * x.libm_exp(),
            Activation::Selu if x < zero => of(SELU_SCALE) * of(SELU_ALPHA) * x.libm_exp(),
            Activation::Selu => of(SELU_SCALE),
            Activation::Celu { alpha } => {
                // A maximum and a minimum: both pass a tie.
                let below = if x <= zero {
                    (x / of(alpha)).libm_exp()
                } else {
                    zero
                };
                step(x >= zero) + below
            }
            Activation::Gelu { approximate: false } => {
                let erf = (x * of(core::f64::consts::FRAC_1_SQRT_2)).libm_erf();
                let density = of(INVERSE_SQRT_2_PI) * (-half * x * x).libm_exp();
                half * (one + erf) + finite(x, density)
            }
            Activation::Gelu { approximate: true } => {
                let (root, cubic) = (of(SQRT_2_OVER_PI), of(0.044_715));
                let t = (root * (x + cubic * x * x * x)).libm_tanh();
                let inner = root * (one + of(3.0) * cubic * x * x);
                half * (one + t) + finite(half * x * inner, one - t * t)
            }
            Activation::Silu => {
                let s = sigmoid(x);
                s + finite(x, s * (one - s))
            }
            Activation::HardSilu => {
                let gate = Activation::HARD_SIGMOID;
                let y = gate.elementwise(x);
                y + finite(x, gate.slope(x, y))
            }
            Activation::Softplus => sigmoid(x),
            Activation::Softsign => {
                let d = one + x.abs();
                one / (d * d)
            }
            Activation::Exponential => y,
            Activation::Mish => {
                let t = Activation::Softplus.elementwise(x).libm_tanh();
                t + finite(x, (one - t * t) * sigmoid(x))
            }
            Activation::HardTanh => step(x >= -one && x <= one),
            Activation::LogSigmoid => sigmoid(-x),
            Activation::TanhShrink => {
                let t = x.libm_tanh();
                t * t
            }
            Activation::SoftShrink { threshold } | Activation::HardShrink { threshold } => {
                step(x.abs() > of(threshold))
            }
            Activation::Threshold { threshold, .. } => step(x > of(threshold)),
            Activation::Squareplus { b } => half * (one + finite(x, one / (x * x + of(b)).sqrt())),
            Activation::SparsePlus => ((x + one) * half).max(zero).min(one),
            Activation::SparseSigmoid => step(x > -one && x < one) * half,
            Activation::Affine { alpha, .. } => of(alpha),
            Activation::Custom(function) => {
                // The function says nothing of its derivative. The step follows the argument, so that it stays on one side
                // of 0, where a logarithm ends.
                let x = x.wide();
                let step = 1e-5 * if x.abs() > 1e-3 { x.abs() } else { 1e-3 };
                of((function.of(x + step) - function.of(x - step)) / (2.0 * step))
            }
            Activation::ScaledTanh { alpha, beta } => {
                let t = (of(beta) * x).libm_tanh();
                of(alpha) * of(beta) * (one - t * t)
            }
        }
    }

    /// Turns the gradients of the outputs `y` into those of the arguments `x`, in place: one row of a softmax, or any
    /// number of numbers of another function.
    pub(crate) fn back<A: Number>(self, x: &[A], y: &[A], gradients: &mut [A]) {
        if self == Activation::Softmax {
            let pairs = gradients.iter().zip(y);
            let mean = pairs.fold(A::zero(), |sum, (&d, &y)| sum + d * y);
            let pairs = gradients.iter_mut().zip(y);
            pairs.for_each(|(d, &y)| *d = y * (*d - mean));
            return;
        }
        if self == Activation::LogSoftmax {
            let sum = gradients.iter().fold(A::zero(), |sum, &d| sum + d);
            let pairs = gradients.iter_mut().zip(y);
            pairs.for_each(|(d, &y)| *d = *d - y.libm_exp() * sum);
            return;
        }
        for ((d, &x), &y) in gradients.iter_mut().zip(x).zip(y) {
            *d = *d * self.slope(x, y);
        }
    }
}

impl Chosen {
    /// The argument of `gate` and `act` for this sum.
    pub(crate) fn clip_sum<A: Number>(&self, sum: A) -> A {
        let Some(clip) = self.clip else { return sum };
        let most = A::nearest(clip);
        most.min((-most).max(sum))
    }

    /// The derivative of `gate` or `act` with respect to the sum, where the function is `y`. It is 0 outside of the clip.
    pub(crate) fn slope<A: Number>(&self, activation: Activation, sum: A, y: A) -> A {
        let argument = self.clip_sum(sum);
        if argument == sum || sum.is_nan() {
            activation.slope(argument, y)
        } else {
            A::zero()
        }
    }
}

/// `x · y`, which is 0 if `y` is 0, even if `x` is infinite.
fn finite<A: Number>(x: A, y: A) -> A {
    if y == A::zero() { y } else { x * y }
}

fn sigmoid<A: Number>(x: A) -> A {
    Activation::Sigmoid.elementwise(x)
}
