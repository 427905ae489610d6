//! The vectors of AVX2 with FMA.

use super::x86::{detected, vector};
use crate::kernel::vectors::set::InstructionSet;
use crate::kernel::vectors::vector::{Vector, Work};
#[allow(clippy::wildcard_imports)] // sixty names
use core::arch::x86_64::*;

/// AVX2 with FMA.
pub struct Avx2;

// SAFETY: `is_present` checks the features that the vectors are compiled with.
unsafe impl InstructionSet for Avx2 {
    type F32 = F32x8;
    type F64 = F64x4;

    fn is_present() -> bool {
        detected!("avx2", "fma")
    }
}

#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F32x8(pub(super) __m256);
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F64x4(__m256d);

// The masked loads and stores: the first `count` lanes, which are fewer than all. A load sets the other lanes to zero. The
// other lanes touch no memory.
//
// They work in pieces of 4, 2 and 1 numbers: the masked store of AVX2 takes longer than a short step, and the processor
// does not forward its result to a later load.

#[inline(always)]
unsafe fn load_f32x8(from: *const f32, count: usize) -> __m256 {
    // SAFETY: the caller guarantees the instruction set, and that `from` is valid for `count` numbers.
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
    // SAFETY: the caller guarantees the instruction set, and that `to` is valid for `count` numbers.
    unsafe {
        let first = _mm256_castps256_ps128(x);
        if count < 4 {
            return store_f32x3(to, count, first);
        }
        _mm_storeu_ps(to, first);
        store_f32x3(to.add(4), count - 4, _mm256_extractf128_ps::<1>(x));
    }
}
/// Loads fewer than four numbers and sets the other lanes to zero.
#[inline(always)]
unsafe fn load_f32x3(from: *const f32, count: usize) -> __m128 {
    // SAFETY: the caller guarantees the instruction set, and that `from` is valid for `count` numbers.
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
    // SAFETY: the caller guarantees the instruction set, and that `from` is valid for two numbers.
    unsafe { _mm_castsi128_ps(_mm_loadl_epi64(from.cast())) }
}
/// Stores fewer than four numbers.
#[inline(always)]
unsafe fn store_f32x3(to: *mut f32, count: usize, x: __m128) {
    // SAFETY: the caller guarantees the instruction set, and that `to` is valid for `count` numbers.
    unsafe {
        if count == 1 {
            _mm_store_ss(to, x);
        } else if count > 1 {
            // (`_mm_store_sd` and `_mm_load_sd` would require the address of an f64.)
            _mm_storel_epi64(to.cast(), _mm_castps_si128(x));
            if count > 2 {
                _mm_store_ss(to.add(2), _mm_movehl_ps(x, x));
            }
        }
    }
}
#[inline(always)]
unsafe fn load_f64x4(from: *const f64, count: usize) -> __m256d {
    // SAFETY: the caller guarantees the instruction set, and that `from` is valid for `count` numbers.
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
    // SAFETY: the caller guarantees the instruction set, and that `to` is valid for `count` numbers.
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

// Sets lanes whose magnitude is below the smallest normal number to zero. NaN is kept.

#[inline(always)]
unsafe fn normal_f32x8(x: __m256, magnitude: __m256) -> __m256 {
    // SAFETY: the caller guarantees the instruction set; the operations touch no memory.
    unsafe {
        let least = _mm256_set1_ps(f32::MIN_POSITIVE);
        _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}
#[inline(always)]
unsafe fn normal_f64x4(x: __m256d, magnitude: __m256d) -> __m256d {
    // SAFETY: the caller guarantees the instruction set; the operations touch no memory.
    unsafe {
        let least = _mm256_set1_pd(f64::MIN_POSITIVE);
        _mm256_and_pd(_mm256_cmp_pd::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}

#[rustfmt::skip]
vector!(
    F32x8, F32x8, core::convert::identity, f32, 8, 16, 3, 23,
    _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps,
    { add _mm256_add_ps, sub _mm256_sub_ps, mul _mm256_mul_ps, div _mm256_div_ps, max _mm256_max_ps, min _mm256_min_ps },
    _mm256_castps_si256, _mm256_castsi256_ps, _mm256_and_si256, _mm256_or_si256, _mm256_set1_epi32,
    _mm256_slli_epi32, i32, "avx2,fma", load_f32x8, store_f32x8, normal_f32x8
);
#[rustfmt::skip]
vector!(
    F64x4, F64x4, core::convert::identity, f64, 4, 16, 2, 52,
    _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd,
    { add _mm256_add_pd, sub _mm256_sub_pd, mul _mm256_mul_pd, div _mm256_div_pd, max _mm256_max_pd, min _mm256_min_pd },
    _mm256_castpd_si256, _mm256_castsi256_pd, _mm256_and_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_slli_epi64, i64, "avx2,fma", load_f64x4, store_f64x4, normal_f64x4
);
