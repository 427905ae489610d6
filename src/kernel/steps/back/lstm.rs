//! The step of an LSTM backwards.

use super::rows::{BackRows, Backwards};
use super::slope::slope;
use crate::kernel::steps::functions::{Chosen, Functions};
use crate::kernel::vectors::{Number, Op, Vector, Work};

/// The step of an LSTM without extensions, backwards.
///
/// ```text
/// dzo = dh * a(c') * s'     dc' += dh * o * a'(c')     dzi = dc' * g * s'     dzf = dc' * c * s'     dzg = dc' * i * a'
/// dc = dc' * f
/// ```
pub struct LstmBack<'a, A> {
    pub rows: BackRows<'a>,
    /// The functions, for their slopes.
    pub of: &'a Chosen,
    /// i, f, g, o, (rows, 4·units).
    pub gates: &'a [A],
    /// The cell states before the step, (rows, units).
    pub c: &'a [A],
    /// The gradient of the output, (samples, units).
    pub dh: &'a [A],
    /// The gradient of the cell state after the step, and then that before it, (samples, units).
    pub dc: &'a mut [A],
    /// The gradient of the sums, (rows, 4·units).
    pub dz: &'a mut [A],
}

impl<A: Number, F: Functions> Op<A> for Backwards<LstmBack<'_, A>, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: the caller guarantees that the machine has the instruction set.
        unsafe { V::enter(self) }
    }
}

impl<A: Number, F: Functions> Work<A> for &mut Backwards<LstmBack<'_, A>, F> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let functions = self.functions;
        let LstmBack {
            rows,
            of,
            gates,
            c,
            dh,
            dc,
            dz,
        } = &mut self.step;
        let units = rows.units;
        for (row, from, sample) in rows.each() {
            let gates = gates[4 * units * from..][..4 * units].as_ptr();
            let c = c[units * from..][..units].as_ptr();
            let dh = dh[units * sample..][..units].as_ptr();
            let dc = dc[units * sample..][..units].as_mut_ptr();
            let dz = dz[4 * units * row..][..4 * units].as_mut_ptr();
            for first in (0..units).step_by(V::LANES) {
                let count = units - first;
                // SAFETY: the caller guarantees the instruction set, and each row has `count` more numbers from `first` on,
                // for each gate.
                unsafe {
                    let at = gates.add(first);
                    let i = V::load_first(at, count);
                    let f = V::load_first(at.add(units), count);
                    let g = V::load_first(at.add(2 * units), count);
                    let o = V::load_first(at.add(3 * units), count);
                    let before = V::load_first(c.add(first), count);
                    let dh = V::load_first(dh.add(first), count);
                    let out = functions.out(f.mul_add(before, i.mul(g)));
                    let d_o = dh.mul(out).mul(slope(of.gate, o));
                    let through = dh.mul(o).mul(slope(of.out, out));
                    let d = V::load_first(dc.add(first), count).add(through);
                    let d_g = d.mul(i).mul(slope(of.act, g));
                    let d_i = d.mul(g).mul(slope(of.gate, i));
                    let d_f = d.mul(before).mul(slope(of.gate, f));
                    d.mul(f).store_first(dc.add(first), count);
                    for (gate, d) in [d_i, d_f, d_g, d_o].into_iter().enumerate() {
                        d.store_first(dz.add(gate * units + first), count);
                    }
                }
            }
        }
    }
}
