//! The backward pass of the cells: the loop back over time, which knows masks and directions and no equations.
//!
//! The forward pass keeps the state before every step, and the gates of the cells that can say how. The backward pass takes a
//! block of steps at a time, from the last to the first. It computes the gates of the whole block again if they were not
//! kept, goes back over its steps, and adds the products of the block to the gradients of the weights. So a block can have
//! any length: every sum runs backwards in time, and over ascending samples within a timestep.
//!
//! ```text
//! for t in reverse order:
//!     u = gradient of the output at t, + what is held
//!     a real sample:    held = 0, dh += u, then dz, dx[t], dh and dc of the step before
//!     a masked sample:  held = u, or 0 with zero_output_for_mask; dx[t] = 0; dh and dc stay
//! ```
//! A masked input is never read. So NaN in padding does not reach any gradient.

mod block;
mod equations;
mod gru;
mod lstm;
mod record;
mod simple_rnn;
mod tape;
mod unroll;

use super::step_back::{self, BackByStep};
use crate::Element;
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use equations::Back;
use ndarray::{Array3, ArrayD};
use record::record;
use tape::CellTape;
use unroll::unroll_back;

/// Implements `Backward` for a built-in cell.
macro_rules! backward_of_cell {
    ($($cell:ident, $state:ident);*) => {$(
        impl<A: Element> Backward<A, crate::$state<A>> for crate::$cell<A> {
            fn record(
                &self,
                pass: Pass<A>,
                how: &mut Recorder,
                state: &mut crate::$state<A>,
                tape: &mut Tape,
            ) -> Result<Outputs<A>> {
                if self.goes_by_step() {
                    return step_back::record(self, &pass, how.zero_last, state, tape);
                }
                record(self, pass, how, state, tape.renew())
            }

            fn backward(
                &self,
                pass: Pass<A>,
                zero_last: bool,
                tape: &Tape,
                outputs: OutputGradients<A>,
                state: &mut crate::$state<A>,
                weights: LayerGradients<A>,
            ) -> Result<Array3<A>> {
                if self.goes_by_step() {
                    return step_back::unroll_back(
                        self, &pass, zero_last, tape, outputs, state, weights,
                    );
                }
                unroll_back(self, pass, zero_last, tape.get()?, outputs, state, weights)
            }

            fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
                if let Ok(tape) = tape.get::<CellTape<A>>() {
                    tape.masks.each(path, each);
                }
            }

            fn has_backward(&self) -> bool {
                Back::can_go_back(self) || self.goes_by_step()
            }

            fn add_initial_state(&self, d: &crate::$state<A>, weights: LayerGradients<A>) {
                Back::of_initial_state(self, d, weights);
            }
        }
    )*};
}
backward_of_cell!(SimpleRnn, HiddenState; Lstm, LstmState; Gru, HiddenState);
