//! `Summary`: the table of a model's layers that Keras prints.

use super::{Model, Shape};
use crate::Element;
use crate::describe::ParameterCount;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// The layers of a model with their shapes and parameter counts. `Display` prints them as a table.
///
/// ```
/// use ndarray::Array2;
/// use recurrent::{Dense, Layer, Lstm, Model};
/// let model = Model::new()
///     .input("x", [None, Some(5), Some(2)])
///     .add(Layer::new(Lstm::<f32>::builder(2, 4).build()?))
///     .add_as("scores", Dense::from_weights(Array2::eye(4), None)?);
/// let summary = model.summary();
/// assert_eq!(summary.layers[0].parameter_count.total(), 112);
/// assert_eq!(summary.to_string(), "\
/// Layer (type)    Output Shape  Param #
/// -------------------------------------
/// lstm            (None, 4)         112
/// scores (dense)  (None, 4)          16
/// -------------------------------------
/// Total params: 128 (512.00 B)
/// Trainable params: 128 (512.00 B)
/// Non-trainable params: 0 (0.00 B)
/// Input: x (None, 5, 2)
/// ");
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The inputs of a model that is not a plain sequence, then every layer, once.
    pub layers: Vec<SummaryRow>,
    /// The parameter count of all layers together.
    pub parameter_count: ParameterCount,
    /// Whether the model is a plain sequence, in which each layer takes the output of the one before it.
    pub is_sequence: bool,
    /// The origin of the model: the program that wrote its file, and the decisions that followed from it.
    pub notes: Vec<String>,
    /// The input of a plain sequence, which has no row in the table: its name and shape, if declared.
    input: Option<String>,
    /// The number of bytes of a parameter.
    number: usize,
}

/// One layer in a [`Summary`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SummaryRow {
    /// The name in the model.
    pub name: String,
    /// The kind of the layer.
    pub kind: String,
    /// The shapes of the outputs, at the last call.
    pub shapes: Vec<Shape>,
    /// The number of learned parameters.
    pub parameter_count: ParameterCount,
    /// The inputs, call by call: names, with the index of the output if there are several.
    pub connected_to: Vec<String>,
}

impl<A: Element> Model<A> {
    /// The table of the model's layers that Keras prints.
    pub fn summary(&self) -> Summary {
        let shapes = self.shapes(None);
        let is_sequence = self.is_sequence();
        let mut layers = Vec::new();
        if !is_sequence {
            layers.extend(self.inputs.iter().map(|input| SummaryRow {
                name: input.name.clone(),
                kind: "input".into(),
                shapes: vec![shapes[input.value].clone()],
                parameter_count: ParameterCount::default(),
                connected_to: Vec::new(),
            }));
        }
        for (at, placed) in self.layers.iter().enumerate() {
            let mut calls = self.calls.iter().filter(|call| call.layer == at);
            let inputs = calls.clone().flat_map(|call| &call.inputs);
            let outputs = calls
                .next_back()
                .map(|call| &shapes[call.first..][..call.outputs]);
            layers.push(SummaryRow {
                name: placed.name.clone(),
                kind: placed.layer.name().into(),
                shapes: outputs.unwrap_or_default().to_vec(),
                parameter_count: placed.layer.parameter_count(),
                connected_to: inputs.map(|&value| self.connection(value)).collect(),
            });
        }
        let input = self.inputs.first().filter(|_| is_sequence);
        let input = input.filter(|input| input.shape.axes().is_some());
        Summary {
            layers,
            input: input.map(|input| format!("{} {}", input.name, input.shape)),
            parameter_count: self.parameter_count(),
            is_sequence,
            notes: self.notes.clone(),
            number: size_of::<A>(),
        }
    }

    fn is_sequence(&self) -> bool {
        let follows = self.calls.iter().enumerate().all(|(at, call)| {
            (call.layer, call.outputs) == (at, 1) && call.inputs == [at] && call.first == at + 1
        });
        follows && self.inputs.len() == 1 && self.outputs == [self.calls.len()]
    }

    /// The name of a value: that of its input or layer, with the index of the call and of the output where a layer has
    /// several.
    fn connection(&self, value: usize) -> String {
        let (name, output) = self.source(value);
        let Some(call) = self.calls.iter().find(|call| call.first == value - output) else {
            return name.into();
        };
        let same = self.calls.iter().filter(|other| other.layer == call.layer);
        let firsts: Vec<usize> = same.map(|call| call.first).collect();
        match firsts.iter().position(|&first| first == call.first) {
            Some(at) if firsts.len() > 1 => format!("{name}[{at}][{output}]"),
            _ if call.outputs > 1 => format!("{name}[{output}]"),
            _ => name.into(),
        }
    }
}

impl SummaryRow {
    fn cells(&self) -> [String; 4] {
        let name = if self.name == self.kind {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.kind)
        };
        let shapes: Vec<String> = self.shapes.iter().map(Shape::to_string).collect();
        let shape = match shapes.as_slice() {
            [] => "?".into(),
            [shape] => shape.clone(),
            _ => format!("[{}]", shapes.join(", ")),
        };
        let parameters = thousands(self.parameter_count.total());
        let connected_to = match self.connected_to.as_slice() {
            [] => "-".into(),
            names => names.join(", "),
        };
        [name, shape, parameters, connected_to]
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["Layer (type)", "Output Shape", "Param #", "Connected to"];
        let rows: Vec<[String; 4]> = self.layers.iter().map(SummaryRow::cells).collect();
        let columns = if self.is_sequence { 3 } else { 4 };
        let mut widths = head.map(str::len);
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let [name, shape, parameters, _] = widths;
        let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 4]| -> fmt::Result {
            write!(
                f,
                "{:<name$}  {:<shape$}  {:>parameters$}",
                cells[0], cells[1], cells[2]
            )?;
            if columns == 4 {
                write!(f, "  {}", cells[3])?;
            }
            f.write_str("\n")
        };
        let width = widths[..columns].iter().sum::<usize>() + 2 * (columns - 1);
        let rule = "-".repeat(width);
        line(f, head)?;
        writeln!(f, "{rule}")?;
        for row in &rows {
            line(f, core::array::from_fn(|i| row[i].as_str()))?;
        }
        writeln!(f, "{rule}")?;
        let ParameterCount {
            trainable,
            non_trainable,
        } = self.parameter_count;
        for (what, count) in [
            ("Total", self.parameter_count.total()),
            ("Trainable", trainable),
            ("Non-trainable", non_trainable),
        ] {
            let bytes = bytes(count.saturating_mul(self.number));
            writeln!(f, "{what} params: {} ({bytes})", thousands(count))?;
        }
        if let Some(input) = &self.input {
            writeln!(f, "Input: {input}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

/// 1,234,567
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As Keras writes it: 1.20 KB.
fn bytes(n: usize) -> String {
    let mut size = n as f64;
    for unit in ["B", "KB", "MB", "GB"] {
        if size < 1024.0 {
            return format!("{size:.2} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.2} TB")
}
