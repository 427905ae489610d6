//! The vectors of AVX-512.

use super::avx2::{Avx2, F32x8};
use super::x86::{detected, vector};
use crate::kernel::vectors::set::InstructionSet;
use crate::kernel::vectors::vector::{Vector, Work};
#[allow(clippy::wildcard_imports)] // sixty names
use core::arch::x86_64::*;

/// AVX-512F, with AVX2 for the halves.
pub struct Avx512;

// SAFETY: `is_present` checks the features that the vectors are compiled with.
unsafe impl InstructionSet for Avx512 {
    type F32 = F32x16;
    type F64 = F64x8;

    fn is_present() -> bool {
        Avx2::is_present() && detected!("avx512f")
    }
}

#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F32x16(__m512);
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F64x8(__m512d);

// The masked loads and stores: the first `count` lanes, which are fewer than all. A load sets the other lanes to zero. The
// other lanes touch no memory.

#[inline(always)]
unsafe fn load_f32x16(from: *const f32, count: usize) -> __m512 {
    // SAFETY: the caller guarantees the instruction set, and that `from` is valid for `count` numbers; the mask excludes
    // others.
    unsafe { _mm512_maskz_loadu_ps((1 << count) - 1, from) }
}
#[inline(always)]
unsafe fn store_f32x16(to: *mut f32, count: usize, x: __m512) {
    // SAFETY: the caller guarantees the instruction set, and that `to` is valid for `count` numbers; the mask excludes
    // others.
    unsafe { _mm512_mask_storeu_ps(to, (1 << count) - 1, x) }
}
#[inline(always)]
unsafe fn load_f64x8(from: *const f64, count: usize) -> __m512d {
    // SAFETY: the caller guarantees the instruction set, and that `from` is valid for `count` numbers; the mask excludes
    // others.
    unsafe { _mm512_maskz_loadu_pd((1 << count) - 1, from) }
}
#[inline(always)]
unsafe fn store_f64x8(to: *mut f64, count: usize, x: __m512d) {
    // SAFETY: the caller guarantees the instruction set, and that `to` is valid for `count` numbers; the mask excludes
    // others.
    unsafe { _mm512_mask_storeu_pd(to, (1 << count) - 1, x) }
}

// Sets lanes whose magnitude is below the smallest normal number to zero. NaN is kept.

#[inline(always)]
unsafe fn normal_f32x16(x: __m512, magnitude: __m512) -> __m512 {
    // SAFETY: the caller guarantees the instruction set; the operations touch no memory.
    unsafe {
        let least = _mm512_set1_ps(f32::MIN_POSITIVE);
        _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}
#[inline(always)]
unsafe fn normal_f64x8(x: __m512d, magnitude: __m512d) -> __m512d {
    // SAFETY: the caller guarantees the instruction set; the operations touch no memory.
    unsafe {
        let least = _mm512_set1_pd(f64::MIN_POSITIVE);
        _mm512_maskz_mov_pd(_mm512_cmp_pd_mask::<_CMP_NLT_UQ>(magnitude, least), x)
    }
}

#[rustfmt::skip]
vector!(
    F32x16, F32x8, _mm512_castps512_ps256, f32, 16, 32, 3, 23,
    _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps,
    { add _mm512_add_ps, sub _mm512_sub_ps, mul _mm512_mul_ps, div _mm512_div_ps, max _mm512_max_ps, min _mm512_min_ps },
    _mm512_castps_si512, _mm512_castsi512_ps, _mm512_and_si512, _mm512_or_si512, _mm512_set1_epi32,
    _mm512_slli_epi32, i32, "avx512f,avx2,fma", load_f32x16, store_f32x16, normal_f32x16
);
// These vectors have no halves: fewer units are left over than with `f32`, and each kind of half adds kernels to compile.
#[rustfmt::skip]
vector!(
    F64x8, F64x8, core::convert::identity, f64, 8, 32, 2, 52,
    _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd,
    { add _mm512_add_pd, sub _mm512_sub_pd, mul _mm512_mul_pd, div _mm512_div_pd, max _mm512_max_pd, min _mm512_min_pd },
    _mm512_castpd_si512, _mm512_castsi512_pd, _mm512_and_si512, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_slli_epi64, i64, "avx512f,avx2,fma", load_f64x8, store_f64x8, normal_f64x8
);
