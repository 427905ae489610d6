//! Single steps of a `Merge`.

use crate::error::{Error, Result};
use crate::model::{Inputs, StepShape, Value};
use crate::{Element, Merge};
use alloc::vec;
use alloc::vec::Vec;

/// Which number of each input goes into which of the output; none where all lie alike.
pub(super) struct Places(Option<Vec<Vec<usize>>>);

/// Of more numbers than these no places are kept.
const MOST: usize = 1 << 22;

impl Places {
    /// Of inputs of these shapes, if they have as many axes; where their lengths differ, of timesteps only.
    pub fn of(inputs: &[StepShape]) -> Option<Self> {
        let (first, rest) = inputs.split_first()?;
        if rest.iter().all(|input| input.axes == first.axes) {
            return Some(Places(None));
        }
        let axes = first.axes.len();
        let is_timestep = |input: &StepShape| input.is_timestep && input.axes.len() == axes;
        if !inputs.iter().all(is_timestep) {
            return None;
        }
        let longest = |axis: usize| inputs.iter().map(|input| input.axes[axis]).max();
        let shape: Vec<usize> = (0..axes).map(longest).collect::<Option<_>>()?;
        let count = shape
            .iter()
            .try_fold(1_usize, |count, &len| count.checked_mul(len));
        count.filter(|&count| count <= MOST)?;
        let places = inputs.iter().map(|input| places(&input.axes, &shape));
        Some(Places(Some(places.collect())))
    }

    /// The rules are those of a whole call: see [`Merge`].
    pub fn combine<A: Element>(
        &self,
        of: Merge,
        inputs: Inputs<A>,
        output: &mut Value<A>,
    ) -> Result<()> {
        let is_masked = of.reads_masks() && inputs.masks().any(|mask| mask.is_some());
        if is_masked && output.shape.axes.len() != 3 {
            return Err(Error::Rank {
                array: "input",
                expected: "3 (samples, timesteps, features), since it is masked",
                found: output.shape.axes.len(),
            });
        }
        let count = A::from_f64(inputs.iter().len() as f64);
        if inputs.masks().any(|mask| mask.is_none()) {
            output.set_mask(None);
        } else {
            let any = output.mask_mut();
            any.fill(false);
            for mask in inputs.masks().flatten() {
                any.iter_mut()
                    .zip(mask)
                    .for_each(|(any, &real)| *any |= real);
            }
        }
        if self.0.is_none() && !is_masked {
            let (first, y) = (inputs.first()?, &mut output.numbers);
            y.copy_from_slice(&first.numbers);
            for x in inputs.iter().skip(1) {
                y.iter_mut()
                    .zip(&x.numbers)
                    .for_each(|(y, &x)| *y = of.of(*y, x));
            }
            if of == Merge::Average {
                y.iter_mut().for_each(|y| *y /= count);
            }
            return Ok(());
        }
        let row = output.shape.axes.iter().skip(2).product::<usize>().max(1);
        for (at, to) in output.numbers.iter_mut().enumerate() {
            let number = |(n, input): (usize, &Value<A>)| {
                let at = self.0.as_ref().map_or(at, |places| places[n][at]);
                input.numbers[at]
            };
            let numbers = inputs.iter().enumerate().map(number);
            let masks = inputs.masks().map(|mask| mask.filter(|_| is_masked));
            let masks = masks.map(|mask| mask.map(|mask| mask[at / row]));
            let mut both = numbers.zip(masks);
            let Some((mut y, mut real)) = both.next() else {
                continue;
            };
            if of == Merge::Multiply && real == Some(false) {
                y = A::one();
            }
            for (mut x, x_real) in both {
                match of {
                    Merge::Multiply if x_real == Some(false) => x = A::one(),
                    Merge::Maximum | Merge::Minimum => {
                        if x_real == Some(false) {
                            x = y;
                        }
                        if real == Some(false) {
                            y = x;
                        }
                    }
                    _ => {}
                }
                y = of.of(y, x);
                real = real.zip(x_real).map(|(a, b)| a | b);
            }
            *to = match of {
                Merge::Average => y / count,
                Merge::Multiply if real == Some(false) => A::zero(),
                _ => y,
            };
        }
        Ok(())
    }
}

/// The place in an array of `from` of every number of an array of `to`, where axes of length 1 are repeated.
fn places(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut places = vec![0];
    for (&from, &to) in from.iter().zip(to) {
        let along = |&place: &usize| {
            (0..to).map(move |at| if from == 1 { place } else { place * from + at })
        };
        places = places.iter().flat_map(along).collect();
    }
    places
}
