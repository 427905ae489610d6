//! Counts the memory that a thread holds, so that a test can ask how much a reading took at most.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread_local;

struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator, and two numbers of this thread beside it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.get().wrapping_add(layout.size());
        HELD.set(held);
        PEAK.set(PEAK.get().max(held));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.set(HELD.get().saturating_sub(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were held at one time while `f` ran, beside those held before.
pub fn peak<T>(f: impl FnOnce() -> T) -> (usize, T) {
    let before = HELD.get();
    PEAK.set(before);
    let result = f();
    (PEAK.get() - before, result)
}

#[test]
fn the_counter_counts() {
    use std::vec;
    let (bytes, _) = peak(|| {
        drop(std::hint::black_box(vec![1_u8; 1000]));
        std::hint::black_box(vec![1_u8; 600])
    });
    assert!((1000..1100).contains(&bytes), "{bytes}");
}
