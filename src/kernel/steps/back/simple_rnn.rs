//! The step of a simple RNN backwards.

use super::rows::{BackRows, Backwards};
use super::slope::slope;
use crate::kernel::steps::functions::{Chosen, Functions};
use crate::kernel::vectors::{Number, Op, Vector, Work};

/// The step of a simple RNN backwards: `dz = dh' * a'`.
pub struct SimpleRnnBack<'a, A> {
    pub rows: BackRows<'a>,
    /// The functions, for their slopes.
    pub of: &'a Chosen,
    /// What the activation made of the sums, (rows, units).
    pub y: &'a [A],
    /// The gradient of the state, (samples, units).
    pub dh: &'a [A],
    /// The gradient of the sums, (rows, units).
    pub dz: &'a mut [A],
}

impl<A: Number, F: Functions> Op<A> for Backwards<SimpleRnnBack<'_, A>, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: the caller guarantees that the machine has the instruction set.
        unsafe { V::enter(self) }
    }
}

impl<A: Number, F: Functions> Work<A> for &mut Backwards<SimpleRnnBack<'_, A>, F> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let SimpleRnnBack {
            rows,
            of,
            y,
            dh,
            dz,
        } = &mut self.step;
        let units = rows.units;
        for (row, from, sample) in rows.each() {
            let y = y[units * from..][..units].as_ptr();
            let dh = dh[units * sample..][..units].as_ptr();
            let dz = dz[units * row..][..units].as_mut_ptr();
            for first in (0..units).step_by(V::LANES) {
                let count = units - first;
                // SAFETY: the caller guarantees the instruction set, and each row has `count` more numbers from `first` on.
                unsafe {
                    let y = V::load_first(y.add(first), count);
                    let d = V::load_first(dh.add(first), count).mul(slope(of.act, y));
                    d.store_first(dz.add(first), count);
                }
            }
        }
    }
}
