//! `Cells`: the weights of a recurrent node as layers of this crate, one of each direction.

use super::super::rows::Rows;
use super::constants::{Constants, Known};
use super::options::{Op, Options};
use crate::error::{Error, Result};
use crate::load::format::onnx::Node;
use crate::{Activation, Element, Gru, GruBias, Lstm, SimpleRnn};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{Array, ArrayD, ArrayViewD, Axis, Dimension, Ix1, Ix2};

/// Where the gates i, f, c, o of an LSTM are in i, o, f, c. Those of a GRU stand in one order.
const LSTM: [usize; 4] = [0, 2, 3, 1];
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
struct Weights {
    w: ArrayD<f64>,
    r: ArrayD<f64>,
    b: Option<ArrayD<f64>>,
    p: Option<ArrayD<f64>>,
}

/// What one direction is made of.
struct Direction<'o, A> {
    rows: Rows<A>,
    peepholes: Option<Array<A, Ix2>>,
    activations: &'o [Activation],
    options: &'o Options,
}

impl<A: Element> Cells<A> {
    pub fn read(node: &Node, options: &Options, constants: &Constants) -> Result<Self> {
        let weights = Weights::read(node, options, constants)?;
        let directions = options.activations.iter().enumerate();
        let directions = directions.map(|(d, activations)| {
            Ok(Direction {
                rows: weights.rows(d)?,
                peepholes: weights.peepholes(d)?,
                activations,
                options,
            })
        });
        let directions = directions
            .collect::<Result<Vec<Direction<A>>>>()?
            .into_iter();
        Ok(match options.op {
            Op::Lstm => Cells::Lstm(directions.map(Direction::lstm).collect::<Result<_>>()?),
            Op::Gru => Cells::Gru(directions.map(Direction::gru).collect::<Result<_>>()?),
            Op::Rnn => Cells::Rnn(directions.map(Direction::rnn).collect::<Result<_>>()?),
        })
    }
}

impl Weights {
    fn read(node: &Node, options: &Options, constants: &Constants) -> Result<Self> {
        let missing = |name| move || Error::file(name, "an array", "none");
        let get = |index, name| array(node, constants, index, name);
        let w = get(1, "W")?.ok_or_else(missing("W"))?;
        let r = get(2, "R")?.ok_or_else(missing("R"))?;
        let (b, p) = (get(3, "B")?, get(7, "P")?);
        let (gates, directions) = (options.op.gates(), options.direction.count());
        let found = r.shape().last().copied().unwrap_or(0);
        let units = options.hidden_size.unwrap_or(found);
        let rows = gates.saturating_mul(units);
        let features = w.shape().last().copied().unwrap_or(0);
        let expect = |name: &str, array: &ArrayD<f64>, shape: &[usize]| {
            if array.shape() == shape {
                return Ok(());
            }
            let expected = format!(
                "shape {shape:?}: {directions} directions, {gates} gates, hidden_size {units}"
            );
            Err(Error::file(name, expected, format!("{:?}", array.shape())))
        };
        expect("R", &r, &[directions, rows, units])?;
        expect("W", &w, &[directions, rows, features])?;
        if let Some(b) = &b {
            expect("B", b, &[directions, 2 * rows])?;
        }
        if let Some(p) = &p {
            expect("P", p, &[directions, 3 * units])?;
        }
        Ok(Weights { w, r, b, p })
    }

    fn rows<A: Element>(&self, direction: usize) -> Result<Rows<A>> {
        Ok(Rows {
            input: cast(self.w.index_axis(Axis(0), direction))?,
            recurrent: cast(self.r.index_axis(Axis(0), direction))?,
            biases: match &self.b {
                Some(b) => {
                    let b = b.index_axis(Axis(0), direction);
                    let (input, state) = b.view().split_at(Axis(0), b.len() / 2);
                    Some([cast(input)?, cast(state)?])
                }
                None => None,
            },
        })
    }

    /// (3, units), rows i, f, o.
    fn peepholes<A: Element>(&self, direction: usize) -> Result<Option<Array<A, Ix2>>> {
        let Some(p) = &self.p else { return Ok(None) };
        let p: Array<A, Ix1> = cast(p.index_axis(Axis(0), direction))?;
        let units = p.len() / 3;
        Ok(Some(
            p.into_shape_with_order((3, units))?
                .select(Axis(0), &PEEPHOLES),
        ))
    }
}

impl<A: Element> Direction<'_, A> {
    fn lstm(self) -> Result<Lstm<A>> {
        let rows = self.rows.reorder(&LSTM);
        let (kernel, recurrent_kernel) = rows.kernels();
        let mut builder = Lstm::builder(kernel.nrows(), recurrent_kernel.nrows())
            .recurrent_activation(self.activations[0])
            .activation(self.activations[1])
            .output_activation(self.activations[2])
            .clip(self.options.clip)
            .input_forget(self.options.input_forget);
        if let Some(peepholes) = self.peepholes {
            builder = builder.peepholes(peepholes);
        }
        builder.from_weights(kernel, recurrent_kernel, rows.bias())
    }

    fn gru(self) -> Result<Gru<A>> {
        let (kernel, recurrent_kernel) = self.rows.kernels();
        let bias = if self.options.linear_before_reset {
            self.rows.bias_rows().into()
        } else {
            self.rows.bias().map_or(GruBias::None, GruBias::from)
        };
        Gru::builder(kernel.nrows(), recurrent_kernel.nrows())
            .recurrent_activation(self.activations[0])
            .activation(self.activations[1])
            .clip(self.options.clip)
            .reset_after(self.options.linear_before_reset)
            .from_weights(kernel, recurrent_kernel, bias)
    }

    fn rnn(self) -> Result<SimpleRnn<A>> {
        let (kernel, recurrent_kernel) = self.rows.kernels();
        SimpleRnn::builder(kernel.nrows(), recurrent_kernel.nrows())
            .activation(self.activations[0])
            .clip(self.options.clip)
            .from_weights(kernel, recurrent_kernel, self.rows.bias())
    }
}

/// An input of the node that must be known; `None` if nothing stands there.
fn array(
    node: &Node,
    constants: &Constants,
    index: usize,
    name: &str,
) -> Result<Option<ArrayD<f64>>> {
    let Some(value) = node.input(index) else {
        return Ok(None);
    };
    let found = match constants
        .floats(value)
        .map_err(|error| error.within(name))?
    {
        Known::Now(array) => return Ok(Some(array)),
        Known::Zeros => "zeros of a shape that is not known before it runs".into(),
        Known::Later(found) => found,
    };
    let expected = "an initialiser or a Constant, or what Cast, Concat, Identity, Reshape, Slice, Squeeze, Transpose and \
                    Unsqueeze make of them";
    Err(Error::file(format!("{name}: {value}"), expected, found))
}

fn cast<A: Element, D: Dimension>(array: ArrayViewD<f64>) -> Result<Array<A, D>> {
    Ok(array.mapv(A::from_f64).into_dimensionality()?)
}
