//! `Lines`: memory that vectors do not straddle cache lines in, written once.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::slice;

/// A cache line of the machines that this crate has kernels for.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

/// Large pages, which systems like to give at multiples of their size only.
const PAGE: usize = 2 << 20;
/// The least that is worth them.
const LARGE: usize = 4 << 20;

/// Memory for numbers, from the start of a line on.
///
/// New memory costs a process more time than what is written to it, so nothing is written twice, and large memory lies where
/// the system can give it in large pages.
pub struct Lines<A> {
    memory: Box<[MaybeUninit<Line>]>,
    /// The first line in use, and how many numbers there are from it on.
    start: usize,
    count: usize,
    of: PhantomData<A>,
}

impl<A> Lines<A> {
    pub fn new(count: usize) -> Self {
        let lines = Self::lines(count);
        let large = lines * size_of::<Line>() >= LARGE;
        let spare = if large { PAGE / size_of::<Line>() } else { 0 };
        let mut memory = Box::new_uninit_slice(lines + spare);
        let mut start = 0;
        if large {
            start = memory.as_ptr().align_offset(PAGE).min(spare); // where it cannot tell, anywhere will do
            prefer_large_pages(&mut memory[start..start + lines]);
        }
        Lines {
            memory,
            start,
            count,
            of: PhantomData,
        }
    }

    fn lines(count: usize) -> usize {
        // More than there can be is refused by the allocation.
        count
            .saturating_mul(size_of::<A>())
            .div_ceil(size_of::<Line>())
    }

    #[inline]
    pub fn first(&self) -> *const A {
        // SAFETY: `new` took `start` lines and more.
        unsafe { self.memory.as_ptr().add(self.start).cast() }
    }

    pub fn numbers(&self) -> &[MaybeUninit<A>] {
        // SAFETY: `new` took memory for `count` numbers from there on, aligned for any of them; nothing is said of their values.
        unsafe { slice::from_raw_parts(self.first().cast(), self.count) }
    }

    pub fn numbers_mut(&mut self) -> &mut [MaybeUninit<A>] {
        // SAFETY: `new` took memory for `count` numbers from there on, and nobody else has it.
        unsafe {
            let first = self.memory.as_mut_ptr().add(self.start);
            slice::from_raw_parts_mut(first.cast(), self.count)
        }
    }
}

impl<A: Clone> Clone for Lines<A> {
    fn clone(&self) -> Self {
        let mut lines = Lines::new(self.count);
        let used = Self::lines(self.count);
        lines.memory[lines.start..][..used].copy_from_slice(&self.memory[self.start..][..used]);
        lines
    }
}

/// Asks the system for large pages, as NumPy does for its arrays: a process that is given new memory page by page waits longer
/// for it than for the file that it loads.
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
fn prefer_large_pages(memory: &mut [MaybeUninit<Line>]) {
    const MADV_HUGEPAGE: core::ffi::c_int = 14; // on every architecture that Rust knows
    unsafe extern "C" {
        fn madvise(
            start: *mut core::ffi::c_void,
            length: usize,
            advice: core::ffi::c_int,
        ) -> core::ffi::c_int;
    }
    // SAFETY: all of these bytes are this function's alone; the advice moves and changes none of them, and where it is not
    // understood, or the address begins no page, nothing happens.
    unsafe {
        madvise(
            memory.as_mut_ptr().cast(),
            size_of_val(memory),
            MADV_HUGEPAGE,
        )
    };
}

#[cfg(not(all(feature = "std", target_os = "linux", not(miri))))]
fn prefer_large_pages(_: &mut [MaybeUninit<Line>]) {}

#[cfg(test)]
mod tests;
