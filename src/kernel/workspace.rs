//! What a running layer needs room for, and the safe doors to the kernels.

use super::activate::{Chosen, Defaults};
use super::panels::Panels;
use super::steps::{GruCandidate, GruGates, GruStep, LstmStep, SimpleRnnStep, Step};
use super::tile::Inputs;
use crate::Element;
use crate::mask::Rows;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use ndarray::{Array2, ArrayView3};

/// Room for the projected inputs and the next state of one pass or stream. It allocates when it is made, and when more
/// timesteps are projected ahead than ever before.
#[derive(Clone, Debug)]
pub struct Workspace<A> {
    /// The projected inputs, one row for every real step of a sample, in the order in which they are taken.
    z: Vec<A>,
    /// How many of these rows were taken, and how many there are.
    taken: usize,
    ahead: usize,
    /// How many numbers these rows have together.
    projected: usize,
    /// Where the rows of an input start.
    offsets: Vec<isize>,
    /// Rows of an input whose numbers do not lie one behind the other.
    spare: Vec<A>,
    /// The state after the step; (samples, units).
    next: Array2<A>,
    /// z and r * h of a GRU without `reset_after`.
    update: Vec<A>,
    reset: Vec<A>,
}

/// The start of a row or an array, as a pointer knows it.
#[allow(clippy::cast_possible_wrap)] // an array is never larger than `isize::MAX` bytes
fn signed(offset: usize) -> isize {
    offset as isize
}

impl<A: Element> Workspace<A> {
    /// For steps of so many samples with this kernel.
    pub(crate) fn new(samples: usize, kernel: &Panels<A>) -> Self {
        Workspace {
            z: vec![A::zero(); samples * kernel.len()],
            taken: 0,
            ahead: 0,
            projected: 0,
            offsets: Vec::with_capacity(samples),
            spare: vec![A::zero(); samples * kernel.rows()],
            next: Array2::zeros((samples, kernel.units())),
            update: Vec::new(),
            reset: Vec::new(),
        }
    }

    /// The same, for a GRU without `reset_after`.
    pub(crate) fn in_two_halves(mut self) -> Self {
        self.update = vec![A::zero(); self.next.len()];
        self.reset = vec![A::zero(); self.next.len()];
        self
    }

    /// Whether the inputs of the next step are projected already.
    pub(crate) fn is_ahead(&self) -> bool {
        self.ahead > 0
    }

    /// Projects the inputs of these steps, (sample, timestep) in the order in which they will be taken.
    pub(crate) fn project(
        &mut self,
        kernel: &Panels<A>,
        bias: Option<&Panels<A>>,
        x: &ArrayView3<A>,
        steps: impl Iterator<Item = (usize, usize)>,
    ) {
        let (samples, timesteps, features) = x.dim();
        assert_eq!(features, kernel.rows());
        let [of_sample, of_step, of_feature]: [isize; 3] = x.strides().try_into().unwrap_or([0; 3]);
        let contiguous = of_feature == 1 || features <= 1;
        self.offsets.clear();
        for (sample, t) in steps {
            assert!(sample < samples && t < timesteps);
            if contiguous {
                self.offsets
                    .push(signed(sample) * of_sample + signed(t) * of_step);
            } else {
                let at = self.offsets.len() * features;
                self.spare
                    .resize(self.spare.len().max(at + features), A::zero());
                for (feature, to) in self.spare[at..at + features].iter_mut().enumerate() {
                    *to = x[[sample, t, feature]];
                }
                self.offsets.push(signed(at));
            }
        }
        let base = if contiguous {
            x.as_ptr()
        } else {
            self.spare.as_ptr()
        };
        let len = self.offsets.len() * kernel.len();
        if self.z.len() < len {
            self.z.resize(len, A::zero());
        }
        // SAFETY: each offset is the start of a row of `features` numbers: of the view, by its own strides, or of `spare`.
        let inputs = unsafe { Inputs::new(base, &self.offsets) };
        kernel.project(bias, &inputs, &mut self.z);
        (self.taken, self.ahead, self.projected) = (0, self.offsets.len(), len);
    }

    /// What was projected, one row for each step.
    pub(crate) fn projected(&mut self) -> &mut [A] {
        &mut self.z[..self.projected]
    }

    /// One step of a `SimpleRnn`: `h' = a(z + h R)`.
    pub(crate) fn simple_rnn(
        &mut self,
        panels: &Panels<A>,
        rows: &Rows,
        h: &mut Array2<A>,
        of: Chosen,
    ) {
        let step = self.step(panels, panels.len(), rows, h);
        if of.are_defaults() {
            panels.isa().run(SimpleRnnStep {
                step,
                functions: Defaults,
            });
        } else {
            panels.isa().run(SimpleRnnStep {
                step,
                functions: of,
            });
        }
        self.finish(rows, h);
    }

    /// One step of an `Lstm`.
    pub(crate) fn lstm(
        &mut self,
        panels: &Panels<A>,
        rows: &Rows,
        h: &mut Array2<A>,
        c: &mut Array2<A>,
        of: Chosen,
    ) {
        assert_eq!(c.dim(), h.dim());
        assert!(c.is_standard_layout());
        let c = c.as_mut_ptr();
        let step = self.step(panels, panels.len(), rows, h);
        if of.are_defaults() {
            panels.isa().run(LstmStep {
                step,
                c,
                functions: Defaults,
            });
        } else {
            panels.isa().run(LstmStep {
                step,
                c,
                functions: of,
            });
        }
        self.finish(rows, h);
    }

    /// One step of a `Gru` with `reset_after`.
    pub(crate) fn gru(
        &mut self,
        panels: &Panels<A>,
        inner: Option<&Panels<A>>,
        rows: &Rows,
        h: &mut Array2<A>,
        of: Chosen,
    ) {
        let step = self.step(panels, panels.len(), rows, h);
        if of.are_defaults() {
            panels.isa().run(GruStep {
                step,
                inner,
                functions: Defaults,
            });
        } else {
            panels.isa().run(GruStep {
                step,
                inner,
                functions: of,
            });
        }
        self.finish(rows, h);
    }

    /// One step of a `Gru` without `reset_after`: the gates of all units, then the candidates, which need all of r * h.
    pub(crate) fn gru_in_two_halves(
        &mut self,
        (gates, candidate): (&Panels<A>, &Panels<A>),
        z_len: usize,
        rows: &Rows,
        h: &mut Array2<A>,
        of: Chosen,
    ) {
        let (units, count) = (gates.units(), rows.active().len());
        assert!(self.update.len() >= count * units && self.reset.len() >= count * units);
        let (update, reset) = (self.update.as_mut_ptr(), self.reset.as_mut_ptr());
        let step = Step {
            next: reset,
            ..self.step(gates, z_len, rows, h)
        };
        if of.are_defaults() {
            gates.isa().run(GruGates {
                step,
                update,
                functions: Defaults,
            });
        } else {
            gates.isa().run(GruGates {
                step,
                update,
                functions: of,
            });
        }
        self.offsets.clear();
        self.offsets.extend((0..count).map(|i| signed(i * units)));
        let offsets = mem::take(&mut self.offsets);
        // SAFETY: `reset` has `count` rows of `units` numbers, just written.
        let inputs = unsafe { Inputs::new(reset, &offsets) };
        let step = self.step(candidate, z_len, rows, h);
        if of.are_defaults() {
            candidate.isa().run(GruCandidate {
                step,
                reset: inputs,
                update,
                functions: Defaults,
            });
        } else {
            candidate.isa().run(GruCandidate {
                step,
                reset: inputs,
                update,
                functions: of,
            });
        }
        self.offsets = offsets;
        self.finish(rows, h);
    }

    /// Checks what [`Step`] promises.
    fn step<'a>(
        &'a mut self,
        panels: &'a Panels<A>,
        z_len: usize,
        rows: &'a Rows,
        h: &Array2<A>,
    ) -> Step<'a, A> {
        let count = rows.active().len();
        assert_eq!(h.dim(), (rows.samples(), panels.units()));
        assert_eq!(self.next.dim(), h.dim());
        assert!(h.is_standard_layout() && panels.rows() == panels.units());
        assert!(self.taken + count <= self.ahead && self.ahead * z_len <= self.z.len());
        Step {
            panels,
            z: self.z[self.taken * z_len..].as_ptr(),
            z_len,
            rows: rows.active(),
            h: h.as_ptr(),
            next: self.next.as_mut_ptr(),
        }
    }

    /// The new state becomes the state; those who took no step keep theirs.
    fn finish(&mut self, rows: &Rows, h: &mut Array2<A>) {
        if rows.all_active() {
            mem::swap(h, &mut self.next);
        } else {
            for &row in rows.active() {
                h.row_mut(row).assign(&self.next.row(row));
            }
        }
        self.taken += rows.active().len();
        if self.taken == self.ahead {
            (self.taken, self.ahead) = (0, 0);
        }
    }
}
