//! The step of a GRU with `reset_after` backwards.

use super::rows::{BackRows, Backwards};
use super::slope::slope;
use crate::kernel::steps::functions::{Chosen, Functions};
use crate::kernel::vectors::{Number, Op, Vector, Work};
use num_traits::one;

/// The step of a GRU with `reset_after`, backwards. `m = h @ Rh + b1h` is what r is multiplied with.
///
/// ```text
/// dz = dh' * (h - g) * s'     dg = dh' * (1 - z) * a'     dr = dg * m * s'     dm = dg * r     dh = dh' * z
/// ```
pub struct GruBack<'a, A> {
    pub rows: BackRows<'a>,
    /// The functions, for their slopes.
    pub of: &'a Chosen,
    /// z, r, g, m, (rows, 4·units).
    pub gates: &'a [A],
    /// The states before the step, (rows, units).
    pub h: &'a [A],
    /// The gradient of the state after the step, and then its part that passes by the gates, (samples, units).
    pub dh: &'a mut [A],
    /// The gradient of the sums of z, r, g, (rows, 3·units), and that of m, (rows, units).
    pub dz: &'a mut [A],
    pub dm: &'a mut [A],
}

impl<A: Number, F: Functions> Op<A> for Backwards<GruBack<'_, A>, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: the caller guarantees that the machine has the instruction set.
        unsafe { V::enter(self) }
    }
}

impl<A: Number, F: Functions> Work<A> for &mut Backwards<GruBack<'_, A>, F> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let GruBack {
            rows,
            of,
            gates,
            h,
            dh,
            dz,
            dm,
        } = &mut self.step;
        let units = rows.units;
        for (row, from, sample) in rows.each() {
            let gates = gates[4 * units * from..][..4 * units].as_ptr();
            let h = h[units * from..][..units].as_ptr();
            let dh = dh[units * sample..][..units].as_mut_ptr();
            let dz = dz[3 * units * row..][..3 * units].as_mut_ptr();
            let dm = dm[units * row..][..units].as_mut_ptr();
            for first in (0..units).step_by(V::LANES) {
                let count = units - first;
                // SAFETY: the caller guarantees the instruction set, and each row has `count` more numbers from `first` on,
                // for each gate.
                unsafe {
                    let at = gates.add(first);
                    let z = V::load_first(at, count);
                    let r = V::load_first(at.add(units), count);
                    let g = V::load_first(at.add(2 * units), count);
                    let m = V::load_first(at.add(3 * units), count);
                    let before = V::load_first(h.add(first), count);
                    let d = V::load_first(dh.add(first), count);
                    let d_z = d.mul(before.sub(g)).mul(slope(of.gate, z));
                    let d_g = d.mul(z.fill(one()).sub(z)).mul(slope(of.act, g));
                    let d_r = d_g.mul(m).mul(slope(of.gate, r));
                    d.mul(z).store_first(dh.add(first), count);
                    d_g.mul(r).store_first(dm.add(first), count);
                    for (gate, d) in [d_z, d_r, d_g].into_iter().enumerate() {
                        d.store_first(dz.add(gate * units + first), count);
                    }
                }
            }
        }
    }
}
