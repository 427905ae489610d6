//! `Functions`: the activations of a cell, which are known at compile time or looked up in every step.

use super::activations::apply;
use crate::activation::Activation;
use crate::kernel::vectors::math::{sigmoid, tanh};
use crate::kernel::vectors::{MAX_LANES, Number, Vector, Work};
use num_traits::zero;

/// The activations of a cell.
pub trait Functions: Copy {
    /// Applies the recurrent activation, which is that of the gates.
    fn gate<V: Vector>(self, x: V) -> V;
    /// Applies the activation: of the candidate, or of the sum in a simple RNN.
    fn act<V: Vector>(self, x: V) -> V;
    /// Applies the activation of an LSTM's cell state in the output.
    fn out<V: Vector>(self, x: V) -> V;
}

/// Keras' default activations, known at compile time.
#[derive(Clone, Copy)]
pub struct Defaults;

impl Functions for Defaults {
    #[inline(always)]
    fn gate<V: Vector>(self, x: V) -> V {
        sigmoid(x)
    }
    #[inline(always)]
    fn act<V: Vector>(self, x: V) -> V {
        tanh(x)
    }
    #[inline(always)]
    fn out<V: Vector>(self, x: V) -> V {
        tanh(x)
    }
}

/// The activations that a layer was built with.
#[derive(Clone, Copy)]
pub struct Chosen {
    pub gate: Activation,
    pub act: Activation,
    pub out: Activation,
    /// The bound of the arguments of `gate` and `act`: each is limited to [-clip, clip].
    pub clip: Option<f64>,
    /// Whether these are the [`Defaults`]. It is found once and not in every step.
    pub(super) are_defaults: bool,
}

impl Chosen {
    pub fn new(gate: Activation, act: Activation, out: Activation, clip: Option<f64>) -> Self {
        let tanh = Activation::Tanh;
        Chosen {
            gate,
            act,
            out,
            clip,
            are_defaults: (gate, act, out, clip) == (Activation::Sigmoid, tanh, tanh, None),
        }
    }

    /// Limits sums to [-clip, clip].
    pub fn clip<A: Number>(&self, sums: &mut [A]) {
        if let Some(clip) = self.clip {
            let most = A::nearest(clip);
            // A NaN stays.
            let clipped = |z: A| {
                if z > most {
                    most
                } else if z < -most {
                    -most
                } else {
                    z
                }
            };
            sums.iter_mut().for_each(|z| *z = clipped(*z));
        }
    }

    #[inline(always)]
    fn clipped<V: Vector>(&self, x: V) -> V {
        let Some(clip) = self.clip else { return x };
        let most = V::Elem::nearest(clip);
        x.fill(most).min(x.fill(-most).max(x))
    }
}

impl Functions for &Chosen {
    #[inline(always)]
    fn gate<V: Vector>(self, x: V) -> V {
        call(self.gate, self.clipped(x))
    }
    #[inline(always)]
    fn act<V: Vector>(self, x: V) -> V {
        call(self.act, self.clipped(x))
    }
    #[inline(always)]
    fn out<V: Vector>(self, x: V) -> V {
        call(self.out, x)
    }
}

/// Applies an activation in a function of its own, so that each kernel need not hold a copy of all activations.
#[inline(always)]
fn call<V: Vector>(activation: Activation, x: V) -> V {
    let mut lanes = [zero(); MAX_LANES];
    // SAFETY: the existence of `x` proves that the machine has the instruction set, and the buffer has room for a whole
    // vector.
    unsafe {
        x.store(lanes.as_mut_ptr());
        V::call(Call {
            activation,
            lanes: &mut lanes,
        });
        V::load(lanes.as_ptr())
    }
}

struct Call<'a, A> {
    activation: Activation,
    lanes: &'a mut [A; MAX_LANES],
}

impl<A: Number> Work<A> for Call<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        // SAFETY: the caller guarantees the instruction set, and the buffer has room for a whole vector.
        unsafe {
            let x = V::load(self.lanes.as_ptr());
            apply(self.activation, x).store(self.lanes.as_mut_ptr());
        }
    }
}
