//! `ToModule`: the layers that can be written as a module of PyTorch, and the arrays of that module.

use crate::describe::{self, Describe};
use crate::error::{Error, Result};
use crate::load::reorder::reorder;
use crate::{
    Activation, Bidirectional, Conv1d, Deep, Dense, Element, Embedding, Gru, GruBias, Layer,
    LayerNormalization, Lstm, MergeMode, Recurrent, SimpleRnn,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayD, Axis};

/// A layer that [`StateDict`](super::StateDict) can write as a module of PyTorch. The trait is sealed by its hidden method.
///
/// | layer | module |
/// | --- | --- |
/// | [`Lstm`], [`Gru`], [`SimpleRnn`] | `nn.LSTM`, `nn.GRU`, `nn.RNN` of one layer |
/// | [`Bidirectional`] of one of these | the same with `bidirectional=True` |
/// | [`Deep`] of one of these | the same with `num_layers` |
/// | [`Layer`] of one of these | as without its flags |
/// | [`Dense`], [`Embedding`], [`Conv1d`] | `nn.Linear`, `nn.Embedding`, `nn.Conv1d` |
/// | [`LayerNormalization`] over the last axis | `nn.LayerNorm` |
///
/// What PyTorch computes otherwise is an error: a [`Gru`] whose reset gate comes before the product, peepholes, coupled gates, a
/// clip, layer normalization in a cell, a trained initial state, other activations in a cell. What PyTorch keeps out of a state
/// dict stays out of it: options of a convolution, the activation of a [`Dense`], the epsilon of a normalization.
pub trait ToModule {
    /// `f32` or `f64`.
    type Elem: Element;

    /// Adds the arrays of one layer of a module and one direction, or of all.
    #[doc(hidden)]
    fn arrays(&self, place: Place, to: &mut Vec<Named<Self::Elem>>) -> Result<()>;
}

/// Which layer and direction of a module it is.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    layer: usize,
    reverse: bool,
}

/// An array of a module.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Named<A> {
    pub(super) name: String,
    pub(super) array: ArrayD<A>,
    /// The bias that PyTorch adds to this one, which has the sum of the two.
    pub(super) added: Option<String>,
}

impl Place {
    fn name(self, name: &str) -> String {
        let direction = if self.reverse { "_reverse" } else { "" };
        format!("{name}_l{}{direction}", self.layer)
    }
}

impl<A: Element> Named<A> {
    fn of(name: impl ToString, array: ArrayD<A>) -> Self {
        Named {
            name: name.to_string(),
            array,
            added: None,
        }
    }
}

/// (rows, gates · units) as PyTorch has it: block `order[k]` in place of block `k`, gate below gate.
fn turned<A: Element>(array: &Array2<A>, order: &[usize]) -> ArrayD<A> {
    reorder(array.t(), order).into_dyn()
}

/// The kernels of a cell.
fn kernels<A: Element>(
    place: Place,
    [kernel, recurrent]: [Array2<A>; 2],
    order: &[usize],
) -> [Named<A>; 2] {
    [("weight_ih", kernel), ("weight_hh", recurrent)]
        .map(|(name, array)| Named::of(place.name(name), turned(&array, order)))
}

/// A bias as PyTorch's two, which it adds: itself, and zeros.
fn biases<A: Element>(place: Place, bias: &Array1<A>) -> [Named<A>; 2] {
    let zeros = Array1::<A>::zeros(bias.len()).into_dyn();
    let (input, state) = (place.name("bias_ih"), place.name("bias_hh"));
    let mut whole = Named::of(input, bias.clone().into_dyn());
    whole.added = Some(state.clone());
    [whole, Named::of(state, zeros)]
}

/// Refuses a cell that PyTorch does not have.
fn check(cell: &'static str, wrong: &[(&'static str, bool)]) -> Result<()> {
    match wrong.iter().find(|(_, is_wrong)| *is_wrong) {
        Some((what, _)) => {
            let expected = format!("{cell} as PyTorch has it");
            Err(Error::value("module", expected, format!("one with {what}")))
        }
        None => Ok(()),
    }
}

impl<A: Element> ToModule for Lstm<A> {
    type Elem = A;

    fn arrays(&self, place: Place, to: &mut Vec<Named<A>>) -> Result<()> {
        const ORDER: [usize; 4] = [0, 1, 2, 3];
        let other = self.activation() != Activation::Tanh
            || self.output_activation() != Activation::Tanh
            || self.recurrent_activation() != Activation::Sigmoid;
        check(
            "an LSTM",
            &[
                ("peepholes", self.peepholes().is_some()),
                ("coupled gates", self.input_forget()),
                ("a clip", self.clip().is_some()),
                ("layer normalization", self.layer_norm().is_some()),
                ("an initial state", self.initial_state().is_some()),
                ("other activations", other),
            ],
        )?;
        to.extend(kernels(
            place,
            [self.kernel(), self.recurrent_kernel()],
            &ORDER,
        ));
        if let Some(bias) = self.bias() {
            to.extend(biases(place, &bias));
        }
        if let Some(projection) = self.projection() {
            let rows = projection.reversed_axes().into_dyn();
            to.push(Named::of(place.name("weight_hr"), rows));
        }
        Ok(())
    }
}

impl<A: Element> ToModule for Gru<A> {
    type Elem = A;

    fn arrays(&self, place: Place, to: &mut Vec<Named<A>>) -> Result<()> {
        // z, r, h here, and r, z, n there.
        const ORDER: [usize; 3] = [1, 0, 2];
        let other = self.activation() != Activation::Tanh
            || self.recurrent_activation() != Activation::Sigmoid;
        check(
            "a GRU",
            &[
                ("the reset gate before the product", !self.reset_after()),
                ("a clip", self.clip().is_some()),
                ("layer normalization", self.layer_norm().is_some()),
                ("an initial state", self.initial_state().is_some()),
                ("other activations", other),
            ],
        )?;
        to.extend(kernels(
            place,
            [self.kernel(), self.recurrent_kernel()],
            &ORDER,
        ));
        if let GruBias::ResetAfter(rows) = self.bias() {
            for (name, row) in ["bias_ih", "bias_hh"].iter().zip(rows.axis_iter(Axis(0))) {
                let row = reorder(row, &ORDER).into_dyn();
                to.push(Named::of(place.name(name), row));
            }
        }
        Ok(())
    }
}

impl<A: Element> ToModule for SimpleRnn<A> {
    type Elem = A;

    fn arrays(&self, place: Place, to: &mut Vec<Named<A>>) -> Result<()> {
        let known = [Activation::Tanh, Activation::Relu];
        check(
            "an RNN",
            &[
                ("a clip", self.clip().is_some()),
                ("an initial state", self.initial_state().is_some()),
                ("another activation", !known.contains(&self.activation())),
            ],
        )?;
        to.extend(kernels(
            place,
            [self.kernel(), self.recurrent_kernel()],
            &[0],
        ));
        if let Some(bias) = self.bias() {
            to.extend(biases(place, &bias));
        }
        Ok(())
    }
}

impl<C: ToModule> ToModule for Bidirectional<C, C> {
    type Elem = C::Elem;

    fn arrays(&self, place: Place, to: &mut Vec<Named<C::Elem>>) -> Result<()> {
        let other = self.mode() != MergeMode::Concat;
        check("a bidirectional module", &[("another merge mode", other)])?;
        self.forward_layer().arrays(place, to)?;
        let reverse = true;
        self.backward_layer().arrays(Place { reverse, ..place }, to)
    }
}

impl<R: ToModule> ToModule for Deep<R> {
    type Elem = R::Elem;

    fn arrays(&self, place: Place, to: &mut Vec<Named<R::Elem>>) -> Result<()> {
        for (layer, of) in self.layers().iter().enumerate() {
            of.arrays(Place { layer, ..place }, to)?;
        }
        Ok(())
    }
}

impl<R: ToModule> ToModule for Layer<R>
where
    R: Recurrent,
{
    type Elem = <R as ToModule>::Elem;

    fn arrays(&self, place: Place, to: &mut Vec<Named<Self::Elem>>) -> Result<()> {
        self.inner().arrays(place, to)
    }
}

/// The weights of a layer without directions, with the names of PyTorch, their axes turned over.
fn named<A: Element>(layer: &dyn Describe<A>, names: &[(&str, &str)], to: &mut Vec<Named<A>>) {
    describe::walk(layer, "", &mut |name, _, weight| {
        if let Some((_, theirs)) = names.iter().find(|(ours, _)| *ours == name) {
            let turned = weight.to_array().reversed_axes();
            to.push(Named::of(theirs, turned));
        }
    });
}

impl<A: Element> ToModule for Dense<A> {
    type Elem = A;

    fn arrays(&self, _: Place, to: &mut Vec<Named<A>>) -> Result<()> {
        named(self, &[("kernel", "weight"), ("bias", "bias")], to);
        Ok(())
    }
}

impl<A: Element> ToModule for Embedding<A> {
    type Elem = A;

    fn arrays(&self, _: Place, to: &mut Vec<Named<A>>) -> Result<()> {
        to.push(Named::of("weight", self.embeddings().clone().into_dyn()));
        Ok(())
    }
}

impl<A: Element> ToModule for Conv1d<A> {
    type Elem = A;

    fn arrays(&self, _: Place, to: &mut Vec<Named<A>>) -> Result<()> {
        named(self, &[("kernel", "weight"), ("bias", "bias")], to);
        Ok(())
    }
}

impl<A: Element> ToModule for LayerNormalization<A> {
    type Elem = A;

    fn arrays(&self, _: Place, to: &mut Vec<Named<A>>) -> Result<()> {
        let before = to.len();
        named(self, &[("gamma", "weight"), ("beta", "bias")], to);
        let all = to.get(before..).unwrap_or_default();
        let over_several = all.iter().any(|named| named.array.ndim() != 1);
        check("a LayerNorm", &[("several axes", over_several)])
    }
}
