//! `Functions`: the activations of a cell, known when its kernel is compiled or looked up in every step.

use super::activations::apply;
use crate::activation::Activation;
use crate::kernel::vectors::math::{sigmoid, tanh};
use crate::kernel::vectors::{MAX_LANES, Number, Vector, Work};
use num_traits::zero;

/// The functions of a cell.
pub trait Functions: Copy {
    /// The recurrent activation.
    fn gate<V: Vector>(self, x: V) -> V;
    /// The activation.
    fn act<V: Vector>(self, x: V) -> V;
    /// The activation of an LSTM's memory on its way out.
    fn out<V: Vector>(self, x: V) -> V;
}

/// Keras' defaults, known when the kernel is compiled.
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

/// Those of a layer.
#[derive(Clone, Copy)]
pub struct Chosen {
    pub gate: Activation,
    pub act: Activation,
    pub out: Activation,
    /// What goes into the first two is held between minus this and this.
    pub clip: Option<f64>,
    /// Whether they are [`Defaults`]: found once and not in every step.
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

/// An activation as a call, so that not every kernel holds a copy of all of them.
#[inline(always)]
fn call<V: Vector>(activation: Activation, x: V) -> V {
    let mut lanes = [zero(); MAX_LANES];
    // SAFETY: `x` is the proof that the machine has the instruction set; the array has room for any vector.
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
        // SAFETY: the caller knows that the machine has the instruction set; the array has room for any vector.
        unsafe {
            let x = V::load(self.lanes.as_ptr());
            apply(self.activation, x).store(self.lanes.as_mut_ptr());
        }
    }
}
