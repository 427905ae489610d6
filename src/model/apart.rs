//! A `Bidirectional` as a layer of a model with two outputs, which are not merged.

use super::any_layer::one_input;
use super::recurrent::split;
use super::tensor::sequence;
use super::{AnyLayer, Called, Shape, Slot, Stepwise, Tensor};
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result};
#[cfg(feature = "saved")]
use crate::unroll::Unroll;
use crate::{Bidirectional, Layer, Recurrent};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;

/// A [`Bidirectional`] as a layer of a [`Model`](crate::Model) that returns the forward and the backward output without
/// merging them, and then its states if asked to: Keras' `merge_mode=None`. Made by [`Layer::apart`].
///
/// ```
/// use ndarray::Array3;
/// use recurrent::{Bidirectional, Merge, Tensor, Gru, Layer, Model};
/// let gru = |seed| Gru::<f32>::builder(2, 3).seed(seed).build();
/// let both = Layer::new(Bidirectional::new(gru(0)?, gru(1)?)).return_sequences(true);
/// let mut graph = Model::graph();
/// let x = graph.input("x");
/// let bidirectional = graph.layer("bidirectional", both.apart())?;
/// let [forward, backward] = graph.call(bidirectional, [x])?;
/// let most = graph.add("most", Merge::Maximum, [forward, backward])?;
/// let model = graph.finish([most])?;
/// assert_eq!(model.forward(&Array3::zeros((2, 5, 2)))?.shape(), [2, 5, 3]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayerApart<F, B>(Layer<Bidirectional<F, B>>);

#[cfg(feature = "train")]
impl<F, B> LayerApart<F, B> {
    /// The layer that would merge both outputs.
    pub(super) fn merged(&self) -> &Layer<Bidirectional<F, B>> {
        &self.0
    }
}

impl<F, B> Layer<Bidirectional<F, B>>
where
    F: Recurrent,
    B: Recurrent<Elem = F::Elem>,
{
    /// Turns the layer into one for a [`Model`](crate::Model) that returns both outputs, not merged.
    pub fn apart(self) -> LayerApart<F, B> {
        LayerApart(self)
    }
}

impl<F, B> Describe<F::Elem> for LayerApart<F, B>
where
    F: Recurrent,
    B: Recurrent<Elem = F::Elem>,
{
    fn class(&self) -> &'static str {
        "layer_apart"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<F::Elem>)) {
        each(Part::Layer("layer", None, &self.0));
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<F::Elem>)) {
        each(PartMut::Layer(None, &mut self.0));
    }

    fn duplicate(&self) -> Option<Self> {
        self.0.duplicate().map(LayerApart)
    }
}

#[cfg(feature = "saved")]
impl<F, B> Saved for LayerApart<F, B>
where
    F: Recurrent + Saved,
    B: Recurrent<Elem = <F as Unroll>::Elem> + Saved,
{
    type Number = <F as Unroll>::Elem;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("layer_apart")?;
        from.layer("layer").map(LayerApart)
    }
}

impl<F, B> AnyLayer<F::Elem> for LayerApart<F, B>
where
    F: Recurrent + 'static,
    B: Recurrent<Elem = F::Elem> + 'static,
{
    fn name(&self) -> &str {
        "bidirectional"
    }

    fn forward(&self, input: Tensor<F::Elem>) -> Result<Tensor<F::Elem>> {
        if self.output_count() > 1 {
            let expected = "1: a layer that is `add`ed to a Model passes on one output, `Model::graph` wires all of them";
            return Err(Error::value(
                "number of outputs",
                expected,
                self.output_count(),
            ));
        }
        one_input(self.forward_all(vec![input])?)
    }

    fn forward_all(&self, inputs: Vec<Tensor<F::Elem>>) -> Result<Vec<Tensor<F::Elem>>> {
        self.call(inputs, None).map(|(flows, _)| flows)
    }

    fn output_count(&self) -> usize {
        2 + self.0.returned_shapes(None).len()
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let input = inputs.first();
        let [samples, timesteps] = [0, 1].map(|axis| input.and_then(|input| input.len_of(axis)));
        let direction = |units| {
            if self.0.returns().sequences {
                Shape::from([samples, timesteps, Some(units)])
            } else {
                Shape::from([samples, Some(units)])
            }
        };
        let mut shapes: Vec<Shape> = self.0.inner().output_sizes().map(direction).into();
        shapes.extend(self.0.returned_shapes(samples));
        shapes
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        self.0.stepwise(axes)
    }

    fn call(&self, inputs: Vec<Tensor<F::Elem>>, kept: Option<&Slot>) -> Result<Called<F::Elem>> {
        let (input, states) = split(inputs)?;
        let x = sequence(&input)?;
        let run = self.0.begin(self.0.run_apart(&x), &input, &states, kept)?;
        let (forward, backward, state) = if self.0.returns().sequences {
            let (forward, backward, state) = run.sequences_and_state()?;
            (forward.into_dyn(), backward.into_dyn(), state)
        } else {
            let (forward, backward, state) = run.last_and_state()?;
            (forward.into_dyn(), backward.into_dyn(), state)
        };
        let mask = input.mask.filter(|_| self.0.returns().sequences);
        let both = [(forward, mask.clone()), (backward, mask)];
        let both = both.map(|(values, mask)| Tensor { values, mask });
        let mut outputs = Vec::from(both);
        outputs.extend(self.0.returned(&state)?);
        Ok((outputs, self.0.keep(state)))
    }

    #[cfg(feature = "train")]
    fn record(&self, call: super::RecordCall<F::Elem>) -> Result<Called<F::Elem>> {
        self.record_call(call)
    }

    #[cfg(feature = "train")]
    fn backward(
        &self,
        call: super::BackwardCall<F::Elem>,
    ) -> Result<Vec<Option<ndarray::ArrayD<F::Elem>>>> {
        self.back_over(call)
    }

    #[cfg(feature = "train")]
    fn drawn(
        &self,
        tape: &crate::backward::Tape,
        phase: &super::Phase,
        each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
    ) {
        self.masks(tape, phase, each);
    }

    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        self.can_go_back()
    }

    fn fresh(&self) -> Option<Slot> {
        Some(self.0.fresh_slot())
    }

    fn described(&self) -> Option<&dyn Describe<F::Elem>> {
        Some(self)
    }

    fn described_mut(&mut self) -> Option<&mut dyn Describe<F::Elem>> {
        Some(self)
    }

    fn copied(&self) -> Option<Self> {
        self.duplicate()
    }

    fn boxed_copy(&self) -> Option<Box<dyn AnyLayer<F::Elem>>> {
        Some(Box::new(self.duplicate()?))
    }

    fn without_flags(&self) -> Option<&dyn Any> {
        Some(self.0.inner())
    }
}
