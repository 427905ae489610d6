//! `Cell`: what the step of a cell makes of its sums.

use super::step::{Step, Units};
use crate::kernel::packed::Panels;
use crate::kernel::vectors::{Number, Op, Vector};

/// The step of a cell with its functions. A value of it stands for the memory that it points at.
pub trait Cell<A: Number> {
    /// How many vectors of sums a vector of units has: the gates.
    const GATES: usize;
    /// How many the projected inputs have: more, if a gate of them is not summed up here.
    const INPUTS: usize = Self::GATES;
    /// Whether the third of the gates keeps the sum of the inputs and that of the state apart.
    const APART: bool = false;

    fn step(&self) -> &Step<'_, A>;

    /// What the state's sum of the third gate starts from, where it is kept apart; zero if none.
    fn inner(&self) -> Option<&Panels<A>> {
        None
    }

    /// Runs all tiles of the step.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`.
    unsafe fn run<V: Vector<Elem = A>>(&self);

    /// From the sums of some units to their new state. `sums` are the gates, `input` is the inputs' part of a third gate that is
    /// not in them, or apart. (Implementations are `#[inline(always)]`.)
    ///
    /// # Safety
    /// The step has these units; `sums` are [`GATES`](Self::GATES) vectors.
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], input: V, at: Units);
}

/// A cell and its functions.
pub struct With<C, F> {
    pub cell: C,
    pub functions: F,
}

impl<A: Number, C, F> Op<A> for With<C, F>
where
    Self: Cell<A>,
{
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: the caller knows that the machine has the instruction set.
        unsafe { self.run::<V>() }
    }
}

/// The ends of one row and panel, whose first unit is `first`.
///
/// # Safety
/// The step has this row, and a panel whose first unit is `first`; `sums` and `input` are those of that panel.
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
            // SAFETY: the caller has this row and panel, and the first of these units is one of them.
            unsafe { cell.end(gates, input, at) };
        }
    }
}
