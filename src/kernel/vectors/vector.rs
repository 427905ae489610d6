//! `Vector`: the few operations that kernels use, over vectors of one width.

use super::number::Number;
use core::ptr;
use num_traits::zero;

/// The largest number of lanes of any vector. Buffers that hold one vector have this length.
pub const MAX_LANES: usize = 16;

/// A vector of numbers on which an instruction operates at once.
///
/// The operations are `#[inline(always)]` and have no target feature of their own: [`enter`](Self::enter) enables it. All
/// operations round alike: each one rounds once, and the multiply-add is fused. So a lane does not depend on the width of
/// the vector.
///
/// # Safety
/// * A vector must consist of `LANES` numbers in memory and nothing else. `LANES` must be at most [`MAX_LANES`].
/// * A machine that has the instruction set of the vector must also have the one of its half.
/// * Only `splat`, `load` and `load_first` may make a vector from anything but vectors. So the existence of a vector proves
///   that the machine has its instruction set, and an operation that takes a vector is safe.
pub unsafe trait Vector: Copy {
    type Elem: Number;
    /// The number of lanes.
    const LANES: usize;
    /// The number of registers for these vectors.
    const REGISTERS: usize;
    /// The largest number of panels of weights that are read side by side. Each number up to it adds a kernel to compile.
    const STREAMS: usize = 2;
    /// The vector with half of the lanes, which halves the work for the last units of a layer. It is `Self` if a half would
    /// not be faster.
    type Half: Vector<Elem = Self::Elem>;
    const HAS_HALF: bool = Self::Half::LANES < Self::LANES;
    const SIZES: Sizes = Sizes {
        lanes: Self::LANES,
        half_lanes: Self::Half::LANES,
        registers: Self::REGISTERS,
        streams: Self::STREAMS,
        bytes: size_of::<Self>(),
    };

    /// Runs `work` with the instruction set enabled. Everything that `work` calls must be inlined into it. `work` should be
    /// small, such as one tile, so that an unoptimised build needs little stack.
    ///
    /// # Safety
    /// The machine must have the instruction set of `Self`.
    unsafe fn enter(work: impl Work<Self::Elem>);

    /// Runs `work` as [`enter`](Self::enter) does, but in a function that is never inlined into the caller.
    ///
    /// # Safety
    /// The machine must have the instruction set of `Self`.
    #[inline(never)]
    unsafe fn call(work: impl Work<Self::Elem>) {
        // SAFETY: the caller guarantees that the machine has the instruction set.
        unsafe { Self::enter(work) }
    }

    /// Makes a vector with `x` in all lanes.
    ///
    /// # Safety
    /// The machine must have the instruction set of `Self`.
    unsafe fn splat(x: Self::Elem) -> Self;

    /// Loads a vector from memory. No alignment beyond that of the numbers is needed.
    ///
    /// # Safety
    /// The machine must have the instruction set of `Self`, and `from` must be valid for reads of `LANES` numbers.
    unsafe fn load(from: *const Self::Elem) -> Self;

    /// Stores the vector to memory. No alignment beyond that of the numbers is needed.
    ///
    /// # Safety
    /// `to` must be valid for writes of `LANES` numbers.
    unsafe fn store(self, to: *mut Self::Elem);

    /// The first half of the lanes.
    fn half(self) -> Self::Half;
    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    fn mul(self, y: Self) -> Self;
    fn div(self, y: Self) -> Self;
    /// `self * a + b`, rounded once if [`InstructionSet::IS_FUSED`](super::set::InstructionSet::IS_FUSED).
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// `self > y ? self : y` in each lane. A NaN in `y` is kept.
    fn max(self, y: Self) -> Self;
    /// `self < y ? self : y` in each lane. A NaN in `y` is kept.
    fn min(self, y: Self) -> Self;
    fn abs(self) -> Self;
    /// The magnitude of `self` with the sign of `of`. `self` must not be negative.
    fn with_sign(self, of: Self) -> Self;
    /// Shifts the bits up, so that the low bits of the mantissa become the exponent.
    fn low_bits_to_exponent(self) -> Self;
    /// Replaces numbers whose magnitude is below the smallest normal number by zero.
    fn normal_or_zero(self) -> Self;

    /// Makes a vector with `x` in all lanes, from any vector of the type.
    #[inline(always)]
    fn fill(self, x: Self::Elem) -> Self {
        // SAFETY: the existence of `self` proves that the machine has the instruction set.
        unsafe { Self::splat(x) }
    }

    /// Loads the first `count` lanes from memory and sets the others to zero. All lanes are loaded if `count` is at least
    /// `LANES`.
    ///
    /// # Safety
    /// The machine must have the instruction set of `Self`, and `from` must be valid for reads of the smaller of `count`
    /// and `LANES` numbers.
    #[inline(always)]
    unsafe fn load_first(from: *const Self::Elem, count: usize) -> Self {
        if count >= Self::LANES {
            // SAFETY: `from` is valid for `count` numbers, which are at least `LANES`.
            return unsafe { Self::load(from) };
        }
        let mut lanes = [zero(); MAX_LANES];
        // SAFETY: `from` is valid for `count` numbers, and the buffer has room for `MAX_LANES`, so for a whole vector.
        unsafe {
            ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            Self::load(lanes.as_ptr())
        }
    }

    /// Stores the first `count` lanes to memory. All lanes are stored if `count` is at least `LANES`.
    ///
    /// # Safety
    /// `to` must be valid for writes of the smaller of `count` and `LANES` numbers.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut Self::Elem, count: usize) {
        if count >= Self::LANES {
            // SAFETY: `to` is valid for `count` numbers, which are at least `LANES`.
            return unsafe { self.store(to) };
        }
        let mut lanes = [zero(); MAX_LANES];
        // SAFETY: the buffer has room for a whole vector, and `to` is valid for `count` numbers.
        unsafe {
            self.store(lanes.as_mut_ptr());
            ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
        }
    }

    /// Applies a function of one number to each lane, for functions that have no vector form.
    #[inline(always)]
    fn map(self, f: impl Fn(Self::Elem) -> Self::Elem) -> Self {
        let mut lanes = [zero(); MAX_LANES];
        // SAFETY: the buffer has room for a whole vector, and `self` proves that the machine has the instruction set.
        unsafe {
            self.store(lanes.as_mut_ptr());
            for lane in &mut lanes[..Self::LANES] {
                *lane = f(*lane);
            }
            Self::load(lanes.as_ptr())
        }
    }
}

/// The sizes of a vector type, for code that does not know the type at compile time.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub lanes: usize,
    /// The lanes of the half vector, or `lanes` if there is no half.
    pub half_lanes: usize,
    pub registers: usize,
    pub streams: usize,
    pub bytes: usize,
}

/// Work that [`Vector::enter`] runs.
///
/// If an implementation holds pointers, whoever makes a value of it guarantees that they are valid for the work.
pub trait Work<A> {
    /// Implementations are `#[inline(always)]`.
    ///
    /// # Safety
    /// The machine must have the instruction set of `V`.
    unsafe fn run<V: Vector<Elem = A>>(self);
}
