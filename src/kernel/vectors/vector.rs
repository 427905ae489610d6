//! `Vector`: the few operations that kernels are made of, over vectors of one width.

use super::number::Number;
use core::ptr;
use num_traits::zero;

/// The most numbers that a vector of any kind has: so long are the buffers that hold one.
pub const MAX_LANES: usize = 16;

/// Some numbers that are computed with together.
///
/// The operations are `#[inline(always)]` and carry no target feature of their own: [`enter`](Self::enter) does.
/// All of them round alike (each operation once, the multiply-add fused), so that a lane does not depend on the width.
///
/// # Safety
/// A vector is `LANES` numbers in memory and nothing else, at most [`MAX_LANES`]. A machine that has its instruction set has
/// that of its half.
/// Only `splat`, `load` and `load_first` make vectors out of anything else than vectors: so a vector is the proof that the
/// machine has its instructions, and what takes one is safe.
pub unsafe trait Vector: Copy {
    type Elem: Number;
    /// How many numbers.
    const LANES: usize;
    /// How many of these vectors there are registers for.
    const REGISTERS: usize;
    /// How many panels of weights are read side by side at most. Each number is one more kernel to compile.
    const STREAMS: usize = 2;
    /// Half of the lanes, for the last units of a layer: half the work. Itself where that would not be less.
    type Half: Vector<Elem = Self::Elem>;
    const HAS_HALF: bool = Self::Half::LANES < Self::LANES;
    const SIZES: Sizes = Sizes {
        lanes: Self::LANES,
        half_lanes: Self::Half::LANES,
        registers: Self::REGISTERS,
        streams: Self::STREAMS,
        bytes: size_of::<Self>(),
    };

    /// Runs `work` with the instruction set enabled. What it calls must be inlined into it, but it should be small: one tile,
    /// so that an unoptimised build needs little stack.
    ///
    /// # Safety
    /// The machine has the instruction set of `Self`.
    unsafe fn enter(work: impl Work<Self::Elem>);

    /// Runs `work` as [`enter`](Self::enter) does, in a function that is never inlined into the caller.
    ///
    /// # Safety
    /// The machine has the instruction set of `Self`.
    #[inline(never)]
    unsafe fn call(work: impl Work<Self::Elem>) {
        // SAFETY: the caller knows that the machine has the instruction set.
        unsafe { Self::enter(work) }
    }

    /// `x` in all lanes.
    ///
    /// # Safety
    /// The machine has the instruction set of `Self`.
    unsafe fn splat(x: Self::Elem) -> Self;

    /// # Safety
    /// The machine has the instruction set of `Self`; there are `LANES` numbers at `from`.
    unsafe fn load(from: *const Self::Elem) -> Self;

    /// # Safety
    /// There is room for `LANES` numbers at `to`.
    unsafe fn store(self, to: *mut Self::Elem);

    /// The first half of the lanes.
    fn half(self) -> Self::Half;
    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    fn mul(self, y: Self) -> Self;
    fn div(self, y: Self) -> Self;
    /// `self * a + b`, rounded once (but see [`InstructionSet::IS_FUSED`](super::set::InstructionSet::IS_FUSED)).
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// `self > y ? self : y`, so that a NaN in `y` stays.
    fn max(self, y: Self) -> Self;
    /// `self < y ? self : y`, so that a NaN in `y` stays.
    fn min(self, y: Self) -> Self;
    fn abs(self) -> Self;
    /// The magnitude of `self`, which is not negative, with the sign of `of`.
    fn with_sign(self, of: Self) -> Self;
    /// The bits moved up so that the low bits of the mantissa become the exponent.
    fn low_bits_to_exponent(self) -> Self;
    /// Zero where a number is too small to be a normal one.
    fn normal_or_zero(self) -> Self;

    /// `x` in all lanes, whatever was in them.
    #[inline(always)]
    fn fill(self, x: Self::Elem) -> Self {
        // SAFETY: `self` is the proof that the machine has the instruction set.
        unsafe { Self::splat(x) }
    }

    /// The first `count` lanes from memory, zero in the others.
    ///
    /// # Safety
    /// The machine has the instruction set of `Self`; there are `count` numbers, or a vector of them, at `from`.
    #[inline(always)]
    unsafe fn load_first(from: *const Self::Elem, count: usize) -> Self {
        if count >= Self::LANES {
            // SAFETY: there are `count` numbers, so all lanes.
            return unsafe { Self::load(from) };
        }
        let mut lanes = [zero(); MAX_LANES];
        // SAFETY: there are `count` numbers, and the array has room for them and for any vector.
        unsafe {
            ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            Self::load(lanes.as_ptr())
        }
    }

    /// Writes the first `count` lanes.
    ///
    /// # Safety
    /// There is room for `count` numbers, or a vector of them, at `to`.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut Self::Elem, count: usize) {
        if count >= Self::LANES {
            // SAFETY: there is room for `count` numbers, so for all lanes.
            return unsafe { self.store(to) };
        }
        let mut lanes = [zero(); MAX_LANES];
        // SAFETY: the array has room for any vector, and there is room for `count` numbers at `to`.
        unsafe {
            self.store(lanes.as_mut_ptr());
            ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
        }
    }

    /// Each lane by a function of one number, for what has no vector form.
    #[inline(always)]
    fn map(self, f: impl Fn(Self::Elem) -> Self::Elem) -> Self {
        let mut lanes = [zero(); MAX_LANES];
        // SAFETY: the array has room for any vector; `self` is the proof that the machine has the instruction set.
        unsafe {
            self.store(lanes.as_mut_ptr());
            for lane in &mut lanes[..Self::LANES] {
                *lane = f(*lane);
            }
            Self::load(lanes.as_ptr())
        }
    }
}

/// The sizes of a kind of vector, for code that does not know the kind when it is compiled.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub lanes: usize,
    /// As many as `lanes` where there are no half vectors.
    pub half_lanes: usize,
    pub registers: usize,
    pub streams: usize,
    pub bytes: usize,
}

/// What [`Vector::enter`] runs.
///
/// A value of it stands for the memory that it points at: who makes one out of pointers has promised that.
pub trait Work<A> {
    /// # Safety
    /// The machine has the instruction set of `V`. (Implementations are `#[inline(always)]`.)
    unsafe fn run<V: Vector<Elem = A>>(self);
}
