//! `Lines`: memory aligned to cache lines, so that no vector crosses from one line to the next. It is written once.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::slice;

/// A cache line on the machines that this crate has kernels for.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

/// The size of a large page. Systems tend to provide large pages only at multiples of it.
const PAGE: usize = 2 << 20;
/// The smallest size for which large pages pay off.
const LARGE: usize = 4 << 20;

/// Memory for numbers, starting at a cache line.
///
/// New memory costs a process more time than writing to it. So nothing is written twice, and a large block lies where the
/// system can use large pages.
pub struct Lines<A> {
    memory: Box<[MaybeUninit<Line>]>,
    /// The index of the first line in use, and the number of numbers from there on.
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
            start = memory.as_ptr().align_offset(PAGE).min(spare); // if the offset is unknown, any line will do
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
        // If this saturates, the allocation refuses it.
        count
            .saturating_mul(size_of::<A>())
            .div_ceil(size_of::<Line>())
    }

    #[inline]
    pub fn first(&self) -> *const A {
        // SAFETY: `new` allocated at least `start` lines.
        unsafe { self.memory.as_ptr().add(self.start).cast() }
    }

    pub fn numbers(&self) -> &[MaybeUninit<A>] {
        // SAFETY: `new` allocated `count` numbers from the first line on, aligned for numbers; `MaybeUninit` allows any
        // values.
        unsafe { slice::from_raw_parts(self.first().cast(), self.count) }
    }

    pub fn numbers_mut(&mut self) -> &mut [MaybeUninit<A>] {
        // SAFETY: `new` allocated `count` numbers from the first line on, aligned for numbers, and `self` is borrowed
        // mutably.
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

/// Asks the system for large pages, as NumPy does for its arrays. Getting new memory page by page can take longer than
/// reading the file that is loaded into it.
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
fn prefer_large_pages(memory: &mut [MaybeUninit<Line>]) {
    const MADV_HUGEPAGE: core::ffi::c_int = 14; // the same on every architecture that Rust supports
    unsafe extern "C" {
        fn madvise(
            start: *mut core::ffi::c_void,
            length: usize,
            advice: core::ffi::c_int,
        ) -> core::ffi::c_int;
    }
    // SAFETY: the bytes belong to `memory`, and the advice neither moves nor changes them. If the system does not know the
    // advice, or if the address is not the start of a page, the call has no effect.
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
