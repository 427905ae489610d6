//! The few operations that kernels are made of, over vectors of one width.

use crate::Element;

/// Some numbers that are computed with together.
///
/// The operations are `#[inline(always)]` and carry no target feature of their own: [`enter`](Self::enter) does.
/// All of them round alike (each operation once, the multiply-add fused), so that a lane does not depend on the width.
///
/// # Safety
/// Every operation needs the instruction set of the implementing type, and `load` and `store` need memory of that size.
/// Implementing types are `LANES` numbers one behind the other, and nothing else.
pub unsafe trait Vector: Copy {
    type Elem: Element;
    /// How many numbers.
    const LANES: usize;
    /// How many of these vectors there are registers for.
    const REGISTERS: usize;
    /// How many panels of weights are read side by side at most. Each number is one more kernel to compile.
    const STREAMS: usize = 2;
    /// Half of the lanes, for the last units of a layer: half the work. Itself where that would not be less.
    type Half: Vector<Elem = Self::Elem>;
    const HAS_HALF: bool = Self::Half::LANES < Self::LANES;

    /// Runs `work` with the instruction set enabled. What it calls must be inlined into it, but it should be small: one tile,
    /// so that an unoptimised build needs little stack.
    unsafe fn enter(work: impl Work<Self::Elem>);

    /// The same, and never inlined into the caller.
    #[inline(never)]
    unsafe fn call(work: impl Work<Self::Elem>) {
        // SAFETY: the caller's promise.
        unsafe { Self::enter(work) }
    }

    unsafe fn splat(x: Self::Elem) -> Self;
    /// The first half of the lanes.
    unsafe fn half(self) -> Self::Half;
    unsafe fn load(from: *const Self::Elem) -> Self;
    unsafe fn store(self, to: *mut Self::Elem);
    unsafe fn add(self, y: Self) -> Self;
    unsafe fn sub(self, y: Self) -> Self;
    unsafe fn mul(self, y: Self) -> Self;
    unsafe fn div(self, y: Self) -> Self;
    /// `self * a + b`, rounded once (but see [`Portable`]).
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;
    /// `self > y ? self : y`, so that a NaN in `y` stays.
    unsafe fn max(self, y: Self) -> Self;
    /// `self < y ? self : y`, so that a NaN in `y` stays.
    unsafe fn min(self, y: Self) -> Self;
    unsafe fn abs(self) -> Self;
    /// The magnitude of `self`, which is not negative, with the sign of `of`.
    unsafe fn with_sign(self, of: Self) -> Self;
    /// The bits moved up so that the low bits of the mantissa become the exponent.
    unsafe fn low_bits_to_exponent(self) -> Self;
    /// Zero where a number is too small to be a normal one.
    unsafe fn normal_or_zero(self) -> Self;

    /// The first `count` lanes from memory, zero in the others.
    #[inline(always)]
    unsafe fn load_first(from: *const Self::Elem, count: usize) -> Self {
        if count >= Self::LANES {
            // SAFETY: all lanes are there.
            return unsafe { Self::load(from) };
        }
        let mut lanes = [<Self::Elem as num_traits::Zero>::zero(); 16];
        // SAFETY: the caller has `count` numbers, the array has room for them and for a vector.
        unsafe {
            core::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            Self::load(lanes.as_ptr())
        }
    }

    /// Writes the first `count` lanes.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut Self::Elem, count: usize) {
        if count >= Self::LANES {
            // SAFETY: there is room for all lanes.
            return unsafe { self.store(to) };
        }
        let mut lanes = [<Self::Elem as num_traits::Zero>::zero(); 16];
        // SAFETY: the array has room for a vector, the caller for `count` numbers.
        unsafe {
            self.store(lanes.as_mut_ptr());
            core::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
        }
    }

    /// Each lane by a function of one number, for what has no vector form.
    #[inline(always)]
    unsafe fn map(self, f: impl Fn(Self::Elem) -> Self::Elem) -> Self {
        let mut lanes = [<Self::Elem as num_traits::Zero>::zero(); 16];
        // SAFETY: the array has room for a vector of any kind.
        unsafe {
            self.store(lanes.as_mut_ptr());
            for lane in &mut lanes[..Self::LANES] {
                *lane = f(*lane);
            }
            Self::load(lanes.as_ptr())
        }
    }
}

/// What [`Vector::enter`] runs.
pub trait Work<A> {
    /// # Safety
    /// The machine must have the instruction set of `V`. Implementations are `#[inline(always)]`.
    unsafe fn run<V: Vector<Elem = A>>(self);
}

/// Vectors that any machine has: the compiler makes of them what there is (on AArch64, NEON with its fused multiply-add).
///
/// Where the target has no fused multiply-add at compile time, a product is rounded before it is added.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Portable<A, const N: usize>([A; N]);

/// Whether `mul_add` is one instruction here, and not a call of a slow function.
pub(super) const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

macro_rules! portable {
    ($elem:ty, $bits:ty, $lanes:literal, $mantissa:literal) => {
        // SAFETY: plain Rust on arrays; loads and stores touch `LANES` numbers.
        unsafe impl Vector for Portable<$elem, $lanes> {
            type Elem = $elem;
            type Half = Self;
            const LANES: usize = $lanes;
            const REGISTERS: usize = if cfg!(target_arch = "aarch64") {
                32
            } else {
                16
            };

            unsafe fn enter(work: impl Work<$elem>) {
                // SAFETY: the caller's promise.
                unsafe { work.run::<Self>() }
            }
            #[inline(always)]
            unsafe fn splat(x: $elem) -> Self {
                Portable([x; $lanes])
            }
            #[inline(always)]
            unsafe fn half(self) -> Self {
                self
            }
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: the caller has `LANES` numbers there; an array has their alignment.
                Portable(unsafe { from.cast::<[$elem; $lanes]>().read() })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: the caller has room for `LANES` numbers there.
                unsafe { to.cast::<[$elem; $lanes]>().write(self.0) }
            }
            #[inline(always)]
            unsafe fn add(self, y: Self) -> Self {
                self.zip(y, |x, y| x + y)
            }
            #[inline(always)]
            unsafe fn sub(self, y: Self) -> Self {
                self.zip(y, |x, y| x - y)
            }
            #[inline(always)]
            unsafe fn mul(self, y: Self) -> Self {
                self.zip(y, |x, y| x * y)
            }
            #[inline(always)]
            unsafe fn div(self, y: Self) -> Self {
                self.zip(y, |x, y| x / y)
            }
            #[inline(always)]
            unsafe fn mul_add(self, a: Self, b: Self) -> Self {
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
            unsafe fn max(self, y: Self) -> Self {
                self.zip(y, |x, y| if x > y { x } else { y })
            }
            #[inline(always)]
            unsafe fn min(self, y: Self) -> Self {
                self.zip(y, |x, y| if x < y { x } else { y })
            }
            #[inline(always)]
            unsafe fn abs(self) -> Self {
                self.zip(self, |x, _| x.abs())
            }
            #[inline(always)]
            unsafe fn with_sign(self, of: Self) -> Self {
                self.zip(of, |x, s| x.copysign(s))
            }
            #[inline(always)]
            unsafe fn low_bits_to_exponent(self) -> Self {
                self.zip(self, |x, _| <$elem>::from_bits(x.to_bits() << $mantissa))
            }
            #[inline(always)]
            unsafe fn normal_or_zero(self) -> Self {
                let least = <$elem>::MIN_POSITIVE;
                self.zip(self, |x, _| if x.abs() < least { 0.0 } else { x })
            }
        }

        impl Portable<$elem, $lanes> {
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
portable!(f32, u32, 4, 23);
portable!(f64, u64, 2, 52);
