//! Layers of several inputs backwards, number by number. An input that was repeated along an axis gets the sum.
//!
//! Where inputs tie for a maximum or a minimum, the first of them gets the gradient, as in TensorFlow.

use crate::error::Result;
use crate::model::BackwardCall;
use crate::nn::merge::{places, repeated};
use crate::{Element, Merge};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD};

/// A number of every input, and whether its timestep is real: `None` without a mask, or where masks are not read.
type Numbers<A> = [(A, Option<bool>)];

impl Merge {
    /// Adds what reaches each of the numbers that were combined.
    fn share<A: Element>(self, numbers: &Numbers<A>, d: A, mut add: impl FnMut(usize, A)) {
        match self {
            Merge::Add => (0..numbers.len()).for_each(|n| add(n, d)),
            Merge::Subtract => [d, -d].into_iter().enumerate().for_each(|(n, d)| add(n, d)),
            Merge::Average => {
                let count = A::from_f64(numbers.len() as f64);
                (0..numbers.len()).for_each(|n| add(n, d / count));
            }
            Merge::Multiply => {
                // A masked number counts as 1; where all are masked, the result is 0.
                let factor =
                    |&(x, real): &(A, Option<bool>)| if real == Some(false) { A::one() } else { x };
                for n in (0..numbers.len()).filter(|&n| numbers[n].1 != Some(false)) {
                    let others = numbers.iter().enumerate().filter(|(other, _)| *other != n);
                    add(n, others.fold(d, |product, (_, x)| product * factor(x)));
                }
            }
            Merge::Maximum | Merge::Minimum => {
                let chosen = self.chosen(numbers);
                add(chosen, d);
            }
        }
    }

    /// Which of the numbers is the maximum or the minimum.
    fn chosen<A: Element>(self, numbers: &Numbers<A>) -> usize {
        let (mut chosen, (mut y, mut real)) = (0, numbers[0]);
        for (n, &(x, x_real)) in numbers.iter().enumerate().skip(1) {
            let is_better = match self {
                Merge::Maximum => x > y || x.is_nan(),
                _ => x < y || x.is_nan(),
            };
            let only_x = real == Some(false) && x_real != Some(false);
            if x_real != Some(false) && (only_x || is_better) {
                (chosen, y) = (n, x);
            }
            real = real.zip(x_real).map(|(a, b)| a | b);
        }
        chosen
    }

    pub(in crate::nn) fn back_over<A: Element>(
        self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(Some(d)) = call.upstream.first() else {
            return Ok(vec![None; call.inputs.len()]);
        };
        let shape = d.shape();
        let alike = call
            .inputs
            .iter()
            .all(|input| input.values.ndim() == shape.len());
        let reads_masks = self.reads_masks() && alike && shape.len() == 3;
        let mut from = Vec::new();
        for input in call.inputs {
            let mut axes = input.values.shape().to_vec();
            // Axes are added after the samples.
            let missing = shape.len() - axes.len();
            axes.splice(1..1, core::iter::repeat_n(1, missing));
            let mask = input.mask.as_ref().filter(|_| reads_masks);
            let mask = mask
                .map(|mask| repeated(mask, [shape[0], shape[1]]))
                .transpose()?;
            from.push(Operand::new(&input.values, places(&axes, shape), mask));
        }
        let row = shape.iter().skip(2).product::<usize>().max(1);
        let timesteps = shape.get(1).copied().unwrap_or(1).max(1);
        back(
            from,
            d,
            |numbers, d, add| self.share(numbers, d, add),
            |at| [at / row / timesteps, at / row % timesteps],
        )
    }
}

/// An input: its numbers, which of them went into each of the output, and its mask if that is read.
pub struct Operand<A> {
    numbers: Vec<A>,
    gradients: Vec<A>,
    shape: Vec<usize>,
    places: Vec<usize>,
    mask: Option<Array2<bool>>,
}

impl<A: Element> Operand<A> {
    pub fn new(values: &ArrayD<A>, places: Vec<usize>, mask: Option<Array2<bool>>) -> Self {
        Operand {
            numbers: values.iter().copied().collect(),
            gradients: vec![A::zero(); values.len()],
            shape: values.shape().to_vec(),
            places,
            mask,
        }
    }
}

/// Goes back over the numbers of an output, the last first. `share` says what reaches each number that was combined;
/// `step` is the sample and the timestep of a number. Where no gradient is, nothing is read.
pub fn back<A: Element>(
    mut operands: Vec<Operand<A>>,
    d: &ArrayD<A>,
    share: impl Fn(&Numbers<A>, A, &mut dyn FnMut(usize, A)),
    step: impl Fn(usize) -> [usize; 2],
) -> Result<Vec<Option<ArrayD<A>>>> {
    let d: Vec<A> = d.iter().copied().collect();
    let mut numbers = Vec::with_capacity(operands.len());
    for (at, &d) in d.iter().enumerate().rev().filter(|(_, d)| **d != A::zero()) {
        numbers.clear();
        numbers.extend(operands.iter().map(|of| {
            let real = of.mask.as_ref().map(|mask| mask[step(at)]);
            (of.numbers[of.places[at]], real)
        }));
        share(&numbers, d, &mut |n, d| {
            let of = &mut operands[n];
            of.gradients[of.places[at]] += d;
        });
    }
    let arrays = operands.into_iter().map(|of| {
        let array = ArrayD::from_shape_vec(of.shape, of.gradients)?;
        Ok(Some(array))
    });
    arrays.collect()
}
