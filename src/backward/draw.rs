//! `Draw`: random numbers that depend on nothing but their place.

use crate::Element;
use ndarray::{Array, IntoDimension, RemoveAxis};

/// The random numbers of a call in a training: a function of the seed, the step and the place of the layer. So neither
/// threads nor the order of the calls change them.
#[derive(Clone, Copy, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The numbers of one step of a training.
    pub(crate) fn new(seed: u64, step: u64) -> Self {
        Draw(mix(seed)).at(step)
    }

    /// Those of a place in it.
    pub(crate) fn at(self, place: u64) -> Self {
        Draw(mix(self.0 ^ mix(place.wrapping_add(GOLDEN))))
    }

    /// Those of the place of this name.
    pub(crate) fn inside(self, name: &str) -> Self {
        name.bytes()
            .fold(self.at(u64::MAX), |draw, byte| draw.at(byte.into()))
    }

    /// The number at a place, in [0, 1).
    pub(crate) fn uniform(self, place: u64) -> f64 {
        // The upper 53 bits: as many as an `f64` has.
        (self.at(place).0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The standard normal number at a place, by the method of Box & Muller (1958).
    pub(crate) fn normal(self, place: u64) -> f64 {
        let both = self.at(place);
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - both.uniform(0)));
        radius * libm::cos(core::f64::consts::TAU * both.uniform(1))
    }

    /// A mask of 0 with probability `rate`, and 1 / (1 - rate) otherwise. Each sample, along axis 0, has its own numbers,
    /// whatever the others are.
    pub(crate) fn mask<A: Element, D: RemoveAxis>(
        self,
        rate: f64,
        dim: impl IntoDimension<Dim = D>,
    ) -> Array<A, D> {
        let kept = A::from_f64(1.0 / (1.0 - rate));
        let mut mask = Array::zeros(dim.into_dimension());
        for (sample, mut of_sample) in (0..).zip(mask.outer_iter_mut()) {
            let draw = self.at(sample);
            for (place, number) in (0..).zip(&mut of_sample) {
                if draw.uniform(place) >= rate {
                    *number = kept;
                }
            }
        }
        mask
    }
}

/// 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
