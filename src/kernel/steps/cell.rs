//! `Cell`: how a cell computes its new state from its sums.

use super::step::{Step, Units};
use crate::kernel::packed::Panels;
use crate::kernel::vectors::{Number, Op, Vector};

/// The step of a cell with its functions. If an implementation holds pointers, whoever makes a value of it guarantees that
/// they are valid for the step.
pub trait Cell<A: Number> {
    /// The number of gates: the vectors of sums for each vector of units.
    const GATES: usize;
    /// The number of gates in the projected inputs. It is larger than `GATES` if a gate is not summed up in this step.
    const INPUTS: usize = Self::GATES;
    /// Whether the sum of the inputs and the sum of the state are kept separate in the third gate.
    const APART: bool = false;

    fn step(&self) -> &Step<'_, A>;

    /// The bias of the state's sum in the third gate, if that is kept separate. `None` means that it starts from zero.
    fn inner(&self) -> Option<&Panels<A>> {
        None
    }

    /// Runs all tiles of the step.
    ///
    /// # Safety
    /// The machine must have the instruction set of `V`.
    unsafe fn run<V: Vector<Elem = A>>(&self);

    /// Computes the new state of some units from their sums. `sums` has one vector for each gate. `input` is the inputs'
    /// sum of a third gate that is not in `sums`, or that is kept separate. Implementations are `#[inline(always)]`.
    ///
    /// # Safety
    /// The step must have the units `at`, and `sums` must have [`GATES`](Self::GATES) vectors.
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], input: V, at: Units);
}

/// A cell with its functions.
pub struct With<C, F> {
    pub cell: C,
    pub functions: F,
}

impl<A: Number, C, F> Op<A> for With<C, F>
where
    Self: Cell<A>,
{
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: the caller guarantees that the machine has the instruction set.
        unsafe { self.run::<V>() }
    }
}

/// Computes the new state of the units of one panel in one row.
///
/// # Safety
/// The step must have this row, and a panel whose first unit is `first`. `sums` and `input` must be those of the panel.
#[inline(always)]
pub unsafe fn ends<V: Vector, C: Cell<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    cell: &C,
    (sums, input): (&[V; W], V),
    row: usize,
    first: usize,
) {
    let (units, blocks) = (step.panels.units(), W / C::GATES);
    for block in 0..blocks {
        let unit = first + block * V::LANES;
        if block == 0 || unit < units {
            let gates = &sums[block * C::GATES..(block + 1) * C::GATES];
            let at = Units {
                row,
                first: unit,
                count: units - unit,
            };
            // SAFETY: the caller guarantees that the step has this row and panel, and the first of these units is in the
            // panel.
            unsafe { cell.end(gates, input, at) };
        }
    }
}
