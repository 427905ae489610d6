//! `Cells`: the weights of a recurrent node as layers of this crate, one of each direction.

use super::constants::Constants;
use super::op::Op;
use super::options::Options;
use super::weight::{Input, Weight};
use crate::error::{Error, Result};
use crate::format::onnx::Node;
use crate::load::reorder::reorder;
use crate::{Activation, Element, Gru, GruBias, Lstm, SimpleRnn};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayD, Axis, Ix1};

/// Where the gates i, f, c, o of an LSTM are in i, o, f, c.
const LSTM: [usize; 4] = [0, 2, 3, 1];
/// Those of a GRU stand in one order.
const GRU: [usize; 3] = [0, 1, 2];
/// Where the peepholes of i, f, o are in i, o, f.
const PEEPHOLES: [usize; 3] = [0, 2, 1];

/// One cell of each direction.
#[derive(Clone, Debug)]
pub(super) enum Cells<A: Element> {
    Lstm(Vec<Lstm<A>>),
    Gru(Vec<Gru<A>>),
    Rnn(Vec<SimpleRnn<A>>),
}

/// The arrays of a node, each with the directions as its first axis.
struct Weights<'m, A> {
    w: Weight<'m, A>,
    r: Weight<'m, A>,
    b: Option<ArrayD<A>>,
    p: Option<ArrayD<A>>,
    features: usize,
    units: usize,
    /// Gates times units.
    rows: usize,
}

/// What one direction is made of.
struct Direction<'o, 'm, A> {
    weights: &'o Weights<'m, A>,
    number: usize,
    activations: &'o [Activation],
    options: &'o Options,
}

impl<A: Element> Cells<A> {
    /// Leaves none.
    pub fn take(&mut self) -> Self {
        core::mem::replace(self, Cells::Rnn(Vec::new()))
    }

    pub fn op(&self) -> Op {
        match self {
            Cells::Lstm(_) => Op::Lstm,
            Cells::Gru(_) => Op::Gru,
            Cells::Rnn(_) => Op::Rnn,
        }
    }

    pub fn read(node: &Node, options: &Options, constants: &Constants) -> Result<Self> {
        let weights = Weights::read(node, options, constants)?;
        let directions = options.activations.iter().enumerate();
        let directions = directions.map(|(number, activations)| Direction {
            weights: &weights,
            number,
            activations,
            options,
        });
        Ok(match options.op {
            Op::Lstm => Cells::Lstm(directions.map(Direction::lstm).collect::<Result<_>>()?),
            Op::Gru => Cells::Gru(directions.map(Direction::gru).collect::<Result<_>>()?),
            Op::Rnn => Cells::Rnn(directions.map(Direction::rnn).collect::<Result<_>>()?),
        })
    }
}

impl<'m, A: Element> Weights<'m, A> {
    fn read(node: &Node, options: &Options, constants: &Constants<'m>) -> Result<Self> {
        let inputs = [("W", 1, 8), ("R", 2, 10)];
        let [w, r] = inputs.map(|(name, index, scale)| {
            let input = Input { name, index, scale };
            Weight::read(node, constants, input)
        });
        let (w, r) = (w?, r?);
        let (b, p) = (
            array(node, constants, 3, "B")?,
            array(node, constants, 7, "P")?,
        );
        let (gates, directions) = (options.op.gates(), options.direction.count());
        let units = options.hidden_size.unwrap_or(r.n());
        let rows = gates.saturating_mul(units);
        let features = w.n();
        let expect = |name: &str, found: &[usize], shape: &[usize]| {
            if found == shape {
                return Ok(());
            }
            let expected = format!(
                "shape {shape:?}: {directions} directions, {gates} gates, hidden_size {units}"
            );
            Err(Error::file(name, expected, format!("{found:?}")))
        };
        expect("R", r.shape(), &r.turned([directions, rows, units]))?;
        expect("W", w.shape(), &w.turned([directions, rows, features]))?;
        if let Some(b) = &b {
            expect("B", b.shape(), &[directions, rows.saturating_mul(2)])?;
        }
        if let Some(p) = &p {
            expect("P", p.shape(), &[directions, units.saturating_mul(3)])?;
        }
        Ok(Weights {
            w,
            r,
            b,
            p,
            features,
            units,
            rows,
        })
    }

    /// The biases with the input and with the state, gate after gate.
    fn biases(&self, direction: usize, order: &[usize]) -> Result<Option<[Array1<A>; 2]>> {
        let Some(b) = &self.b else { return Ok(None) };
        let b = b.index_axis(Axis(0), direction);
        let b = b.into_dimensionality::<Ix1>()?;
        let (input, state) = b.split_at(Axis(0), b.len() / 2);
        Ok(Some([reorder(input, order), reorder(state, order)]))
    }

    /// The sum of the biases.
    fn bias(&self, direction: usize, order: &[usize]) -> Result<Option<Array1<A>>> {
        let biases = self.biases(direction, order)?;
        Ok(biases.map(|[input, state]| input + state))
    }

    /// (3, units), rows i, f, o.
    fn peepholes(&self, direction: usize) -> Result<Option<Array2<A>>> {
        let Some(p) = &self.p else { return Ok(None) };
        let p = p.index_axis(Axis(0), direction).to_owned();
        let p = p.into_shape_with_order((3, self.units))?;
        Ok(Some(p.select(Axis(0), &PEEPHOLES)))
    }
}

impl<A: Element> Direction<'_, '_, A> {
    fn lstm(self) -> Result<Lstm<A>> {
        let Direction {
            weights, number, ..
        } = self;
        let mut builder = Lstm::builder(weights.features, weights.units)
            .recurrent_activation(self.activations[0])
            .activation(self.activations[1])
            .output_activation(self.activations[2])
            .clip(self.options.clip)
            .input_forget(self.options.input_forget);
        if let Some(peepholes) = weights.peepholes(number)? {
            builder = builder.peepholes(peepholes);
        }
        let kernels =
            [&weights.w, &weights.r].map(|weight| weight.kernel(number, &LSTM, weights.rows));
        builder.from_matrices(&kernels[0], &kernels[1], weights.bias(number, &LSTM)?)
    }

    fn gru(self) -> Result<Gru<A>> {
        let Direction {
            weights, number, ..
        } = self;
        let reset_after = self.options.linear_before_reset;
        let bias = match weights.biases(number, &GRU)? {
            Some([input, state]) if reset_after => {
                GruBias::from(ndarray::stack![Axis(0), input, state])
            }
            Some([input, state]) => GruBias::from(input + state),
            None => GruBias::None,
        };
        let kernels =
            [&weights.w, &weights.r].map(|weight| weight.kernel(number, &GRU, weights.rows));
        Gru::builder(weights.features, weights.units)
            .recurrent_activation(self.activations[0])
            .activation(self.activations[1])
            .clip(self.options.clip)
            .reset_after(reset_after)
            .from_matrices(&kernels[0], &kernels[1], bias)
    }

    fn rnn(self) -> Result<SimpleRnn<A>> {
        let Direction {
            weights, number, ..
        } = self;
        let kernels =
            [&weights.w, &weights.r].map(|weight| weight.kernel(number, &[0], weights.rows));
        SimpleRnn::builder(weights.features, weights.units)
            .activation(self.activations[0])
            .clip(self.options.clip)
            .from_matrices(&kernels[0], &kernels[1], weights.bias(number, &[0])?)
    }
}

/// An input of the node that must be known; `None` if nothing stands there.
fn array<A: Element>(
    node: &Node,
    constants: &Constants,
    index: usize,
    name: &str,
) -> Result<Option<ArrayD<A>>> {
    let Some(value) = node.input(index) else {
        return Ok(None);
    };
    let array = constants.array(value);
    array.map(Some).map_err(|error| error.within(name))
}
