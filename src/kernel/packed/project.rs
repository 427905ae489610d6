//! `Project`: the product of many rows and a packed matrix.

use super::inputs::Inputs;
use super::panels::Panels;
use super::product::{Grid, Product, product};
use super::sizes::MOST_ROWS;
use super::tile::{Tile, each_tile};
use crate::kernel::vectors::{Isa, Lanes, Number, Op, Vector};
use crate::threads::join;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::{ptr, slice};

/// `z = bias + x · matrix` for every input. Only [`Panels::project`] makes it; it checks that the parts fit together.
pub struct Project<'a, A> {
    panels: &'a Panels<A>,
    bias: Option<&'a Panels<A>>,
    inputs: &'a Inputs<'a, A>,
    z: &'a mut [MaybeUninit<A>],
    /// Where the runs of an input start after the first one, and the numbers of a run.
    further_runs: &'a [isize],
    depth: usize,
}

/// A number type whose products are compiled once with this crate, and not again in every crate that uses a layer.
pub trait Products: Lanes {
    #[doc(hidden)]
    fn project(work: Project<Self>, isa: Isa);
}

impl Products for f32 {
    fn project(mut work: Project<Self>, isa: Isa) {
        isa.run(&mut work);
    }
}

impl Products for f64 {
    fn project(mut work: Project<Self>, isa: Isa) {
        isa.run(&mut work);
    }
}

impl<A: Products> Panels<A> {
    /// Computes `z[i] = bias + inputs[i] · matrix`, with the rows in ascending order. Each output is one chain, so its bits
    /// do not depend on other inputs. `z` has `len()` numbers for each input.
    pub fn project(&self, bias: Option<&Self>, inputs: Inputs<A>, z: &mut [A], threads: usize) {
        // SAFETY: it is the same memory, and only numbers are written to it.
        let z = unsafe { slice::from_raw_parts_mut(z.as_mut_ptr().cast(), z.len()) };
        self.project_into(bias, inputs, z, threads);
    }

    /// [`project`](Self::project), into memory that need not have numbers yet. Afterwards it has them.
    fn project_into(
        &self,
        bias: Option<&Self>,
        inputs: Inputs<A>,
        z: &mut [MaybeUninit<A>],
        threads: usize,
    ) {
        assert!(inputs.len() * self.len() <= z.len());
        assert!(bias.is_none_or(|bias| bias.rows() == 1 && bias.has_layout_of(self)));
        if threads > 1 && inputs.len() > 1 {
            let (before, after) = (threads / 2, threads - threads / 2);
            let middle = inputs.len() * before / threads;
            let (first, second) = inputs.split(middle);
            let (first_z, second_z) = z.split_at_mut(first.len() * self.len());
            join(
                || self.project_into(bias, first, first_z, before),
                || self.project_into(bias, second, second_z, after),
            );
            return;
        }
        let work = Project {
            panels: self,
            bias,
            inputs: &inputs,
            z,
            further_runs: inputs.runs.get(1..).unwrap_or_default(),
            depth: self.rows() / inputs.runs.len().max(1),
        };
        A::project(work, self.isa());
    }

    /// Appends what [`project_windows`](Self::project_windows) computes to `y`, if no window has padding at the end of its sums.
    /// Returns whether it did.
    pub fn append_windows(
        &self,
        bias: Option<&Self>,
        x: &[A],
        (starts, runs): (&[isize], &[isize]),
        y: &mut Vec<A>,
    ) -> bool {
        if self.len() != self.units() {
            return false;
        }
        let count = starts.len() * self.len();
        y.reserve(count);
        let inputs = self.windows(x, starts, runs);
        self.project_into(bias, inputs, &mut y.spare_capacity_mut()[..count], 1);
        // SAFETY: `reserve` made the room, and the product wrote every sum of every window.
        unsafe { y.set_len(y.len() + count) };
        true
    }

    fn windows<'a>(&self, x: &'a [A], starts: &'a [isize], runs: &'a [isize]) -> Inputs<'a, A> {
        assert!(self.rows().is_multiple_of(runs.len()));
        Inputs::of_windows(x, starts, runs, self.rows() / runs.len())
    }

    /// Computes `z[i] = bias + window[i] · matrix` for windows over `x`: the one of start `s` consists of a run of adjacent
    /// numbers from `s + r` on for each `r` of `runs`, all of the same length.
    pub fn project_windows(
        &self,
        bias: Option<&Self>,
        x: &[A],
        (starts, runs): (&[isize], &[isize]),
        z: &mut [A],
    ) {
        self.project(bias, self.windows(x, starts, runs), z, 1);
    }

    /// Computes `z = bias + x · matrix`. `z` is resized to the length of the panels, which allocates only if it has never
    /// been that long.
    pub fn project_row(&self, bias: Option<&Self>, x: &[A], z: &mut Vec<A>) {
        assert_eq!(x.len(), self.rows());
        z.clear();
        z.resize(self.len(), A::zero());
        // SAFETY: the input is `x`, which has `rows` adjacent numbers and is borrowed for the call.
        let input = unsafe { Inputs::new(x.as_ptr(), &[0], 1) };
        self.project(bias, input, z, 1);
    }
}

impl<A: Number> Op<A> for Project<'_, A> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        let z = self.z.as_mut_ptr().cast();
        each_tile::<V>(self.inputs.len(), self.panels, |at| {
            // SAFETY: the caller guarantees the instruction set, and so that of the half; `each_tile` makes the tiles of
            // this product, and `z` has room for all of it.
            unsafe {
                if at.half {
                    self.tile::<V::Half>(at, z);
                } else {
                    self.tile::<V>(at, z);
                }
            }
        });
    }
}

impl<A: Number> Project<'_, A> {
    /// Computes one tile.
    ///
    /// # Safety
    /// The machine must have the instruction set of `V`. `at` must be a tile that [`each_tile`] makes for this product, and
    /// `z` must be valid for writes of the whole product.
    unsafe fn tile<V: Vector<Elem = A>>(&self, at: &Tile, z: *mut A) {
        let (panels, inputs, len) = (self.panels, self.inputs, self.panels.len());
        let mut x = [ptr::null(); MOST_ROWS];
        for (r, x) in x.iter_mut().enumerate().take(at.rows) {
            *x = inputs.base.wrapping_offset(inputs.offsets[at.row + r]);
        }
        // SAFETY: the caller guarantees the instruction set. `Panels::project` checked that `z` has room for all rows, and
        // that the bias has the layout of the panels. Each input has as many numbers as the panels have rows.
        unsafe {
            let work = Product {
                from: bias(self.bias, at),
                third: None,
                x,
                further: self.further_runs,
                stride: inputs.stride,
                weights: panels.panel(at.panel),
                apart: at.apart * panels.panel_len(),
                depth: self.depth,
                to: Grid {
                    first: z.add(at.row * len + at.panel * panels.width()),
                    row: len,
                    panel: at.apart * panels.width(),
                },
            };
            match panels.vectors() {
                1 => product::<V, 1>(at, &work),
                2 => product::<V, 2>(at, &work),
                3 => product::<V, 3>(at, &work),
                _ => product::<V, 4>(at, &work),
            }
        }
    }
}

/// The start of the sums: the bias for every row, or zero.
#[inline(always)]
pub fn bias<A>(bias: Option<&Panels<A>>, at: &Tile) -> Grid<*const A> {
    Grid {
        first: bias.map_or(ptr::null(), |bias| bias.panel(at.panel)),
        row: 0,
        panel: bias.map_or(0, |bias| at.apart * bias.panel_len()),
    }
}
