//! What the instruction sets of x86-64 have in common.

/// Whether the machine has these features. Without `std` only what the program was compiled for is known.
macro_rules! detected {
    ($($feature:tt),*) => {{
        #[cfg(feature = "std")]
        let found = $(std::is_x86_feature_detected!($feature))&&*;
        #[cfg(not(feature = "std"))]
        let found = cfg!(all($(target_feature = $feature),*));
        found
    }};
}
pub(super) use detected;

/// Implements `Vector` by the instructions of these names.
macro_rules! vector {
    (
        $name:ident, $half:ident, $to_half:expr, $elem:ty, $lanes:literal, $registers:literal, $streams:literal, $mantissa:literal,
        $set1:ident, $loadu:ident, $storeu:ident, $fmadd:ident,
        { $($op:ident $instruction:ident),* }, $to_int:ident, $from_int:ident, $and:ident, $or:ident, $set_bits:ident, $shift:ident,
        $int:ty, $features:literal, $load_masked:ident, $store_masked:ident, $normal:ident
    ) => {
        // SAFETY: a register of `LANES` numbers, which only `splat`, `load` and `load_first` make out of anything else.
        unsafe impl Vector for $name {
            type Elem = $elem;
            type Half = $half;
            const LANES: usize = $lanes;
            const REGISTERS: usize = $registers;
            const STREAMS: usize = $streams;

            unsafe fn enter(work: impl Work<$elem>) {
                #[target_feature(enable = $features)]
                unsafe fn inner(work: impl Work<$elem>) {
                    // SAFETY: the instruction set is enabled in this function.
                    unsafe { work.run::<$name>() }
                }
                // SAFETY: the caller knows that the machine has the instruction set.
                unsafe { inner(work) }
            }
            #[inline(always)]
            unsafe fn splat(x: $elem) -> Self {
                // SAFETY: the caller knows that the machine has the instruction set.
                $name(unsafe { $set1(x) })
            }
            #[inline(always)]
            #[allow(unused_unsafe)] // where half is the whole
            fn half(self) -> $half {
                // SAFETY: `self` is the proof that the machine has the instruction set.
                $half(unsafe { $to_half(self.0) })
            }
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: the caller has the instruction set, and `LANES` numbers there; no alignment is needed.
                $name(unsafe { $loadu(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: the caller has room for `LANES` numbers there; no alignment is needed.
                unsafe { $storeu(to, self.0) }
            }
            $(
                #[inline(always)]
                fn $op(self, y: Self) -> Self {
                    // SAFETY: `self` is the proof that the machine has the instruction set.
                    $name(unsafe { $instruction(self.0, y.0) })
                }
            )*
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                // SAFETY: `self` is the proof that the machine has the instruction set.
                $name(unsafe { $fmadd(self.0, a.0, b.0) })
            }
            #[inline(always)]
            fn abs(self) -> Self {
                // SAFETY: `self` is the proof that the machine has the instruction set.
                $name(unsafe { $from_int($and($to_int(self.0), $set_bits(<$int>::MAX))) })
            }
            #[inline(always)]
            fn with_sign(self, of: Self) -> Self {
                // SAFETY: `self` is the proof that the machine has the instruction set.
                unsafe {
                    let sign = $and($to_int(of.0), $set_bits(<$int>::MIN));
                    $name($from_int($or($to_int(self.0), sign)))
                }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $elem, count: usize) -> Self {
                if count >= $lanes {
                    // SAFETY: the caller has `count` numbers there, so all lanes.
                    return unsafe { Self::load(from) };
                }
                // SAFETY: the caller has the instruction set and `count` numbers there; no others are touched.
                $name(unsafe { $load_masked(from, count) })
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $elem, count: usize) {
                if count >= $lanes {
                    // SAFETY: the caller has room for `count` numbers there, so for all lanes.
                    return unsafe { self.store(to) };
                }
                // SAFETY: the caller has room for `count` numbers there; no others are touched.
                unsafe { $store_masked(to, count, self.0) }
            }
            #[inline(always)]
            fn low_bits_to_exponent(self) -> Self {
                // SAFETY: `self` is the proof that the machine has the instruction set.
                $name(unsafe { $from_int($shift::<$mantissa>($to_int(self.0))) })
            }
            #[inline(always)]
            fn normal_or_zero(self) -> Self {
                // SAFETY: `self` is the proof that the machine has the instruction set.
                $name(unsafe { $normal(self.0, self.abs().0) })
            }
        }
    };
}
pub(super) use vector;
