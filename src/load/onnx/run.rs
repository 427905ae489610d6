//! `Run`: a call of a node, with ONNX' inputs and outputs.

use super::cells::Cells;
use super::node::{Given, Node};
use crate::error::{Error, Result, check, check_size};
use crate::{Element, Recurrent, State};
use alloc::format;
use ndarray::{Array2, Array3, Array4, ArrayRef, ArrayView3, Axis, Ix3};

/// A call of a [`Node`], with its inputs under ONNX' names. It does nothing until [`outputs`](Self::outputs).
///
/// What the file fixes can be left out, and is overruled if it is given. What the file leaves to the graph around the node
/// must be given.
#[must_use = "a run does nothing until `outputs`"]
#[derive(Clone, Debug)]
pub struct Run<'a, A: Element> {
    node: &'a Node<A>,
    x: ArrayView3<'a, A>,
    sequence_lens: Option<&'a [usize]>,
    initial_h: Option<ArrayView3<'a, A>>,
    initial_c: Option<ArrayView3<'a, A>>,
}

/// What a node gives. With layout 1 the samples are the first axis of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs<A> {
    /// All outputs, (timesteps, directions, samples, units), in the order of time; 0 after the end of a sample.
    pub y: Array4<A>,
    /// The last h, (directions, samples, units). As in onnxruntime it is 0 for a sample of length 0, whatever its initial
    /// state.
    pub y_h: Array3<A>,
    /// The last c of an LSTM.
    pub y_c: Option<Array3<A>>,
}

impl<A: Element> Node<A> {
    /// Starts a call as ONNX has it. `x` is (timesteps, samples, features), or (samples, timesteps, features) if the node says
    /// layout 1.
    pub fn run<'a>(&'a self, x: &'a ArrayRef<A, Ix3>) -> Run<'a, A> {
        Run {
            node: self,
            x: x.view(),
            sequence_lens: None,
            initial_h: None,
            initial_c: None,
        }
    }
}

impl<'a, A: Element> Run<'a, A> {
    /// How many timesteps of each sample are real.
    pub fn sequence_lens(mut self, lengths: &'a [usize]) -> Self {
        self.sequence_lens = Some(lengths);
        self
    }

    /// (directions, samples, units); with layout 1 (samples, directions, units).
    pub fn initial_h(mut self, h: &'a ArrayRef<A, Ix3>) -> Self {
        self.initial_h = Some(h.view());
        self
    }

    /// That of an LSTM, in the shape of `initial_h`.
    pub fn initial_c(mut self, c: &'a ArrayRef<A, Ix3>) -> Self {
        self.initial_c = Some(c.view());
        self
    }

    /// Runs the node.
    pub fn outputs(self) -> Result<Outputs<A>> {
        match &self.node.cells {
            Cells::Lstm(cells) => self.directions(cells),
            Cells::Gru(cells) => self.directions(cells),
            Cells::Rnn(cells) => self.directions(cells),
        }
    }

    /// Everything is here as layout 0 has it: timesteps, directions, samples, units.
    fn directions<R: Recurrent<Elem = A>>(&self, cells: &[R]) -> Result<Outputs<A>> {
        let batch_first = self.node.batch_first;
        let mut x = self.x.view();
        if batch_first {
            x.swap_axes(0, 1);
        }
        let (timesteps, samples, features) = x.dim();
        let directions = cells.len();
        let units = cells.first().map_or(0, R::units);
        for cell in cells {
            check("input", "features", cell.features(), features)?;
        }
        check_size("Y", &[timesteps.max(1), directions, samples, units])?;
        let lengths = self.lengths()?;
        let shape = [directions, samples, units];
        let h = self.initial("initial_h", self.initial_h, &self.node.initial_h, shape)?;
        let c = self.initial("initial_c", self.initial_c, &self.node.initial_c, shape)?;
        let has_c = matches!(self.node.cells, Cells::Lstm(_));
        if !has_c && c.is_some() {
            let expected = "none, which only an LSTM has";
            return Err(Error::value("initial_c", expected, "an array"));
        }

        let mut y = Array4::zeros((timesteps, directions, samples, units));
        let mut ends = [(); 2].map(|()| Array3::zeros(shape));
        for (d, cell) in cells.iter().enumerate() {
            let mut run = cell.run(&x).time_major().in_time_order();
            run = run.zero_output_for_mask();
            if self.node.reverse || d == 1 {
                run = run.go_backwards();
            }
            if let Some(lengths) = lengths {
                run = run.lengths(lengths);
            }
            let state = |given: &Option<ArrayView3<A>>| match given {
                Some(given) => given.index_axis(Axis(0), d).to_owned(),
                None => Array2::zeros((samples, units)),
            };
            if let Some(start) = cell
                .zero_state(0)
                .with_arrays(&mut [state(&h), state(&c)].into_iter())
            {
                run = run.initial_state(start);
            }
            let end = run.sequences_and_state_into(y.index_axis_mut(Axis(1), d))?;
            for (end, array) in ends.iter_mut().zip(end.to_arrays().unwrap_or_default()) {
                end.index_axis_mut(Axis(0), d).assign(&array);
            }
        }
        for sample in 0..samples {
            if lengths.map_or(timesteps, |lengths| lengths[sample]) == 0 {
                for end in &mut ends {
                    end.index_axis_mut(Axis(1), sample).fill(A::zero());
                }
            }
        }
        let [mut y_h, mut y_c] = ends;
        if batch_first {
            let turned = |end: Array3<A>| end.permuted_axes([1, 0, 2]);
            y = y.permuted_axes([2, 0, 1, 3]);
            (y_h, y_c) = (turned(y_h), turned(y_c));
        }
        let y_c = has_c.then_some(y_c);
        Ok(Outputs { y, y_h, y_c })
    }

    fn lengths(&self) -> Result<Option<&[usize]>> {
        match (self.sequence_lens, &self.node.sequence_lens) {
            (Some(lengths), _) => Ok(Some(lengths)),
            (None, Given::Now(lengths)) => Ok(Some(lengths)),
            (None, Given::No) => Ok(None),
            (None, Given::Later(value)) => Err(missing("sequence_lens", value)),
        }
    }

    fn initial<'s>(
        &self,
        name: &'static str,
        given: Option<ArrayView3<'s, A>>,
        file: &'s Given<Array3<A>>,
        shape: [usize; 3],
    ) -> Result<Option<ArrayView3<'s, A>>> {
        let mut array = match (given, file) {
            (Some(array), _) => array,
            (None, Given::Now(array)) => array.view(),
            (None, Given::No) => return Ok(None),
            (None, Given::Later(value)) => return Err(missing(name, value)),
        };
        if self.node.batch_first {
            array.swap_axes(0, 1);
        }
        let axes = ["directions", "samples", "units"];
        for ((axis, expected), &found) in axes.into_iter().zip(shape).zip(array.shape()) {
            check(name, axis, expected, found)?;
        }
        Ok(Some(array))
    }
}

fn missing(name: &'static str, value: &str) -> Error {
    let expected = format!("the value {value:?} of the graph around the node");
    Error::value(name, expected, "not given")
}
