//! A program for a device without an operating system: a stream, fed and read through plain numbers.
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};
use recurrent::{Causal, Lstm, Stream};

/// Hands out memory from a fixed block and never takes it back.
struct Block {
    memory: UnsafeCell<[u8; 1 << 20]>,
    used: AtomicUsize,
}

// SAFETY: `used` gives every caller bytes of its own.
unsafe impl Sync for Block {}

// SAFETY: what is handed out is aligned as asked for, inside the block, and never handed out again.
unsafe impl GlobalAlloc for Block {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.memory.get().cast::<u8>();
        let reserve = layout.size() + layout.align();
        let at = self.used.fetch_add(reserve, Ordering::Relaxed);
        if at + reserve > 1 << 20 {
            return core::ptr::null_mut();
        }
        // SAFETY: `at + reserve` is inside the block.
        let free = unsafe { base.add(at) };
        // SAFETY: the alignment's own bytes were reserved, too.
        unsafe { free.add(free.align_offset(layout.align())) }
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: Block = Block {
    memory: UnsafeCell::new([0; 1 << 20]),
    used: AtomicUsize::new(0),
};

#[panic_handler]
fn halt(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

/// A stream of one sample with 2 features and 4 units; null if it cannot be built.
#[unsafe(no_mangle)]
pub extern "C" fn stream_new() -> *mut Stream<Lstm<f32>> {
    match Lstm::<f32>::builder(2, 4).build() {
        Ok(lstm) => Box::into_raw(Box::new(lstm.into_stream(1))),
        Err(_) => core::ptr::null_mut(),
    }
}

/// Feeds one timestep and returns the first unit.
///
/// # Safety
/// `stream` comes from [`stream_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stream_push(stream: *mut Stream<Lstm<f32>>, a: f32, b: f32) -> f32 {
    // SAFETY: the caller's promise.
    match unsafe { &mut *stream }.push_slice(&[a, b]) {
        Ok(h) => h[0],
        Err(_) => f32::NAN,
    }
}
