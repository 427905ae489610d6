//! `Layout`: how another framework arranges the weights of a recurrent layer.

use crate::Element;
use crate::error::{Error, Result};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayRef, ArrayView2, ArrayViewD, Axis, Dimension, Ix1, Ix2, s};

/// How the arrays of another framework arrange the gates of a recurrent layer: their order, and on which axis they are.
///
/// [`LstmBuilder::from_arrays`](crate::LstmBuilder::from_arrays), [`GruBuilder::from_arrays`](crate::GruBuilder::from_arrays)
/// and [`SimpleRnnBuilder::from_arrays`](crate::SimpleRnnBuilder::from_arrays) take it with the arrays, and arrange them as
/// Keras does. The page [`doc::layouts`](crate::doc::layouts) has the layout of each framework.
///
/// The gates are one letter each, in the order of the arrays:
///
/// | layer | letters |
/// | --- | --- |
/// | LSTM | `i` input, `f` forget, `o` output; `c`, `g` or `j` for the candidate |
/// | GRU | `z` or `u` update, `r` reset; `h`, `n`, `c`, `g` or `a` for the candidate |
/// | simple RNN | `h` |
///
/// Both kernels have the same arrangement, in one of these shapes. n is the number of features, or of units for the
/// recurrent kernel:
///
/// | | gates one after another | an axis of gates |
/// | --- | --- | --- |
/// | [`rows`](Self::rows) | (gates·units, n) | (gates, units, n) |
/// | [`columns`](Self::columns) | (n, gates·units) | (gates, n, units) |
///
/// An array of another shape is refused. If n is gates·units (or, with an axis of gates, units), rows and columns have the
/// same shape, and nothing can tell them apart.
///
/// ```
/// use ndarray::{Array2, array};
/// use recurrent::{Layout, Lstm};
/// // DyNet's VanillaLSTMBuilder: gates i, f, o, g in rows; 1 is added to the forget gate.
/// let layout = Layout::rows("ifog").forget_bias(1.0);
/// let x2i = array![[1.0_f32, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]; // 4 gates x 1 unit, 2 features
/// let h2i = array![[0.1], [0.2], [0.3], [0.4]];
/// let bi = array![5.0, 6.0, 7.0, 8.0];
/// let lstm = Lstm::builder(2, 1).from_arrays(&layout, &x2i, &h2i, &[&bi])?;
/// assert_eq!(lstm.kernel(), array![[1.0, 2.0, 4.0, 3.0], [10.0, 20.0, 40.0, 30.0]]); // i, f, c, o
/// assert_eq!(lstm.bias(), Some(array![5.0, 7.0, 8.0, 7.0]));
///
/// let error = Lstm::builder(2, 1).from_arrays(&Layout::columns("ifog"), &x2i, &h2i, &[&bi]);
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "kernel is [4, 2], as Layout::rows(\"ifog\") has it, expected (features, gates x units) = [2, 4]"
/// );
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    gates: String,
    rows: bool,
    forget_bias: f64,
    update_takes_new: bool,
}

impl Layout {
    /// The gates are blocks of rows: kernels are (gates·units, features) or (gates, units, features). Each row has the
    /// weights of one unit, as in PyTorch.
    pub fn rows(gates: impl Into<String>) -> Self {
        Layout {
            gates: gates.into(),
            rows: true,
            forget_bias: 0.0,
            update_takes_new: false,
        }
    }

    /// The gates are blocks of columns: kernels are (features, gates·units) or (gates, features, units). Each column has
    /// the weights of one unit, as in Keras.
    pub fn columns(gates: impl Into<String>) -> Self {
        Layout {
            rows: false,
            ..Layout::rows(gates)
        }
    }

    /// A number that the framework adds to the sum of an LSTM's forget gate when it runs, beside the bias. The default is
    /// 0. TensorFlow 1, DyNet and Haiku add 1.
    pub fn forget_bias(mut self, forget_bias: f64) -> Self {
        self.forget_bias = forget_bias;
        self
    }

    /// Whether the update gate of a GRU takes the new value: `h' = z * g + (1 - z) * h` instead of Keras'
    /// `h' = z * h + (1 - z) * g`. No by default. DyNet, Haiku, Lasagne, madmom and Paddle's `dynamic_gru` are so.
    ///
    /// The weights of the gate are negated, since `1 - sigmoid(x) = sigmoid(-x)`. The recurrent activation must have that
    /// property: the sigmoid has it, and so has a hard sigmoid whose value at 0 is one half.
    pub fn update_takes_new(mut self, update_takes_new: bool) -> Self {
        self.update_takes_new = update_takes_new;
        self
    }

    /// The arrays in Keras' layout, checked.
    pub(super) fn arrange<A: Element, D: Dimension, E: Dimension>(
        &self,
        cell: &CellGates,
        sizes: Sizes,
        kernel: &ArrayRef<A, D>,
        recurrent_kernel: &ArrayRef<A, E>,
        biases: &[&ArrayRef<A, Ix1>],
    ) -> Result<Arrays<A>> {
        let order = self.order(cell)?;
        let Sizes { features, h, units } = sizes;
        let matrix = |name, array: ArrayViewD<A>, n| self.matrix(name, &array, &order, (n, units));
        let mut arrays = Arrays {
            kernel: matrix(("kernel", "features"), kernel.view().into_dyn(), features)?,
            recurrent_kernel: matrix(
                ("recurrent_kernel", "units"),
                recurrent_kernel.view().into_dyn(),
                h,
            )?,
            biases: biases_in(&order, units, biases)?,
        };
        self.add_forget_bias(cell, units, &mut arrays.biases)?;
        if self.update_takes_new {
            arrays.negate_update(cell, units)?;
        }
        Ok(arrays)
    }

    /// For each gate in Keras' order, its place in these arrays.
    fn order(&self, cell: &CellGates) -> Result<Vec<usize>> {
        let place = |names: &&str| {
            let mut places = self.gates.chars().enumerate();
            places.find(|&(_, letter)| names.contains(letter))
        };
        let order: Option<Vec<usize>> = cell
            .letters
            .iter()
            .map(|names| place(names).map(|(at, _)| at))
            .collect();
        // As many letters as gates, and each gate among them: so none is there twice.
        order
            .filter(|order| order.len() == self.gates.chars().count())
            .ok_or_else(|| {
                let letters: Vec<String> = cell.letters.iter().map(|names| or(names)).collect();
                let expected = format!("{} once each, for {}", letters.join(", "), cell.name);
                Error::value("order of gates", expected, format!("{:?}", self.gates))
            })
    }

    /// A kernel as Keras has it, (n, gates · units).
    fn matrix<A: Element>(
        &self,
        (name, axis): (&'static str, &str),
        array: &ArrayViewD<A>,
        order: &[usize],
        (n, units): (usize, usize),
    ) -> Result<Array2<A>> {
        let gates = order.len();
        let columns = gates * units;
        let shape = array.shape();
        let (flat, stacked) = shapes(self.rows, gates, units, n);
        if shape != flat && shape != stacked {
            return Err(self.wrong_shape((name, axis), shape, gates, (n, units)));
        }
        let mut all = Array2::zeros((n, columns));
        for (gate, &from) in order.iter().enumerate() {
            let block = if shape == stacked {
                array.index_axis(Axis(0), from)
            } else {
                let axis = Axis(usize::from(!self.rows));
                array.slice_axis(axis, (from * units..(from + 1) * units).into())
            };
            let block: ArrayView2<A> = block.into_dimensionality::<Ix2>()?;
            let block = if self.rows {
                block.reversed_axes()
            } else {
                block
            };
            all.slice_mut(s![.., gate * units..(gate + 1) * units])
                .assign(&block);
        }
        Ok(all)
    }

    #[cold]
    fn wrong_shape(
        &self,
        (name, axis): (&'static str, &str),
        found: &[usize],
        gates: usize,
        (n, units): (usize, usize),
    ) -> Error {
        let (flat, stacked) = shapes(self.rows, gates, units, n);
        let expected = match (found.len(), gates, self.rows) {
            (3, _, true) => format!("(gates, units, {axis}) = {stacked:?}"),
            (3, _, false) => format!("(gates, {axis}, units) = {stacked:?}"),
            (_, 1, true) => format!("(units, {axis}) = {flat:?}"),
            (_, 1, false) => format!("({axis}, units) = {flat:?}"),
            (_, _, true) => format!("(gates x units, {axis}) = {flat:?}"),
            (_, _, false) => format!("({axis}, gates x units) = {flat:?}"),
        };
        let other = shapes(!self.rows, gates, units, n);
        let sorted = |shape: &[usize]| {
            let mut shape = shape.to_vec();
            shape.sort_unstable();
            shape
        };
        let hint = if found == other.0 || found == other.1 {
            let other = if self.rows { "columns" } else { "rows" };
            format!(", as Layout::{other}({:?}) has it", self.gates)
        } else if sorted(found) == sorted(&stacked) {
            ", whose axes have another order".to_string()
        } else {
            String::new()
        };
        Error::value(name, expected, format!("{found:?}{hint}"))
    }

    /// Adds the number to the first bias, or makes one.
    fn add_forget_bias<A: Element>(
        &self,
        cell: &CellGates,
        units: usize,
        biases: &mut Vec<Array1<A>>,
    ) -> Result<()> {
        let added = self.forget_bias;
        if added == 0.0 {
            return Ok(());
        }
        if !added.is_finite() {
            return Err(Error::value("forget_bias", "a finite number", added));
        }
        let Some(gate) = cell.letters.iter().position(|&names| names == FORGET) else {
            let expected = format!("0, since {} has no forget gate", cell.name);
            return Err(Error::value("forget_bias", expected, added));
        };
        if biases.is_empty() {
            biases.push(Array1::zeros(cell.letters.len() * units));
        }
        let mut of_gate = biases[0].slice_mut(s![gate * units..(gate + 1) * units]);
        of_gate += A::from_f64(added);
        Ok(())
    }

    /// Whether the update gate has to be negated.
    pub(super) fn negates_update(&self) -> bool {
        self.update_takes_new
    }
}

const FORGET: &str = "f";
const UPDATE: &str = "zu";

/// The gates of a cell, in Keras' order: for each one the letters that it has in other frameworks.
pub(super) struct CellGates {
    name: &'static str,
    letters: &'static [&'static str],
}

pub(super) const LSTM: CellGates = CellGates {
    name: "an LSTM",
    letters: &["i", FORGET, "cgj", "o"],
};

pub(super) const GRU: CellGates = CellGates {
    name: "a GRU",
    letters: &[UPDATE, "r", "hncga"],
};

pub(super) const SIMPLE_RNN: CellGates = CellGates {
    name: "a simple RNN",
    letters: &["h"],
};

/// The sizes of a layer. `h` is the size of its hidden state: the units, or the size of the projection.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub features: usize,
    pub h: usize,
    pub units: usize,
}

/// The arrays of a layer in Keras' layout, with as many biases as were given.
pub(super) struct Arrays<A> {
    pub kernel: Array2<A>,
    pub recurrent_kernel: Array2<A>,
    /// None, one, or two: that with the input and that with the state, (gates · units) each.
    pub biases: Vec<Array1<A>>,
}

impl<A: Element> Arrays<A> {
    /// The sum of the biases.
    pub fn bias(&self) -> Option<Array1<A>> {
        let (first, others) = self.biases.split_first()?;
        Some(others.iter().fold(first.clone(), |sum, bias| sum + bias))
    }

    /// The biases as two rows, for a reset gate that comes between them. A bias alone is that with the input.
    pub fn bias_rows(&self) -> Option<Array2<A>> {
        let first = self.biases.first()?;
        let mut rows = Array2::zeros((2, first.len()));
        for (mut row, bias) in rows.rows_mut().into_iter().zip(&self.biases) {
            row.assign(bias);
        }
        Some(rows)
    }

    /// Negates the weights of the update gate.
    fn negate_update(&mut self, cell: &CellGates, units: usize) -> Result<()> {
        let Some(gate) = cell.letters.iter().position(|&names| names == UPDATE) else {
            let expected = format!("false, since {} has no update gate", cell.name);
            return Err(Error::value("update_takes_new", expected, true));
        };
        let columns = gate * units..(gate + 1) * units;
        for kernel in [&mut self.kernel, &mut self.recurrent_kernel] {
            let mut of_gate = kernel.slice_mut(s![.., columns.clone()]);
            of_gate.mapv_inplace(|w| -w);
        }
        for bias in &mut self.biases {
            bias.slice_mut(s![columns.clone()]).mapv_inplace(|b| -b);
        }
        Ok(())
    }
}

/// The two shapes of a kernel: gates one after another, and an axis of gates.
fn shapes(rows: bool, gates: usize, units: usize, n: usize) -> ([usize; 2], [usize; 3]) {
    if rows {
        ([gates * units, n], [gates, units, n])
    } else {
        ([n, gates * units], [gates, n, units])
    }
}

/// The biases in Keras' order.
fn biases_in<A: Element>(
    order: &[usize],
    units: usize,
    biases: &[&ArrayRef<A, Ix1>],
) -> Result<Vec<Array1<A>>> {
    if biases.len() > 2 {
        let expected = "0, 1 or 2: that with the input, and that with the state";
        return Err(Error::value("number of biases", expected, biases.len()));
    }
    let len = order.len() * units;
    let arrange = |bias: &&ArrayRef<A, Ix1>| {
        if bias.len() == 2 * len && biases.len() == 1 {
            let expected = format!(
                "{len} (gates x units): two biases in one array are two, `&[&b.slice(s![..{len}]), &b.slice(s![{len}..])]`"
            );
            return Err(Error::value("length of the bias", expected, bias.len()));
        }
        if bias.len() != len {
            let expected = format!("{len} (gates x units)");
            return Err(Error::value("length of the bias", expected, bias.len()));
        }
        let picked = order
            .iter()
            .flat_map(|&from| from * units..(from + 1) * units);
        Ok(picked.map(|k| bias[k]).collect())
    };
    biases.iter().map(arrange).collect()
}

/// "c (or g, j)"
fn or(names: &str) -> String {
    let mut letters = names.chars().map(String::from);
    let first = letters.next().unwrap_or_default();
    let others: Vec<String> = letters.collect();
    match others.as_slice() {
        [] => first,
        _ => format!("{first} (or {})", others.join(", ")),
    }
}
