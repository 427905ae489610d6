//! The step of a `SimpleRnn`: `h' = a(x W + h R + b)`.

use super::active::Active;
use super::cell::{Cell, With};
use super::functions::Functions;
use super::step::{Step, Units};
use super::tiles::run_blocks;
use super::workspace::{Input, Workspace};
use crate::kernel::packed::{Panels, Products};
use crate::kernel::vectors::{Number, Vector};
use ndarray::Array2;

/// The step of a `SimpleRnn`: `h' = a(z + h R)`. Only [`Workspace::simple_rnn`] makes it, from panels with one gate.
pub struct SimpleRnnStep<'a, A> {
    step: &'a Step<'a, A>,
}

impl<A: Products> Workspace<A> {
    /// Takes a step of a `SimpleRnn`. `run` must call [`Kernels::simple_rnn`](super::Kernels::simple_rnn).
    pub(crate) fn simple_rnn<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        active: &'a Active,
        h: &mut Array2<A>,
        run: impl Fn(SimpleRnnStep<A>),
    ) {
        assert!(panels.gates() == 1);
        self.advance(input, (panels, 1), active, h, |step| {
            run(SimpleRnnStep { step });
        });
        self.finish(input, active, h);
    }
}

impl<A: Number, F: Functions> Cell<A> for With<SimpleRnnStep<'_, A>, F> {
    const GATES: usize = 1;

    fn step(&self) -> &Step<'_, A> {
        self.cell.step
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        // SAFETY: the caller guarantees the instruction set, and `Workspace::simple_rnn` checked that the panels have one
        // gate.
        unsafe { run_blocks::<V, Self>(self.cell.step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], _: V, units: Units) {
        let step = self.cell.step;
        let h = self.functions.act(sums[0]).normal_or_zero();
        // SAFETY: the step has a new state for each of its units.
        unsafe { h.store_first(step.next.add(step.at(units)), units.count) }
    }
}
