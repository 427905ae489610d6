//! Which instruction set the kernels run on: found once, when weights are packed.

use super::activate::{Chosen, Defaults, Map};
use super::cells::{GruCandidate, GruGates, GruStep, Halves};
use super::cells::{LstmStep, LstmVariantStep, SimpleRnnStep, Variant};
use super::math::Constants;
use super::panels::Panels;
use super::steps::Step;
use super::tile::{Project, breadth};
use super::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86::{F32x8, F32x16, F64x4, F64x8};
use crate::Activation;

/// An instruction set that this machine has: having the value is the proof. Hidden: it is there for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The best one that this machine has. Without `std` only what the program was compiled for is known.
    pub fn detect() -> Self {
        Self::all().last().unwrap_or(Isa(Set::Portable))
    }

    /// All that this machine has, the slowest first.
    pub fn all() -> impl Iterator<Item = Isa> {
        #[cfg(all(target_arch = "x86_64", feature = "std"))]
        let (avx2, avx512) = (
            std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
            std::is_x86_feature_detected!("avx512f"),
        );
        #[cfg(all(target_arch = "x86_64", not(feature = "std")))]
        let (avx2, avx512) = (
            cfg!(all(target_feature = "avx2", target_feature = "fma")),
            cfg!(target_feature = "avx512f"),
        );
        #[cfg(target_arch = "x86_64")]
        let found = [
            Some(Set::Portable),
            avx2.then_some(Set::Avx2),
            (avx2 && avx512).then_some(Set::Avx512),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let found = [Some(Set::Portable)];
        found.into_iter().flatten().map(Isa)
    }

    /// Whether a multiply-add is rounded once: those that do so compute the same bits.
    pub fn is_fused(self) -> bool {
        self.0 != Set::Portable || super::vector::FUSED
    }

    /// How many numbers a vector of this set has.
    pub(crate) fn lanes<A: Lanes>(self) -> usize {
        match self.0 {
            Set::Portable => A::Portable::LANES,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => A::Avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => A::Avx512::LANES,
        }
    }

    /// How many numbers half of a vector has, and all of one that has no half.
    pub(crate) fn half_lanes<A: Lanes>(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => <A::Avx512 as Vector>::Half::LANES,
            _ => self.lanes::<A>(),
        }
    }

    /// The set for a layer of so many units: narrower vectors where these have room for all of them. They compute the same
    /// bits, sooner.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))] // one set has no narrower ones
    pub(crate) fn for_units<A: Lanes>(self, units: usize) -> Isa {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 if units <= A::Avx2::LANES => Isa(Set::Avx2),
            set => Isa(set),
        }
    }

    /// How many panels a tile of one row has, of so many panels with so many vectors and rows.
    pub(crate) fn breadth<A: Lanes>(self, vectors: usize, panels: usize, rows: usize) -> usize {
        match self.0 {
            Set::Portable => breadth::<A::Portable>(vectors, panels, rows),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => breadth::<A::Avx2>(vectors, panels, rows),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => breadth::<A::Avx512>(vectors, panels, rows),
        }
    }

    /// Runs `op` with the vectors of this set.
    #[inline]
    pub(crate) fn run<A: Lanes>(self, op: &mut impl Op<A>) {
        // SAFETY: the value is the proof that the machine has the set.
        unsafe {
            match self.0 {
                Set::Portable => op.eval::<A::Portable>(),
                #[cfg(target_arch = "x86_64")]
                Set::Avx2 => op.eval::<A::Avx2>(),
                #[cfg(target_arch = "x86_64")]
                Set::Avx512 => op.eval::<A::Avx512>(),
            }
        }
    }
}

/// Work that is written once, over any vector.
pub(crate) trait Op<A> {
    /// # Safety
    /// The machine must have the instruction set of `V`.
    unsafe fn eval<V: Vector<Elem = A>>(&mut self);
}

/// A number type: its vectors in each instruction set, and the kernels over them.
///
/// The kernels are methods of the two number types, so that they are compiled once, with this crate, and not again in
/// every crate that uses a layer.
pub trait Lanes: Constants {
    #[doc(hidden)]
    type Portable: Vector<Elem = Self>;
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    type Avx2: Vector<Elem = Self>;
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    type Avx512: Vector<Elem = Self>;

    #[doc(hidden)]
    fn activate(values: &mut [Self], activation: Activation, isa: Isa);
    #[doc(hidden)]
    fn project(work: Project<Self>, isa: Isa);
    #[doc(hidden)]
    fn simple_rnn(step: &Step<Self>, of: &Chosen);
    #[doc(hidden)]
    fn lstm(step: &Step<Self>, c: *mut Self, of: &Chosen);
    #[doc(hidden)]
    fn lstm_variant(step: &Step<Self>, c: *mut Self, variant: Variant<Self>, of: &Chosen);
    #[doc(hidden)]
    fn gru(step: &Step<Self>, inner: Option<&Panels<Self>>, of: &Chosen);
    #[doc(hidden)]
    fn gru_gates(step: &Step<Self>, halves: Halves<Self>, of: &Chosen);
    #[doc(hidden)]
    fn gru_candidate(step: &Step<Self>, halves: Halves<Self>, of: &Chosen);
}

/// Runs a step with the functions known when it was compiled, if they are Keras' defaults, or with any others.
macro_rules! with_functions {
    ($step:ident, $of:ident, $op:ident { $($field:ident),* }) => {
        if $of.are_defaults {
            let functions = Defaults;
            $step.panels.isa().run(&mut $op { $($field,)* functions });
        } else {
            let functions = $of;
            $step.panels.isa().run(&mut $op { $($field,)* functions });
        }
    };
}

macro_rules! lanes {
    ($elem:ty, $portable:ty, $avx2:ty, $avx512:ty) => {
        impl Lanes for $elem {
            type Portable = $portable;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = $avx2;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = $avx512;

            fn activate(values: &mut [Self], activation: Activation, isa: Isa) {
                isa.run(&mut Map { values, activation });
            }
            fn project(mut work: Project<Self>, isa: Isa) {
                isa.run(&mut work);
            }
            fn simple_rnn(step: &Step<Self>, of: &Chosen) {
                with_functions!(step, of, SimpleRnnStep { step });
            }
            fn lstm(step: &Step<Self>, c: *mut Self, of: &Chosen) {
                with_functions!(step, of, LstmStep { step, c });
            }
            fn lstm_variant(step: &Step<Self>, c: *mut Self, variant: Variant<Self>, of: &Chosen) {
                let functions = of;
                step.panels.isa().run(&mut LstmVariantStep {
                    step,
                    c,
                    variant,
                    functions,
                });
            }
            fn gru(step: &Step<Self>, inner: Option<&Panels<Self>>, of: &Chosen) {
                with_functions!(step, of, GruStep { step, inner });
            }
            fn gru_gates(step: &Step<Self>, halves: Halves<Self>, of: &Chosen) {
                with_functions!(step, of, GruGates { step, halves });
            }
            fn gru_candidate(step: &Step<Self>, halves: Halves<Self>, of: &Chosen) {
                with_functions!(step, of, GruCandidate { step, halves });
            }
        }
    };
}
lanes!(f32, Portable<f32, 4>, F32x8, F32x16);
lanes!(f64, Portable<f64, 2>, F64x4, F64x8);
