//! What this machine can do at most on one thread: multiply-adds, and reads from each level of its caches.
//!
//! Read with the widest vectors that it has, from memory that begins at a cache line.

#![allow(unsafe_code)]
#![allow(dead_code)] // each bench uses what it needs

use std::hint::black_box;
use std::time::Instant;

/// Vectors to multiply and add with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Bits512,
    Bits256,
    /// What the compiler makes of plain loops.
    Compiled,
}

impl Width {
    /// The widest that this machine has.
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f") {
            return Width::Bits512;
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Width::Bits256;
        }
        Width::Compiled
    }
}

/// The limits of one thread, each the best of several rounds: what was seen at least once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Floating-point operations per ns, a multiply-add being two.
    pub peak: f64,
    /// (bytes that the level holds, bytes per ns read from it), the fastest first.
    pub levels: [(usize, f64); 4],
}

impl Limits {
    pub fn measure() -> Self {
        let caches = caches();
        let most = |bytes| {
            let memory = Memory::new(bytes);
            best(7, || memory.bandwidth())
        };
        // Half of a level: what else is in it is not this benchmark's.
        Limits {
            peak: best(20, || multiply_adds(Width::widest())),
            levels: [
                (caches[0], most(caches[0] / 2)),
                (caches[1], most(caches[1] / 2)),
                (caches[2], most((caches[1] * 8).min(caches[2] / 2))),
                (usize::MAX, most(256 << 20)),
            ],
        }
    }
}

/// L1d, L2 and L3 in bytes, as Linux tells; common sizes elsewhere.
fn caches() -> [usize; 3] {
    let read = |index: usize| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
        let text = std::fs::read_to_string(path).ok()?;
        text.trim()
            .strip_suffix('K')?
            .parse::<usize>()
            .ok()
            .map(|k| k << 10)
    };
    [
        read(0).unwrap_or(32 << 10),
        read(2).unwrap_or(1 << 20),
        read(3).unwrap_or(16 << 20),
    ]
}

fn best(rounds: usize, mut f: impl FnMut() -> f64) -> f64 {
    (0..rounds).map(|_| f()).fold(0.0, f64::max)
}

/// Operations per ns of independent chains of multiply-adds.
pub fn multiply_adds(width: Width) -> f64 {
    const ROUNDS: usize = 200_000;
    let start = Instant::now();
    #[cfg(target_arch = "x86_64")]
    if width == Width::Bits512 {
        assert!(is_x86_feature_detected!("avx512f"));
        // SAFETY: the machine has AVX-512F.
        black_box(unsafe { x86::fma512(ROUNDS) });
        return (ROUNDS * 12 * 16 * 2) as f64 / nanos(start);
    } else if width == Width::Bits256 {
        assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
        // SAFETY: the machine has AVX2 and FMA.
        black_box(unsafe { x86::fma256(ROUNDS) });
        return (ROUNDS * 12 * 8 * 2) as f64 / nanos(start);
    }
    let (x, mut sums) = (black_box(0.5_f32), [0.0_f32; 64]);
    for _ in 0..ROUNDS {
        sums.iter_mut().for_each(|sum| *sum = *sum * x + x);
    }
    black_box(sums);
    (ROUNDS * 64 * 2) as f64 / nanos(start)
}

/// Memory to read from.
pub struct Memory(Vec<Line>);

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

impl Memory {
    /// So many bytes, or a few less.
    pub fn new(bytes: usize) -> Self {
        Memory(vec![Line([1.0; 16]); bytes / 1024 * 16])
    }

    /// Bytes per ns of reading all of it again and again.
    pub fn bandwidth(&self) -> f64 {
        // SAFETY: a line is 16 numbers without a gap.
        let numbers =
            unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<f32>(), self.0.len() * 16) };
        let bytes = size_of_val(numbers);
        let times = (32 << 20) / bytes.clamp(1, 32 << 20) + 1;
        black_box(sum(numbers)); // what was there before is somebody else's
        let start = Instant::now();
        for _ in 0..times {
            black_box(sum(black_box(numbers)));
        }
        (times * bytes) as f64 / nanos(start)
    }
}

fn sum(numbers: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has AVX-512F; the length is a multiple of 256.
        return unsafe { x86::read512(numbers) };
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2; the length is a multiple of 256.
        return unsafe { x86::read256(numbers) };
    }
    let mut sums = [0.0; 32];
    for chunk in numbers.chunks_exact(32) {
        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().sum()
}

fn nanos(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[allow(clippy::wildcard_imports)] // twenty names
    use std::arch::x86_64::*;

    /// # Safety
    /// The machine has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn fma512(rounds: usize) -> f32 {
        let x = _mm512_set1_ps(std::hint::black_box(0.5));
        let mut sums = [x; 12];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, x, x);
            }
        }
        sums.iter().map(|&sum| _mm512_reduce_add_ps(sum)).sum()
    }

    /// # Safety
    /// The machine has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn fma256(rounds: usize) -> f32 {
        let x = _mm256_set1_ps(std::hint::black_box(0.5));
        let mut sums = [x; 12];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, x, x);
            }
        }
        sums.iter().map(|&sum| _mm256_cvtss_f32(sum)).sum()
    }

    /// # Safety
    /// The machine has AVX-512F; the length is a multiple of 256.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn read512(numbers: &[f32]) -> f32 {
        let mut sums = [_mm512_setzero_si512(); 16];
        for chunk in numbers.chunks_exact(256) {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: a chunk is 16 vectors.
                let x = unsafe { _mm512_loadu_si512(chunk.as_ptr().add(i * 16).cast()) };
                *sum = _mm512_or_si512(*sum, x);
            }
        }
        sums.iter()
            .map(|&sum| _mm512_reduce_or_epi32(sum) as f32)
            .sum()
    }

    /// # Safety
    /// The machine has AVX2; the length is a multiple of 256.
    #[target_feature(enable = "avx2")]
    pub unsafe fn read256(numbers: &[f32]) -> f32 {
        let mut sums = [_mm256_setzero_si256(); 8];
        for chunk in numbers.chunks_exact(64) {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: a chunk is 8 vectors.
                let x = unsafe { _mm256_loadu_si256(chunk.as_ptr().add(i * 8).cast()) };
                *sum = _mm256_or_si256(*sum, x);
            }
        }
        sums.iter()
            .map(|&sum| _mm256_extract_epi32::<0>(sum) as f32)
            .sum()
    }
}
