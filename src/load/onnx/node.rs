//! `Node`: an LSTM, GRU or RNN node of a graph.

use super::cells::Cells;
use super::constants::Constants;
use super::known::Known;
use super::op::{Op, QUANTIZED};
use super::options::{Direction, Options};
use crate::error::{Error, Result};
use crate::format::onnx;
use crate::load::from_layers::{FromLayers, Way, assemble};
use crate::{Element, Gru, Lstm, SimpleRnn};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use ndarray::Array3;
use num_traits::FromPrimitive;

/// A recurrent node, which runs as ONNX specifies, or becomes a layer of this crate.
///
/// ```
/// use ndarray::Array3;
/// use recurrent::{Bidirectional, Gru, Recurrent, onnx};
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/onnx/models/o21_gru_bidirectional.onnx"));
/// let file = onnx::File::read(bytes)?; // or onnx::File::load("model.onnx")?
/// let node = file.only::<f32>()?; // or file.node("gru_1")?
/// let x = Array3::zeros((5, 3, 3)); // timesteps, samples, features
/// let outputs = node.run(&x).sequence_lens(&[5, 2, 4]).outputs()?;
/// assert_eq!((outputs.y.dim(), outputs.y_h.dim()), ((5, 2, 3, 4), (2, 3, 4)));
///
/// let gru: Bidirectional<Gru<f32>, Gru<f32>> = node.gru()?; // or Gru<f32>, if it had one direction
/// assert_eq!(gru.run(&x).time_major().sequences()?.dim(), (5, 3, 8));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct Node<A: Element> {
    name: String,
    pub(super) cells: Cells<A>,
    pub(super) reverse: bool,
    pub(super) batch_first: bool,
    pub(super) sequence_lens: Given<Vec<usize>>,
    pub(super) initial_h: Given<Array3<A>>,
    pub(super) initial_c: Given<Array3<A>>,
}

/// An optional input of a node, as the file states it.
#[derive(Clone)]
pub(super) enum Given<T> {
    /// The input is absent.
    No,
    /// The input is this constant.
    Now(T),
    /// The input is the value of this name, which is known only when the graph runs.
    Later(String),
}

impl<A: Element> Node<A> {
    /// Reads a recurrent node; errors call it `name`.
    pub(super) fn read(
        name: &str,
        node: &onnx::Node,
        op: Op,
        constants: &Constants,
    ) -> Result<Self> {
        let options = Options::read(op, node)?;
        let is_quantized = node.op_type == QUANTIZED;
        let inputs = if is_quantized { 12 } else { op.inputs() };
        if node.inputs.len() > inputs {
            let name = if is_quantized { QUANTIZED } else { op.name() };
            let expected = format!("at most {inputs} inputs of {name}");
            return Err(Error::file("inputs", expected, node.inputs.len()));
        }
        let state = |index, name| initial(node, constants, index, name);
        Ok(Node {
            name: name.to_string(),
            cells: Cells::read(node, &options, constants)?,
            reverse: options.direction == Direction::Reverse,
            batch_first: options.batch_first,
            sequence_lens: lengths(node, constants)?,
            initial_h: state(5, "initial_h")?,
            initial_c: state(6, "initial_c")?,
        })
    }

    /// Turns an LSTM node into a layer, which takes its weights; clone the node to keep it.
    pub fn lstm<L: FromLayers<Cell = Lstm<A>>>(mut self) -> Result<L> {
        match self.cells.take() {
            Cells::Lstm(cells) => self.layer(cells),
            other => Err(self.is_other("LSTM", other.op())),
        }
    }

    /// Turns a GRU node into a layer, which takes its weights; clone the node to keep it.
    pub fn gru<L: FromLayers<Cell = Gru<A>>>(mut self) -> Result<L> {
        match self.cells.take() {
            Cells::Gru(cells) => self.layer(cells),
            other => Err(self.is_other("GRU", other.op())),
        }
    }

    /// Turns an RNN node into a layer, which takes its weights; clone the node to keep it.
    pub fn rnn<L: FromLayers<Cell = SimpleRnn<A>>>(mut self) -> Result<L> {
        match self.cells.take() {
            Cells::Rnn(cells) => self.layer(cells),
            other => Err(self.is_other("RNN", other.op())),
        }
    }

    /// Takes out the initial states that the file fixes, `initial_h` and `initial_c`, in the shapes of the file. A layer
    /// starts at zero, so a node with other initial states becomes a layer only after this call. Pass the states to
    /// [`Run::initial_state`](crate::Run::initial_state), direction by direction.
    pub fn take_initial_states(&mut self) -> (Option<Array3<A>>, Option<Array3<A>>) {
        (self.initial_h.take(), self.initial_c.take())
    }

    fn layer<L: FromLayers>(&self, cells: Vec<L::Cell>) -> Result<L> {
        let refuse = |name: &str, expected: &str, found: &str| {
            Err(Error::file(
                format!("{}: {name}", self.name),
                expected,
                found,
            ))
        };
        if let Given::Now(_) = self.sequence_lens {
            let expected = "none, since a layer takes lengths with each call";
            return refuse("sequence_lens", expected, "an initialiser");
        }
        for (name, initial) in [
            ("initial_h", &self.initial_h),
            ("initial_c", &self.initial_c),
        ] {
            if let Given::Now(array) = initial
                && array.iter().any(|&x| x != A::zero())
            {
                let expected = "zeros, since a layer starts there (see take_initial_states)";
                return refuse(name, expected, "an initialiser with others");
            }
        }
        let way = Way {
            reverse: self.reverse,
            time_major: !self.batch_first,
        };
        assemble(&self.name, alloc::vec![cells], way)
    }

    fn is_other(&self, expected: &str, found: Op) -> Error {
        Error::file(&self.name, expected, found.name())
    }
}

impl<A: Element> fmt::Debug for Node<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("cells", &self.cells)
            .field("reverse", &self.reverse)
            .field("batch_first", &self.batch_first)
            .finish_non_exhaustive()
    }
}

impl<T> Given<T> {
    fn take(&mut self) -> Option<T> {
        match core::mem::replace(self, Given::No) {
            Given::Now(value) => Some(value),
            other => {
                *self = other;
                None
            }
        }
    }
}

fn lengths(node: &onnx::Node, constants: &Constants) -> Result<Given<Vec<usize>>> {
    let Some(value) = node.input(4) else {
        return Ok(Given::No);
    };
    Ok(match constants.integers(value)? {
        Known::Zeros | Known::Later(_) => Given::Later(value.to_string()),
        Known::Now(lengths) => {
            let whole = |&length: &f64| usize::from_f64(length);
            let lengths: Option<Vec<usize>> = lengths.iter().map(whole).collect();
            let negative =
                || Error::file("sequence_lens", "lengths of at least 0", "negative ones");
            Given::Now(lengths.ok_or_else(negative)?)
        }
    })
}

fn initial<A: Element>(
    node: &onnx::Node,
    constants: &Constants,
    index: usize,
    name: &str,
) -> Result<Given<Array3<A>>> {
    let Some(value) = node.input(index) else {
        return Ok(Given::No);
    };
    Ok(match constants.floats(value)? {
        Known::Zeros => Given::No,
        Known::Later(_) => Given::Later(value.to_string()),
        Known::Now(array) => {
            let axes = array.ndim();
            let array = array.mapv(A::from_f64).into_dimensionality();
            Given::Now(array.map_err(|_| Error::file(name, "3 axes", axes))?)
        }
    })
}
