//! The parts that the instruction sets of x86-64 share.

/// Whether the machine has these features. Without `std` only those that the program was compiled for are known.
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

/// Implements `Vector` with the instructions of these names.
macro_rules! vector {
    (
        $name:ident, $half:ident, $to_half:expr, $elem:ty, $lanes:literal, $registers:literal, $streams:literal, $mantissa:literal,
        $set1:ident, $loadu:ident, $storeu:ident, $fmadd:ident,
        { $($op:ident $instruction:ident),* }, $to_int:ident, $from_int:ident, $and:ident, $or:ident, $set_bits:ident, $shift:ident,
        $int:ty, $features:literal, $load_masked:ident, $store_masked:ident, $normal:ident
    ) => {
        // SAFETY: the type is one register of `LANES` numbers, and only `splat`, `load` and `load_first` make it from
        // anything but vectors.
        unsafe impl Vector for $name {
            type Elem = $elem;
            type Half = $half;
            const LANES: usize = $lanes;
            const REGISTERS: usize = $registers;
            const STREAMS: usize = $streams;

            unsafe fn enter(work: impl Work<$elem>) {
                #[target_feature(enable = $features)]
                unsafe fn inner(work: impl Work<$elem>) {
                    // SAFETY: the target features of this function enable the instruction set.
                    unsafe { work.run::<$name>() }
                }
                // SAFETY: the caller guarantees that the machine has the instruction set.
                unsafe { inner(work) }
            }
            #[inline(always)]
            unsafe fn splat(x: $elem) -> Self {
                // SAFETY: the caller guarantees that the machine has the instruction set.
                $name(unsafe { $set1(x) })
            }
            #[inline(always)]
            #[allow(unused_unsafe)] // unused if the half is the whole
            fn half(self) -> $half {
                // SAFETY: the existence of `self` proves that the machine has the instruction set.
                $half(unsafe { $to_half(self.0) })
            }
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: the caller guarantees the instruction set, and that `from` is valid for `LANES` numbers; no
                // alignment is needed.
                $name(unsafe { $loadu(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: the caller guarantees that `to` is valid for `LANES` numbers; no alignment is needed.
                unsafe { $storeu(to, self.0) }
            }
            $(
                #[inline(always)]
                fn $op(self, y: Self) -> Self {
                    // SAFETY: the existence of `self` proves that the machine has the instruction set.
                    $name(unsafe { $instruction(self.0, y.0) })
                }
            )*
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                // SAFETY: the existence of `self` proves that the machine has the instruction set.
                $name(unsafe { $fmadd(self.0, a.0, b.0) })
            }
            #[inline(always)]
            fn abs(self) -> Self {
                // SAFETY: the existence of `self` proves that the machine has the instruction set.
                $name(unsafe { $from_int($and($to_int(self.0), $set_bits(<$int>::MAX))) })
            }
            #[inline(always)]
            fn with_sign(self, of: Self) -> Self {
                // SAFETY: the existence of `self` proves that the machine has the instruction set.
                unsafe {
                    let sign = $and($to_int(of.0), $set_bits(<$int>::MIN));
                    $name($from_int($or($to_int(self.0), sign)))
                }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $elem, count: usize) -> Self {
                if count >= $lanes {
                    // SAFETY: the caller guarantees that `from` is valid for `count` numbers, which are at least `LANES`.
                    return unsafe { Self::load(from) };
                }
                // SAFETY: the caller guarantees the instruction set, and that `from` is valid for `count` numbers; no
                // others are touched.
                $name(unsafe { $load_masked(from, count) })
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $elem, count: usize) {
                if count >= $lanes {
                    // SAFETY: the caller guarantees that `to` is valid for `count` numbers, which are at least `LANES`.
                    return unsafe { self.store(to) };
                }
                // SAFETY: the caller guarantees that `to` is valid for `count` numbers; no others are touched.
                unsafe { $store_masked(to, count, self.0) }
            }
            #[inline(always)]
            fn low_bits_to_exponent(self) -> Self {
                // SAFETY: the existence of `self` proves that the machine has the instruction set.
                $name(unsafe { $from_int($shift::<$mantissa>($to_int(self.0))) })
            }
            #[inline(always)]
            fn normal_or_zero(self) -> Self {
                // SAFETY: the existence of `self` proves that the machine has the instruction set.
                $name(unsafe { $normal(self.0, self.abs().0) })
            }
        }
    };
}
pub(super) use vector;
