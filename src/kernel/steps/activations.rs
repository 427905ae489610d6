//! The functions that [`Activation`] names: the common ones over vectors, the others one number at a time.

use crate::activation::Activation;
use crate::kernel::vectors::{Number, Op, Vector, Work, math};

/// The scale of Klambauer et al., "Self-Normalizing Neural Networks" (2017), rounded to `f64`.
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// √(2/π), in the approximation of Hendrycks & Gimpel, "Gaussian Error Linear Units" (2016).
const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;

/// Applies an activation to a vector.
#[inline(always)]
pub fn apply<V: Vector>(activation: Activation, x: V) -> V {
    let of = |y: f64| V::Elem::nearest(y);
    match activation {
        Activation::Tanh => math::tanh(x),
        Activation::Sigmoid => math::sigmoid(x),
        Activation::Linear => x,
        Activation::HardSigmoid { alpha, beta } => {
            let y = x.mul(x.fill(of(alpha))).add(x.fill(of(beta)));
            x.fill(of(1.0)).min(x.fill(of(0.0)).max(y))
        }
        Activation::Relu => x.fill(of(0.0)).max(x),
        other => x.map(|x| other.elementwise(x)),
    }
}

/// Applies an activation to many numbers in place.
pub struct Map<'a, A> {
    pub values: &'a mut [A],
    pub activation: Activation,
}

impl<A: Number> Op<A> for Map<'_, A> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        let (values, activation) = (&mut *self.values, self.activation);
        // SAFETY: the caller guarantees that the machine has the instruction set.
        unsafe { V::enter(Map { values, activation }) }
    }
}

impl<A: Number> Work<A> for Map<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        for chunk in self.values.chunks_mut(V::LANES) {
            // SAFETY: the caller guarantees the instruction set, and the chunk is valid for the numbers that are loaded and
            // stored.
            unsafe {
                let x = V::load_first(chunk.as_ptr(), chunk.len());
                apply(self.activation, x).store_first(chunk.as_mut_ptr(), chunk.len());
            }
        }
    }
}

impl Activation {
    /// Applies an activation to one number. Softmax and its logarithm are not element-wise, so they are not
    /// handled here.
    pub(crate) fn elementwise<A: Number>(self, x: A) -> A {
        let (zero, one, half) = (A::zero(), A::one(), A::nearest(0.5));
        let of = A::nearest;
        match self {
            Activation::Tanh => x.libm_tanh(),
            Activation::Sigmoid => sigmoid(x),
            Activation::HardSigmoid { alpha, beta } => clip(of(alpha) * x + of(beta), zero, one),
            Activation::Relu => at_least(x, zero),
            Activation::Relu6 => clip(x, zero, of(6.0)),
            Activation::LeakyRelu { alpha } if x < zero => of(alpha) * x,
            Activation::ThresholdedRelu { alpha } if x <= of(alpha) => zero,
            Activation::Elu { alpha } if x < zero => of(alpha) * x.libm_exp_m1(),
            Activation::Selu if x < zero => of(SELU_SCALE) * of(SELU_ALPHA) * x.libm_exp_m1(),
            Activation::Selu => of(SELU_SCALE) * x,
            Activation::Celu { alpha } if x < zero => of(alpha) * (x / of(alpha)).libm_exp_m1(),
            Activation::Linear
            | Activation::LeakyRelu { .. }
            | Activation::ThresholdedRelu { .. }
            | Activation::Elu { .. }
            | Activation::Celu { .. } => x,
            Activation::Gelu { approximate } => {
                let erf = if approximate {
                    let root = of(SQRT_2_OVER_PI);
                    (root * (x + of(0.044_715) * x * x * x)).libm_tanh()
                } else {
                    (x * of(core::f64::consts::FRAC_1_SQRT_2)).libm_erf()
                };
                times(x, half * (one + erf))
            }
            Activation::Silu => times(x, sigmoid(x)),
            Activation::HardSilu => times(x, clip(x / of(6.0) + half, zero, one)),
            Activation::Softplus => softplus(x),
            Activation::Softsign if x.is_infinite() => x.signum(),
            Activation::Softsign => x / (one + x.abs()),
            Activation::Exponential => x.libm_exp(),
            Activation::Mish => times(x, softplus(x).libm_tanh()),
            Activation::HardTanh => clip(x, -one, one),
            Activation::LogSigmoid => -softplus(-x),
            Activation::TanhShrink => x - x.libm_tanh(),
            Activation::SoftShrink { threshold } => {
                let t = of(threshold);
                if x > t {
                    x - t
                } else if x < -t {
                    x + t
                } else {
                    keep_nan(x, zero)
                }
            }
            Activation::HardShrink { threshold } if x.abs() > of(threshold) => x,
            Activation::HardShrink { .. } => keep_nan(x, zero),
            Activation::Threshold { threshold, .. } if x > of(threshold) => x,
            Activation::Threshold { value, .. } => keep_nan(x, of(value)),
            Activation::Squareplus { .. } if x == A::neg_infinity() => zero,
            Activation::Squareplus { b } => (x + (x * x + of(b)).sqrt()) * half,
            Activation::SparsePlus if x >= one => x,
            Activation::SparsePlus => {
                let y = at_least(x + one, zero);
                y * y * of(0.25)
            }
            Activation::SparseSigmoid => clip((x + one) * half, zero, one),
            Activation::Affine { alpha, beta } => of(alpha) * x + of(beta),
            Activation::ScaledTanh { alpha, beta } => of(alpha) * (of(beta) * x).libm_tanh(),
            Activation::Custom(function) => of(function.of(x.wide())),
            Activation::Softmax | Activation::LogSoftmax => {
                debug_assert!(false, "it is not element-wise: `apply` has it");
                x
            }
        }
    }
}

fn keep_nan<A: Number>(x: A, otherwise: A) -> A {
    if x.is_nan() { x } else { otherwise }
}

fn at_least<A: Number>(x: A, low: A) -> A {
    if x < low { low } else { x }
}

fn clip<A: Number>(x: A, low: A, high: A) -> A {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

/// `x · y`, which is 0 if `y` is 0, even if `x` is infinite.
fn times<A: Number>(x: A, y: A) -> A {
    if y == A::zero() && !x.is_nan() {
        y
    } else {
        x * y
    }
}

fn sigmoid<A: Number>(x: A) -> A {
    A::one() / (A::one() + (-x).libm_exp())
}

fn softplus<A: Number>(x: A) -> A {
    // ln(1 + e^x) in a form whose exponential cannot overflow.
    at_least(x, A::zero()) + (-x.abs()).libm_exp().libm_ln_1p()
}
