//! The slopes of functions of one number and of two.

use crate::Element;
use crate::error::Result;
use crate::nn::op::{Binary, Unary};
use alloc::vec::Vec;
use ndarray::ArrayD;

impl Unary {
    /// The gradient of `x`; `None` where the function is flat.
    pub(super) fn back_over<A: Element>(
        self,
        x: &ArrayD<A>,
        y: &ArrayD<A>,
        d: &ArrayD<A>,
    ) -> Result<Option<ArrayD<A>>> {
        let is_flat = matches!(
            self,
            Unary::Ceil
                | Unary::Fill(_)
                | Unary::Floor
                | Unary::LogicalNot
                | Unary::Sign
                | Unary::Truth
                | Unary::Whole
        );
        if is_flat {
            return Ok(None);
        }
        let numbers = x.iter().zip(y).zip(d).map(|((&x, &y), &d)| {
            // Where no gradient is, nothing is read.
            if d == A::zero() {
                d
            } else {
                self.back(x, y, d)
            }
        });
        let numbers: Vec<A> = numbers.collect();
        Ok(Some(ArrayD::from_shape_vec(x.shape(), numbers)?))
    }

    /// The gradient of a number `x`, of which `y` was made.
    fn back<A: Element>(self, x: A, y: A, d: A) -> A {
        let zero = A::zero();
        match self {
            Unary::Abs if x == zero => zero,
            Unary::Abs => d * x.signum(),
            // The ends pass.
            Unary::Clip(least, most) if x < A::from_f64(least) || x > A::from_f64(most) => zero,
            Unary::Clip(..) | Unary::Identity => d,
            Unary::Exp => d * y,
            Unary::Expm1 => d * x.libm_exp(),
            Unary::Log => d / x,
            Unary::Log1p => d / (A::one() + x),
            Unary::Negative => -d,
            Unary::Reciprocal => -d * y * y,
            Unary::Rsqrt => d * A::from_f64(-0.5) * y * y * y,
            Unary::Sqrt => d * A::from_f64(0.5) / y,
            Unary::Square => d * (x + x),
            Unary::Ceil
            | Unary::Fill(_)
            | Unary::Floor
            | Unary::LogicalNot
            | Unary::Sign
            | Unary::Truth
            | Unary::Whole => zero,
        }
    }
}

impl Binary {
    /// Whether the result moves with the numbers: not that of a comparison.
    pub(super) fn has_slope(self) -> bool {
        matches!(
            self,
            Binary::Add
                | Binary::Divide
                | Binary::Maximum
                | Binary::Minimum
                | Binary::Mod
                | Binary::Multiply
                | Binary::Power
                | Binary::Subtract
        )
    }

    /// The gradients of two numbers.
    pub(super) fn back<A: Element>(self, [a, b]: [A; 2], d: A) -> [A; 2] {
        let zero = A::zero();
        match self {
            Binary::Add => [d, d],
            Binary::Subtract => [d, -d],
            Binary::Multiply => [d * b, d * a],
            Binary::Divide => [d / b, -d * a / b / b],
            // Of two that tie, the first.
            Binary::Maximum if b > a || b.is_nan() => [zero, d],
            Binary::Minimum if b < a || b.is_nan() => [zero, d],
            Binary::Maximum | Binary::Minimum => [d, zero],
            Binary::Mod => [d, -d * (a / b).floor()],
            Binary::Power => {
                // The power 0 is 1 for every base; of the base 0, TensorFlow has NaN.
                let of_a = if b == zero {
                    zero
                } else {
                    d * b * a.libm_pow(b - A::one())
                };
                // The power of a number below 0 has no slope along the exponent.
                let of_b = if a > zero {
                    d * a.libm_pow(b) * a.libm_ln()
                } else {
                    zero
                };
                [of_a, of_b]
            }
            Binary::Equal
            | Binary::FloorDivide
            | Binary::Greater
            | Binary::GreaterEqual
            | Binary::Less
            | Binary::LessEqual
            | Binary::LogicalAnd
            | Binary::LogicalOr
            | Binary::LogicalXor
            | Binary::NotEqual => [zero, zero],
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact numbers are what is asked for
mod tests {
    use super::{Binary, Unary};

    /// Where a function has a kink or no slope, the gradients of TensorFlow.
    #[test]
    fn kinks_are_those_of_tensorflow() {
        let of = |unary: Unary, x: f64| unary.back(x, unary.of(x), 3.0);
        assert_eq!(
            [-0.2, 0.0, 0.3].map(|x| of(Unary::Clip(-0.2, 0.3), x)),
            [3.0; 3]
        );
        assert_eq!([-0.3, 0.4].map(|x| of(Unary::Clip(-0.2, 0.3), x)), [0.0; 2]);
        assert_eq!(
            [-1.0, 0.0, 1.0].map(|x| of(Unary::Abs, x)),
            [-3.0, 0.0, 3.0]
        );
        let of = |binary: Binary, a: f64, b: f64| binary.back([a, b], 3.0);
        assert_eq!(of(Binary::Maximum, 1.0, 1.0), [3.0, 0.0]);
        assert_eq!(of(Binary::Minimum, 1.0, 1.0), [3.0, 0.0]);
        assert_eq!(of(Binary::Maximum, 1.0, 2.0), [0.0, 3.0]);
        assert_eq!(of(Binary::Minimum, 1.0, 2.0), [3.0, 0.0]);
        assert_eq!(of(Binary::Power, 0.0, 0.0), [0.0, 0.0]);
        assert_eq!(of(Binary::Power, -2.0, 3.0), [36.0, 0.0]);
        assert_eq!(of(Binary::Mod, -7.0, 2.0), [3.0, 12.0]);
    }
}
