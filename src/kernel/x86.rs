//! The vectors of AVX2 with FMA, and of AVX-512.

use super::vector::{Vector, Work};
#[allow(clippy::wildcard_imports)] // sixty names
use core::arch::x86_64::*;

#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F32x8(__m256);
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F64x4(__m256d);
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F32x16(__m512);
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F64x8(__m512d);

// The first `count` lanes, fewer than all: loaded, zero in the others; or stored. Lanes outside of it touch no memory.
//
// Those of AVX2 go in pieces of 4, 2 and 1: its masked store takes longer than a short step, and nothing that was stored with it
// is forwarded to a load.

#[inline(always)]
unsafe fn load_f32x8(from: *const f32, count: usize) -> __m256 {
    // SAFETY: the caller has so many numbers there, and the instruction set.
    unsafe {
        if count < 4 {
            return _mm256_zextps128_ps256(load_f32x3(from, count));
        }
        let rest = load_f32x3(from.add(4), count - 4);
        _mm256_set_m128(rest, _mm_loadu_ps(from))
    }
}
#[inline(always)]
unsafe fn store_f32x8(to: *mut f32, count: usize, x: __m256) {
    // SAFETY: the caller has room for so many numbers there, and the instruction set.
    unsafe {
        let first = _mm256_castps256_ps128(x);
        if count < 4 {
            return store_f32x3(to, count, first);
        }
        _mm_storeu_ps(to, first);
        store_f32x3(to.add(4), count - 4, _mm256_extractf128_ps::<1>(x));
    }
}
/// Fewer than four.
#[inline(always)]
unsafe fn load_f32x3(from: *const f32, count: usize) -> __m128 {
    // SAFETY: the caller has so many numbers there, and the instruction set.
    unsafe {
        match count {
            0 => _mm_setzero_ps(),
            1 => _mm_load_ss(from),
            2 => load_f32x2(from),
            _ => _mm_movelh_ps(load_f32x2(from), _mm_load_ss(from.add(2))),
        }
    }
}
#[inline(always)]
unsafe fn load_f32x2(from: *const f32) -> __m128 {
    // SAFETY: the caller has so many numbers there, and the instruction set.
    unsafe { _mm_castsi128_ps(_mm_loadl_epi64(from.cast())) }
}
/// Fewer than four.
#[inline(always)]
unsafe fn store_f32x3(to: *mut f32, count: usize, x: __m128) {
    // SAFETY: the caller has room for so many numbers there, and the instruction set.
    unsafe {
        if count == 1 {
            _mm_store_ss(to, x);
        } else if count > 1 {
            // (`_mm_store_sd` and `_mm_load_sd` want the address of an f64.)
            _mm_storel_epi64(to.cast(), _mm_castps_si128(x));
            if count > 2 {
                _mm_store_ss(to.add(2), _mm_movehl_ps(x, x));
            }
        }
    }
}
#[inline(always)]
unsafe fn load_f64x4(from: *const f64, count: usize) -> __m256d {
    // SAFETY: the caller has so many numbers there, and the instruction set.
    unsafe {
        match count {
            0 => _mm256_setzero_pd(),
            1 => _mm256_zextpd128_pd256(_mm_load_sd(from)),
            2 => _mm256_zextpd128_pd256(_mm_loadu_pd(from)),
            _ => _mm256_set_m128d(_mm_load_sd(from.add(2)), _mm_loadu_pd(from)),
        }
    }
}
#[inline(always)]
unsafe fn store_f64x4(to: *mut f64, count: usize, x: __m256d) {
    // SAFETY: the caller has room for so many numbers there, and the instruction set.
    unsafe {
        let first = _mm256_castpd256_pd128(x);
        if count == 1 {
            _mm_store_sd(to, first);
        } else if count > 1 {
            _mm_storeu_pd(to, first);
            if count > 2 {
                _mm_store_sd(to.add(2), _mm256_extractf128_pd::<1>(x));
            }
        }
    }
}
#[inline(always)]
unsafe fn load_f32x16(from: *const f32, count: usize) -> __m512 {
    // SAFETY: the caller has so many numbers there, and the instruction set.
    unsafe { _mm512_maskz_loadu_ps((1 << count) - 1, from) }
}
#[inline(always)]
unsafe fn store_f32x16(to: *mut f32, count: usize, x: __m512) {
    // SAFETY: the caller has room for so many numbers there, and the instruction set.
    unsafe { _mm512_mask_storeu_ps(to, (1 << count) - 1, x) }
}
#[inline(always)]
unsafe fn load_f64x8(from: *const f64, count: usize) -> __m512d {
    // SAFETY: the caller has so many numbers there, and the instruction set.
    unsafe { _mm512_maskz_loadu_pd((1 << count) - 1, from) }
}
#[inline(always)]
unsafe fn store_f64x8(to: *mut f64, count: usize, x: __m512d) {
    // SAFETY: the caller has room for so many numbers there, and the instruction set.
    unsafe { _mm512_mask_storeu_pd(to, (1 << count) - 1, x) }
}

// Zero in the lanes whose magnitude is less than the least normal number; NaN stays.

#[inline(always)]
unsafe fn normal_f32x8(x: __m256, magnitude: __m256) -> __m256 {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let least = _mm256_set1_ps(f32::MIN_POSITIVE);
        _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}
#[inline(always)]
unsafe fn normal_f64x4(x: __m256d, magnitude: __m256d) -> __m256d {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let least = _mm256_set1_pd(f64::MIN_POSITIVE);
        _mm256_and_pd(_mm256_cmp_pd::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}
#[inline(always)]
unsafe fn normal_f32x16(x: __m512, magnitude: __m512) -> __m512 {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let least = _mm512_set1_ps(f32::MIN_POSITIVE);
        _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}
#[inline(always)]
unsafe fn normal_f64x8(x: __m512d, magnitude: __m512d) -> __m512d {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let least = _mm512_set1_pd(f64::MIN_POSITIVE);
        _mm512_maskz_mov_pd(_mm512_cmp_pd_mask::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}

/// One `Vector` of each: the same operations under the names of the instruction set.
macro_rules! vector {
    (
        $name:ident, $half:ident, $to_half:expr, $elem:ty, $lanes:literal, $registers:literal, $streams:literal, $mantissa:literal,
        $set1:ident, $loadu:ident, $storeu:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $fmadd:ident,
        $max:ident, $min:ident, $to_int:ident, $from_int:ident, $and:ident, $or:ident, $set_bits:ident, $shift:ident,
        $int:ty, $features:literal, $load_masked:ident, $store_masked:ident, $normal:ident
    ) => {
        // SAFETY: each operation is the instruction of that name; loads and stores touch `LANES` numbers, unaligned.
        // The callers have checked the instruction set (the trait's contract).
        unsafe impl Vector for $name {
            type Elem = $elem;
            type Half = $half;
            const LANES: usize = $lanes;
            const REGISTERS: usize = $registers;
            const STREAMS: usize = $streams;

            unsafe fn enter(work: impl Work<$elem>) {
                #[target_feature(enable = $features)]
                unsafe fn inner(work: impl Work<$elem>) {
                    // SAFETY: the features are enabled here.
                    unsafe { work.run::<$name>() }
                }
                // SAFETY: as above.
                unsafe { inner(work) }
            }
            #[inline(always)]
            unsafe fn splat(x: $elem) -> Self {
                // SAFETY: as above.
                $name(unsafe { $set1(x) })
            }
            #[inline(always)]
            #[allow(unused_unsafe)] // where half is the whole
            unsafe fn half(self) -> $half {
                // SAFETY: as above.
                $half(unsafe { $to_half(self.0) })
            }
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: as above.
                $name(unsafe { $loadu(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: as above.
                unsafe { $storeu(to, self.0) }
            }
            #[inline(always)]
            unsafe fn add(self, y: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $add(self.0, y.0) })
            }
            #[inline(always)]
            unsafe fn sub(self, y: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $sub(self.0, y.0) })
            }
            #[inline(always)]
            unsafe fn mul(self, y: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $mul(self.0, y.0) })
            }
            #[inline(always)]
            unsafe fn div(self, y: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $div(self.0, y.0) })
            }
            #[inline(always)]
            unsafe fn mul_add(self, a: Self, b: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $fmadd(self.0, a.0, b.0) })
            }
            #[inline(always)]
            unsafe fn max(self, y: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $max(self.0, y.0) })
            }
            #[inline(always)]
            unsafe fn min(self, y: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $min(self.0, y.0) })
            }
            #[inline(always)]
            unsafe fn abs(self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $from_int($and($to_int(self.0), $set_bits(<$int>::MAX))) })
            }
            #[inline(always)]
            unsafe fn with_sign(self, of: Self) -> Self {
                // SAFETY: as above.
                unsafe {
                    let sign = $and($to_int(of.0), $set_bits(<$int>::MIN));
                    $name($from_int($or($to_int(self.0), sign)))
                }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $elem, count: usize) -> Self {
                if count >= $lanes {
                    // SAFETY: all lanes are there.
                    return unsafe { Self::load(from) };
                }
                // SAFETY: lanes that the mask leaves out are not touched.
                $name(unsafe { $load_masked(from, count) })
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $elem, count: usize) {
                if count >= $lanes {
                    // SAFETY: there is room for all lanes.
                    return unsafe { self.store(to) };
                }
                // SAFETY: lanes that the mask leaves out are not touched.
                unsafe { $store_masked(to, count, self.0) }
            }
            #[inline(always)]
            unsafe fn low_bits_to_exponent(self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $from_int($shift::<$mantissa>($to_int(self.0))) })
            }
            #[inline(always)]
            unsafe fn normal_or_zero(self) -> Self {
                // SAFETY: as above.
                $name(unsafe { $normal(self.0, self.abs().0) })
            }
        }
    };
}

#[rustfmt::skip]
vector!(
    F32x8, F32x8, core::convert::identity, f32, 8, 16, 3, 23,
    _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_div_ps, _mm256_fmadd_ps,
    _mm256_max_ps, _mm256_min_ps,
    _mm256_castps_si256, _mm256_castsi256_ps, _mm256_and_si256, _mm256_or_si256, _mm256_set1_epi32,
    _mm256_slli_epi32, i32, "avx2,fma", load_f32x8, store_f32x8, normal_f32x8
);
#[rustfmt::skip]
vector!(
    F64x4, F64x4, core::convert::identity, f64, 4, 16, 2, 52,
    _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd, _mm256_sub_pd, _mm256_mul_pd, _mm256_div_pd, _mm256_fmadd_pd,
    _mm256_max_pd, _mm256_min_pd,
    _mm256_castpd_si256, _mm256_castsi256_pd, _mm256_and_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_slli_epi64, i64, "avx2,fma", load_f64x4, store_f64x4, normal_f64x4
);
#[rustfmt::skip]
vector!(
    F32x16, F32x8, _mm512_castps512_ps256, f32, 16, 32, 3, 23,
    _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_div_ps, _mm512_fmadd_ps,
    _mm512_max_ps, _mm512_min_ps,
    _mm512_castps_si512, _mm512_castsi512_ps, _mm512_and_si512, _mm512_or_si512, _mm512_set1_epi32,
    _mm512_slli_epi32, i32, "avx512f,avx2,fma", load_f32x16, store_f32x16, normal_f32x16
);
// (Without halves: less is left over, and each is some more kernels to compile.)
#[rustfmt::skip]
vector!(
    F64x8, F64x8, core::convert::identity, f64, 8, 32, 2, 52,
    _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd, _mm512_sub_pd, _mm512_mul_pd, _mm512_div_pd, _mm512_fmadd_pd,
    _mm512_max_pd, _mm512_min_pd,
    _mm512_castpd_si512, _mm512_castsi512_pd, _mm512_and_si512, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_slli_epi64, i64, "avx512f,avx2,fma", load_f64x8, store_f64x8, normal_f64x8
);
