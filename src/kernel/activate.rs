//! Activations over vectors: the common ones in registers, the others one number at a time.

use super::math::{sigmoid, tanh};
use super::vector::Vector;
use crate::{Activation, Element};

/// The two functions of a cell.
pub(crate) trait Functions: Copy {
    /// The recurrent activation.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`.
    unsafe fn gate<V: Vector>(self, x: V) -> V;
    /// The activation.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`.
    unsafe fn act<V: Vector>(self, x: V) -> V;
}

/// Keras' defaults, known when the kernel is compiled.
#[derive(Clone, Copy)]
pub(crate) struct Defaults;

impl Functions for Defaults {
    #[inline(always)]
    unsafe fn gate<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { sigmoid(x) }
    }
    #[inline(always)]
    unsafe fn act<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { tanh(x) }
    }
}

/// Any others.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    pub gate: Activation,
    pub act: Activation,
}

impl Chosen {
    pub fn are_defaults(self) -> bool {
        (self.gate, self.act) == (Activation::Sigmoid, Activation::Tanh)
    }
}

impl Functions for Chosen {
    #[inline(always)]
    unsafe fn gate<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { apply(self.gate, x) }
    }
    #[inline(always)]
    unsafe fn act<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { apply(self.act, x) }
    }
}

#[inline(always)]
unsafe fn apply<V: Vector>(activation: Activation, x: V) -> V {
    let of = |x: f64| V::Elem::from_f64(x);
    // SAFETY: the caller's promise.
    unsafe {
        match activation {
            Activation::Tanh => tanh(x),
            Activation::Sigmoid => sigmoid(x),
            Activation::Linear => x,
            Activation::HardSigmoid { alpha, beta } => {
                let y = x.mul(V::splat(of(alpha))).add(V::splat(of(beta)));
                V::splat(of(1.0)).min(V::splat(of(0.0)).max(y))
            }
            Activation::Relu => V::splat(of(0.0)).max(x),
            other => x.map(|x| other.elementwise(x)),
        }
    }
}
