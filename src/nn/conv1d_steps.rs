//! Single steps of a causal `Conv1d`.

use super::activation::each_row;
use crate::error::{Error, Result, check, check_features, check_kept, check_size};
use crate::model::{AnyLayer, Inputs, Planned, Slot, StepShape, Stepper, Value};
use crate::model::{another_model, each, lent, only_output};
use crate::state::{cast, check_samples};
use crate::{Conv1d, Element, State};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, Axis};

/// A ring of the inputs that the next windows still read, (samples, timesteps, features).
#[derive(Clone)]
pub(super) struct Past<A> {
    ring: Array3<A>,
    /// The index of the earliest timestep, which the next one overwrites.
    next: usize,
}

impl<A: Element> Conv1d<A> {
    /// All padding, as before the first timestep.
    pub(super) fn past(&self, samples: usize) -> Result<Past<A>> {
        let shape = (samples, self.span() - 1, self.features());
        check_size("state", &[shape.0, shape.1, shape.2])?;
        let ring = Array3::zeros(shape);
        Ok(Past { ring, next: 0 })
    }

    /// The stepper of this layer.
    pub(super) fn plan_steps(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [input] = inputs else {
            return Ok(None);
        };
        if !input.is_timestep {
            return self.plan_whole(inputs);
        }
        let &[samples, timesteps, features] = input.axes.as_slice() else {
            return Err(Error::Rank {
                array: "input",
                expected: "3 (samples, timesteps, features)",
                found: input.axes.len(),
            });
        };
        check_features(self.features(), (samples, timesteps, features))?;
        check_size("output", &[samples, 1, self.filters()])?;
        let fresh = match self.kernel_size() {
            1 => None, // no window reads earlier timesteps
            _ => Some(Slot::new(self.past(samples)?)),
        };
        let window = self.kernel_size() * self.filters.group_features();
        let output = StepShape {
            axes: vec![samples, 1, self.filters()],
            is_timestep: true,
        };
        Ok(Some(Planned {
            stepper: Box::new(Steps {
                samples,
                window: vec![A::zero(); window],
                sums: Vec::with_capacity(self.longest_row()),
            }),
            outputs: vec![output],
            fresh,
            may_fail: false,
        }))
    }

    /// The stepper for samples that are no timesteps of this layer, as inside of a `TimeDistributed`.
    fn plan_whole(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let &[samples, timesteps, features] = inputs[0].axes.as_slice() else {
            return Ok(None); // a call reports what is wrong
        };
        check_features(self.features(), (samples, timesteps, features))?;
        let Some(mut room) = self.room(timesteps)?.filter(|_| samples > 0) else {
            return Ok(None);
        };
        each(self, inputs, move |of: &Self, inputs, output| {
            let x = &inputs.first()?.numbers;
            room.write(&of.filters, samples, x, &mut output.numbers);
            output.set_mask(None);
            Ok(())
        })
    }

    /// The length of the sums of a group.
    fn longest_row(&self) -> usize {
        self.filters
            .groups()
            .iter()
            .map(crate::Dense::row_len)
            .max()
            .unwrap_or(0)
    }
}

struct Steps<A> {
    samples: usize,
    /// The numbers of a group's window, and their sums.
    window: Vec<A>,
    sums: Vec<A>,
}

impl<A: Element> Stepper<A> for Steps<A> {
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        slot: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()> {
        let layer: &Conv1d<A> = lent(layer)?;
        let mut past = match slot {
            Some(slot) => Some(slot.get_mut::<Past<A>>()?),
            None if layer.kernel_size() == 1 => None,
            None => return Err(another_model()),
        };
        let (input, output) = (inputs.first()?, only_output(outputs)?);
        output.set_mask(None);
        let (all, features) = (layer.features(), layer.filters.group_features());
        for sample in 0..self.samples {
            let x = &input.numbers[sample * all..(sample + 1) * all];
            let y = &mut output.numbers[sample * layer.filters()..][..layer.filters()];
            let (mut from, mut to) = (0, 0);
            for dense in layer.filters.groups() {
                let taps = self.window.chunks_exact_mut(features.max(1));
                for (tap, window) in taps.enumerate() {
                    let ahead = tap * layer.dilation_rate();
                    match past.as_deref().and_then(|past| past.at(sample, ahead)) {
                        Some(past) => window.copy_from_slice(&past[from..from + features]),
                        None => window.copy_from_slice(&x[from..from + features]),
                    }
                }
                dense.forward_row(&self.window, &mut self.sums)?;
                y[to..to + self.sums.len()].copy_from_slice(&self.sums);
                (from, to) = (from + features, to + self.sums.len());
            }
        }
        each_row(layer.activation(), layer.filters(), &mut output.numbers);
        if let Some(past) = &mut past {
            past.push(&input.numbers);
        }
        Ok(())
    }

    fn admit(&self, layer: &dyn AnyLayer<A>, slot: &mut Slot) -> Result<()> {
        let layer: &Conv1d<A> = lent(layer)?;
        let (samples, timesteps, features) = slot.get::<Past<A>>()?.ring.dim();
        check_kept(samples, self.samples)?;
        check("state", "timesteps", layer.span() - 1, timesteps)?;
        check("state", "features", layer.features(), features)
    }
}

impl<A: Element> Past<A> {
    /// A sample's timestep at this distance after the earliest, if it is not the current one.
    fn at(&self, sample: usize, ahead: usize) -> Option<&[A]> {
        let (_, timesteps, features) = self.ring.dim();
        if ahead >= timesteps {
            return None;
        }
        let t = (self.next + ahead) % timesteps;
        let start = (sample * timesteps + t) * features;
        self.ring.as_slice()?.get(start..start + features)
    }

    /// The current timestep of all samples overwrites the earliest.
    fn push(&mut self, x: &[A]) {
        let (samples, timesteps, features) = self.ring.dim();
        let Some(ring) = self.ring.as_slice_mut() else {
            return;
        };
        for sample in 0..samples {
            let start = (sample * timesteps + self.next) * features;
            ring[start..start + features].copy_from_slice(&x[sample * features..][..features]);
        }
        self.next = (self.next + 1) % timesteps.max(1);
    }
}

impl<A: Element> State for Past<A> {
    fn samples(&self) -> usize {
        self.ring.dim().0
    }
    fn zeros_like(&self, samples: usize) -> Self {
        let (_, timesteps, features) = self.ring.dim();
        let ring = Array3::zeros((samples, timesteps, features));
        Past { ring, next: 0 }
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        check_samples(&[row], self.samples())?;
        check_samples(&[from_row], from.samples())?;
        let (_, timesteps, features) = self.ring.dim();
        check("state", "timesteps", timesteps, from.ring.dim().1)?;
        check("state", "features", features, from.ring.dim().2)?;
        let mut to = self.ring.index_axis_mut(Axis(0), row);
        let from_sample = from.ring.index_axis(Axis(0), from_row);
        for t in 0..timesteps {
            let at = (from.next + t) % timesteps;
            to.row_mut((self.next + t) % timesteps)
                .assign(&from_sample.row(at));
        }
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        check_samples(&[row], self.samples())?;
        self.ring.index_axis_mut(Axis(0), row).fill(A::zero());
        Ok(())
    }
    fn to_arrays<B: Element>(&self) -> Option<Vec<Array2<B>>> {
        let (samples, timesteps, features) = self.ring.dim();
        // Starts with the earliest timestep.
        let number = |(row, at): (usize, usize)| {
            let (t, feature) = (at / features, at % features);
            self.ring[[row, (self.next + t) % timesteps, feature]]
        };
        let rows = Array2::from_shape_fn((samples, timesteps * features), number);
        Some([cast(&rows)].into())
    }
    fn with_arrays<B: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<B>>) -> Option<Self> {
        let rows = cast(&arrays.next()?).as_standard_layout().into_owned();
        let (_, timesteps, features) = self.ring.dim();
        let shape = (rows.nrows(), timesteps, features);
        let ring = rows.into_shape_with_order(shape).ok()?;
        Some(Past { ring, next: 0 })
    }
}
