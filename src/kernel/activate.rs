//! Activations over vectors: the common ones in registers, the others one number at a time.

use super::isa::Op;
use super::math::{sigmoid, tanh};
use super::vector::{Vector, Work};
use crate::{Activation, Element};

/// The functions of a cell.
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
    /// What the memory of an LSTM goes through on its way out.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`.
    unsafe fn out<V: Vector>(self, x: V) -> V;
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
    #[inline(always)]
    unsafe fn out<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { tanh(x) }
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
    pub are_defaults: bool,
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

    /// # Safety
    /// The machine has the instruction set of `V`.
    #[inline(always)]
    unsafe fn clipped<V: Vector>(&self, x: V) -> V {
        let Some(clip) = self.clip else { return x };
        let most = V::Elem::from_f64(clip);
        // SAFETY: the caller's promise.
        unsafe { V::splat(most).min(V::splat(-most).max(x)) }
    }
}

impl Functions for &Chosen {
    #[inline(always)]
    unsafe fn gate<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { Apply::to(self.clipped(x), self.gate) }
    }
    #[inline(always)]
    unsafe fn act<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { Apply::to(self.clipped(x), self.act) }
    }
    #[inline(always)]
    unsafe fn out<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { Apply::to(x, self.out) }
    }
}

/// An activation as a call, so that not every kernel holds a copy of all of them. `x` is a vector.
struct Apply<A> {
    activation: Activation,
    x: *mut A,
}

impl<A: Element> Apply<A> {
    /// # Safety
    /// The machine has the instruction set of `V`.
    #[inline(always)]
    unsafe fn to<V: Vector<Elem = A>>(x: V, activation: Activation) -> V {
        let mut lanes = [A::zero(); 16];
        let lane = lanes.as_mut_ptr();
        // SAFETY: the caller's promise; the array has room for any vector.
        unsafe {
            x.store(lane);
            V::call(Apply {
                activation,
                x: lane,
            });
            V::load(lane)
        }
    }
}

impl<A: Element> Work<A> for Apply<A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        // SAFETY: the caller's promise; `x` is a vector.
        unsafe { apply(self.activation, V::load(self.x)).store(self.x) }
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

/// An activation of many numbers, in place.
pub(crate) struct Map<'a, A> {
    pub values: &'a mut [A],
    pub activation: Activation,
}

impl<A: Element> Op<A> for Map<'_, A> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        let (values, activation) = (&mut *self.values, self.activation);
        // SAFETY: the caller's promise.
        unsafe { V::enter(Map { values, activation }) }
    }
}

impl<A: Element> Work<A> for Map<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        for chunk in self.values.chunks_mut(V::LANES) {
            // SAFETY: the caller's promise; the chunk has as many numbers as are loaded and stored.
            unsafe {
                let x = V::load_first(chunk.as_ptr(), chunk.len());
                apply(self.activation, x).store_first(chunk.as_mut_ptr(), chunk.len());
            }
        }
    }
}
