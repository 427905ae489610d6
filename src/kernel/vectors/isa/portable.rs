//! Vectors for every machine: the compiler translates them to the instructions of the target. On AArch64 that is NEON with
//! its fused multiply-add.

use crate::kernel::vectors::set::InstructionSet;
use crate::kernel::vectors::vector::{Vector, Work};

/// Vectors in plain Rust. If the target has no fused multiply-add at compile time, a product is rounded before it is added.
pub struct Portable;

// SAFETY: the vectors use no instructions beyond those of the compilation target, so every machine that runs the program
// has them.
unsafe impl InstructionSet for Portable {
    type F32 = Array<f32, 4>;
    type F64 = Array<f64, 2>;
    const IS_FUSED: bool = FUSED;

    fn is_present() -> bool {
        true
    }
}

/// Whether `mul_add` compiles to one instruction and not to a call of a slow function.
const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// A vector as an array of numbers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Array<A, const N: usize>([A; N]);

macro_rules! portable {
    ($elem:ty, $lanes:literal, $mantissa:literal) => {
        portable!($elem, $lanes, $mantissa, {
            add |x, y| x + y,
            sub |x, y| x - y,
            mul |x, y| x * y,
            div |x, y| x / y,
            max |x, y| if x > y { x } else { y },
            min |x, y| if x < y { x } else { y }
        });
    };
    ($elem:ty, $lanes:literal, $mantissa:literal, { $($op:ident $of:expr),* }) => {
        // SAFETY: the type is an array of `LANES` numbers, and plain Rust needs no instruction set.
        unsafe impl Vector for Array<$elem, $lanes> {
            type Elem = $elem;
            type Half = Self;
            const LANES: usize = $lanes;
            const REGISTERS: usize = if cfg!(target_arch = "aarch64") {
                32
            } else {
                16
            };

            unsafe fn enter(work: impl Work<$elem>) {
                // SAFETY: the vectors need no instruction set.
                unsafe { work.run::<Self>() }
            }
            #[inline(always)]
            unsafe fn splat(x: $elem) -> Self {
                Array([x; $lanes])
            }
            #[inline(always)]
            fn half(self) -> Self {
                self
            }
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: the caller guarantees that `from` is valid for `LANES` numbers; an array has the alignment of its
                // numbers.
                Array(unsafe { from.cast::<[$elem; $lanes]>().read() })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: the caller guarantees that `to` is valid for `LANES` numbers; an array has the alignment of its
                // numbers.
                unsafe { to.cast::<[$elem; $lanes]>().write(self.0) }
            }
            $(
                #[inline(always)]
                fn $op(self, y: Self) -> Self {
                    self.zip(y, $of)
                }
            )*
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                let mut out = b;
                for lane in 0..$lanes {
                    let (x, a) = (self.0[lane], a.0[lane]);
                    out.0[lane] = if FUSED {
                        num_traits::Float::mul_add(x, a, out.0[lane])
                    } else {
                        x * a + out.0[lane]
                    };
                }
                out
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.zip(self, |x, _| x.abs())
            }
            #[inline(always)]
            fn with_sign(self, of: Self) -> Self {
                self.zip(of, |x, s| x.copysign(s))
            }
            #[inline(always)]
            fn low_bits_to_exponent(self) -> Self {
                self.zip(self, |x, _| <$elem>::from_bits(x.to_bits() << $mantissa))
            }
            #[inline(always)]
            fn normal_or_zero(self) -> Self {
                let least = <$elem>::MIN_POSITIVE;
                self.zip(self, |x, _| if x.abs() < least { 0.0 } else { x })
            }
        }

        impl Array<$elem, $lanes> {
            #[inline(always)]
            fn zip(self, y: Self, f: impl Fn($elem, $elem) -> $elem) -> Self {
                let mut out = self;
                for lane in 0..$lanes {
                    out.0[lane] = f(self.0[lane], y.0[lane]);
                }
                out
            }
        }
    };
}
portable!(f32, 4, 23);
portable!(f64, 2, 52);
