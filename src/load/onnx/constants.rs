//! `Constants`: what a graph knows before it runs. Weights often pass through a few operators on their way to a node.

use super::known::{Known, unknown};
use super::{arrays, dequantize::dequantize};
use crate::arrays::ToArray;
use crate::error::{Error, Result};
use crate::format::onnx::{Graph, Initializer, Node, Source, Value};
use crate::format::{self, Meter, RawArray};
use crate::{Element, Limits};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::{ArrayD, arr0, arr1};

/// What every step towards a constant counts, beside the bytes of the array.
const STEP: u64 = 64;
/// The allowance, in sizes of the file. A weight passes few operators; only a file that names its own arrays again and again
/// needs more.
const TIMES: u64 = 64;

/// The values that nodes of a graph see: those of the graph itself, and of the graphs around it.
pub(super) struct Constants<'m> {
    /// The outermost first.
    scopes: Vec<Scope<'m>>,
    source: Source<'m>,
    steps: Meter,
    depth: usize,
}

struct Scope<'m> {
    graph: &'m Graph,
    /// The node that makes a value; none if it is an input of the graph.
    makers: BTreeMap<&'m str, Option<&'m Node>>,
    /// The lengths of axes that the graph tells, each `None` if it is free.
    shapes: BTreeMap<&'m str, &'m [Option<i64>]>,
}

/// What has a name.
enum Place<'m> {
    Initializer(&'m Initializer),
    Node(&'m Node),
    /// Of a graph.
    Input,
}

/// An array and whether it holds floating-point numbers.
struct Constant {
    values: ArrayD<f64>,
    is_float: bool,
}

impl Constant {
    fn is_zero(&self) -> bool {
        self.is_float && self.values.iter().all(|&x| x == 0.0)
    }
}

/// Why there is no array.
enum Stop {
    Zeros,
    Later(String),
    Wrong(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Wrong(error)
    }
}

impl From<format::Error> for Stop {
    fn from(error: format::Error) -> Self {
        Stop::Wrong(error.into())
    }
}

type Found<T> = core::result::Result<T, Stop>;

impl<'m> Constants<'m> {
    /// `graphs` are those around a node, the outermost first; `bytes` is the size of the file, and of those beside it.
    pub fn new(graphs: &[&'m Graph], source: Source<'m>, bytes: u64, limits: &Limits) -> Self {
        let scope = |graph: &&'m Graph| {
            let mut makers = BTreeMap::new();
            makers.extend(graph.inputs.iter().map(|input| (input.name.as_str(), None)));
            for node in &graph.nodes {
                let outputs = node.outputs.iter().map(String::as_str);
                makers.extend(outputs.map(|output| (output, Some(node))));
            }
            let infos = graph.inputs.iter().chain(&graph.values);
            let shapes =
                infos.filter_map(|info| Some((info.name.as_str(), info.shape.as_deref()?)));
            Scope {
                graph,
                makers,
                shapes: shapes.collect(),
            }
        };
        let allowance = TIMES.saturating_mul(bytes);
        Constants {
            scopes: graphs.iter().map(scope).collect(),
            source,
            steps: Meter::new("bytes of constants", allowance),
            depth: limits.depth,
        }
    }

    /// The floating-point numbers of a name.
    pub fn floats(&self, name: &str) -> Result<Known> {
        self.known(name, true)
    }

    /// The whole numbers of a name.
    pub fn integers(&self, name: &str) -> Result<Known> {
        self.known(name, false)
    }

    /// The floating-point numbers of a name, which must be known.
    pub fn array<A: Element>(&self, name: &str) -> Result<ArrayD<A>> {
        if let Some(tensor) = self.tensor(name)? {
            return tensor.array();
        }
        match self.floats(name)? {
            Known::Now(array) => Ok(array.mapv(A::from_f64)),
            Known::Zeros => Err(unknown(
                name,
                "zeros of a shape that is not known before it runs",
            )),
            Known::Later(found) => Err(unknown(name, found)),
        }
    }

    /// The whole numbers of an initialiser.
    pub fn whole_numbers(&self, name: &str) -> Result<ArrayD<i64>> {
        match self.tensor(name)? {
            Some(tensor) => tensor.integers(),
            None => Err(Error::file(
                name,
                "an initialiser or a Constant",
                "another value",
            )),
        }
    }

    /// The array of the file that a name stands for, not read yet; `None` if the name stands for something else.
    pub fn tensor(&self, name: &str) -> Result<Option<RawArray<'m>>> {
        let (mut name, mut scopes) = (name, self.scopes.len());
        for _ in 0..=self.depth {
            let Some((level, found)) = self.find(name, scopes) else {
                return Ok(None);
            };
            let node = match found {
                Place::Initializer(initializer) => {
                    return Ok(Some(initializer.tensor(self.source)?));
                }
                Place::Node(node) => node,
                Place::Input => return Ok(None),
            };
            let is_onnx = matches!(node.domain.as_str(), "" | "ai.onnx");
            match (node.op_type.as_str(), &node.attributes[..]) {
                ("Constant", [attribute]) if is_onnx => {
                    return match &attribute.value {
                        Value::Tensor(tensor) => Ok(Some(tensor.tensor(self.source)?)),
                        _ => Ok(None),
                    };
                }
                ("Identity", _) if is_onnx => match node.input(0) {
                    Some(input) => (name, scopes) = (input, level + 1),
                    None => return Ok(None),
                },
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Where a name is, looking from the first `scopes` graphs: the innermost of them that has it.
    fn find(&self, name: &str, scopes: usize) -> Option<(usize, Place<'m>)> {
        let scopes = self.scopes.iter().enumerate().take(scopes).rev();
        let mut found = scopes.filter_map(|(level, scope)| {
            if let Some(initializer) = scope.graph.initializer(name) {
                return Some((level, Place::Initializer(initializer)));
            }
            let maker = scope.makers.get(name)?;
            Some((level, maker.map_or(Place::Input, Place::Node)))
        });
        found.next()
    }

    fn known(&self, name: &str, is_float: bool) -> Result<Known> {
        match self.value(name, self.scopes.len(), 0) {
            Ok(found) if found.is_float == is_float => Ok(Known::Now(found.values)),
            Ok(_) => {
                let kinds = ["whole numbers", "floating-point numbers"];
                let (expected, found) =
                    (kinds[usize::from(is_float)], kinds[usize::from(!is_float)]);
                Err(Error::file(name, expected, found))
            }
            Err(Stop::Zeros) => Ok(Known::Zeros),
            Err(Stop::Later(why)) => Ok(Known::Later(why)),
            Err(Stop::Wrong(error)) => Err(error),
        }
    }

    /// The array of a name in the first `scopes` graphs.
    fn value(&self, name: &str, scopes: usize, depth: usize) -> Found<Constant> {
        self.steps.take(STEP, name)?;
        if depth > self.depth {
            let expected = format!("at most {} operators before a node", self.depth);
            return Err(Error::file(name, expected, "more").into());
        }
        match self.find(name, scopes) {
            Some((_, Place::Initializer(initializer))) => self.read(initializer),
            Some((level, Place::Node(node))) => {
                let inputs = Inputs {
                    of: self,
                    node,
                    scopes: level + 1,
                    depth: depth + 1,
                };
                let made = inputs.run()?;
                self.steps.take(8 * made.values.len() as u64, name)?;
                Ok(made)
            }
            Some((_, Place::Input)) => Err(Stop::Later("an input of the graph".into())),
            None => {
                let expected = "an initialiser, an input, or an output of a node";
                Err(Error::file(name, expected, "nothing of that name").into())
            }
        }
    }

    /// The lengths of axes that the first `scopes` graphs tell of a name.
    fn shape(&self, name: &str, scopes: usize) -> Option<&'m [Option<i64>]> {
        let mut scopes = self.scopes[..scopes].iter().rev();
        let scope = scopes.find(|scope| {
            scope.makers.contains_key(name) || scope.graph.initializer(name).is_some()
        })?;
        scope.shapes.get(name).copied()
    }

    fn read(&self, initializer: &Initializer) -> Found<Constant> {
        let tensor = initializer.tensor(self.source)?;
        let numbers = tensor.shape().iter().map(|&n| n as u64);
        let numbers = numbers.fold(8, u64::saturating_mul);
        self.steps.take(numbers, tensor.name())?;
        Ok(Constant {
            values: tensor.numbers()?,
            is_float: tensor.number().is_float(),
        })
    }
}

/// A node of a constant part of the graph, and where its inputs are looked up.
struct Inputs<'c, 'm> {
    of: &'c Constants<'m>,
    node: &'m Node,
    scopes: usize,
    depth: usize,
}

impl Inputs<'_, '_> {
    fn run(&self) -> Found<Constant> {
        let op = match self.node.domain.as_str() {
            "" | "ai.onnx" => self.node.op_type.as_str(),
            _ => "",
        };
        match op {
            "Constant" => self.constant(),
            "Identity" => self.input(0),
            "Cast" => self.cast(),
            "Concat" => self.concat(),
            "Transpose" => {
                let perm = self.attribute("perm")?;
                self.map(|x| arrays::transpose(x, perm))
            }
            "Squeeze" => {
                let axes = self.list("axes", 1)?;
                self.map(|x| arrays::squeeze(x, axes.as_deref()))
            }
            "Unsqueeze" => {
                let axes = self.required("axes", 1)?;
                self.map(|x| arrays::unsqueeze(x, &axes))
            }
            "Reshape" => {
                if let Some(Value::Int(1)) = self.node.attribute("allowzero") {
                    return Err(self.refuse("allowzero 0", 1));
                }
                let shape = self.required("shape", 1)?;
                self.map(|x| arrays::reshape(x, &shape))
            }
            "Slice" => {
                let (starts, ends) = (self.required("starts", 1)?, self.required("ends", 2)?);
                let (axes, steps) = (self.list("axes", 3)?, self.list("steps", 4)?);
                if let Some(step) = steps.iter().flatten().find(|&&step| step != 1) {
                    return Err(self.refuse("steps of 1", step));
                }
                self.map(|x| arrays::slice(x, &starts, &ends, axes.as_deref()))
            }
            "Shape" => self.shape(),
            "Mul" => self.product(),
            "DequantizeLinear" => self.dequantized(),
            // To a shape that is mostly not known: all that can be told is whether they are zeros.
            "Expand" if self.input(0)?.is_zero() => Err(Stop::Zeros),
            "ConstantOfShape" => match self.node.attribute("value") {
                None => Err(Stop::Zeros),
                Some(Value::Tensor(value)) if self.of.read(value)?.is_zero() => Err(Stop::Zeros),
                Some(_) => Err(self.later()),
            },
            _ => Err(self.later()),
        }
    }

    fn later(&self) -> Stop {
        let (op, name) = (&self.node.op_type, &self.node.name);
        Stop::Later(format!("the output of {op} {name:?}"))
    }

    fn refuse(&self, expected: impl ToString, found: impl ToString) -> Stop {
        let part = format!("{} {:?}", self.node.op_type, self.node.name);
        Stop::Wrong(Error::file(part, expected, found))
    }

    fn input(&self, index: usize) -> Found<Constant> {
        let missing = || self.refuse(format!("an input {index}"), "none");
        let name = self.node.input(index).ok_or_else(missing)?;
        self.of.value(name, self.scopes, self.depth)
    }

    /// An input whose numbers tell what to do: it is that which is zeros then, not what comes out.
    fn known(&self, index: usize) -> Found<Constant> {
        match self.input(index) {
            Err(Stop::Zeros) => Err(self.later()),
            other => other,
        }
    }

    /// Input 0, of the same kind of number, after `change`.
    fn map(&self, change: impl FnOnce(ArrayD<f64>) -> Result<ArrayD<f64>>) -> Found<Constant> {
        let Constant { values, is_float } = self.input(0)?;
        let changed = change(values).map_err(|error| error.within(&self.node.name));
        Ok(Constant {
            values: changed?,
            is_float,
        })
    }

    fn attribute(&self, name: &str) -> Found<Option<&[i64]>> {
        match self.node.attribute(name) {
            None => Ok(None),
            Some(Value::Ints(ints)) => Ok(Some(ints)),
            Some(_) => Err(self.refuse(format!("whole numbers in {name}"), "another type")),
        }
    }

    /// Whole numbers, as old versions of an operator have them in an attribute and new ones in an input.
    fn list(&self, attribute: &str, index: usize) -> Found<Option<Vec<i64>>> {
        if let Some(ints) = self.attribute(attribute)? {
            return Ok(Some(ints.to_vec()));
        }
        if self.node.input(index).is_none() {
            return Ok(None);
        }
        let Constant { values, is_float } = self.known(index)?;
        if is_float {
            return Err(self.refuse(format!("whole numbers as {attribute}"), "others"));
        }
        #[allow(clippy::cast_possible_truncation)]
        // whole; the largest stand for the end of an axis
        let ints = values.iter().map(|&n| n as i64).collect();
        Ok(Some(ints))
    }

    fn required(&self, attribute: &str, index: usize) -> Found<Vec<i64>> {
        let missing = || self.refuse(attribute, "none");
        self.list(attribute, index)?.ok_or_else(missing)
    }

    /// Lengths of axes: those that the graph tells, or of an array that is known.
    fn shape(&self) -> Found<Constant> {
        let name = self.node.input(0).unwrap_or_default();
        let lengths: Vec<_> = if let Some(told) = self.of.shape(name, self.scopes) {
            told.iter().map(|n| n.filter(|&n| n >= 0)).collect()
        } else {
            let known = self.known(0)?;
            let lengths = known.values.shape().iter();
            lengths.map(|&n| i64::try_from(n).ok()).collect()
        };
        let place = |name, default| match self.node.attribute(name) {
            None => Ok(default),
            Some(&Value::Int(n)) => Ok(arrays::place(n, lengths.len())),
            Some(_) => Err(self.refuse(format!("a whole number as {name}"), "another type")),
        };
        let (start, end) = (place("start", 0)?, place("end", lengths.len())?);
        let lengths = lengths.get(start..end).unwrap_or_default().iter();
        let lengths: Option<Vec<f64>> = lengths.map(|n| n.map(|n| n as f64)).collect();
        let values = arr1(&lengths.ok_or_else(|| self.later())?).into_dyn();
        let is_float = false;
        Ok(Constant { values, is_float })
    }

    /// Whole numbers times one: places where gates begin. What a runtime makes of other products is its own.
    fn product(&self) -> Found<Constant> {
        let (a, b) = (self.known(0)?, self.known(1)?);
        if a.is_float || b.is_float {
            return Err(self.later());
        }
        let (many, one) = if b.values.len() == 1 { (a, b) } else { (b, a) };
        match one.values.first() {
            Some(&factor) if one.values.len() == 1 && one.values.ndim() <= 1 => Ok(Constant {
                values: many.values.mapv(|n| n * factor),
                is_float: false,
            }),
            _ => Err(self.later()),
        }
    }

    /// (x - zero point) · scale, rounded to a `f32`, which is what the operator gives.
    fn dequantized(&self) -> Found<Constant> {
        let (x, scale) = (self.known(0)?, self.known(1)?);
        let zero = match self.node.input(2) {
            Some(_) => Some(self.known(2)?),
            None => None,
        };
        if x.is_float || !scale.is_float || zero.as_ref().is_some_and(|zero| zero.is_float) {
            let expected = "whole numbers, a scale with a fraction, and a whole zero point";
            return Err(self.refuse(expected, "others"));
        }
        let named = self.node.attributes.iter().map(|attribute| &attribute.name);
        for name in named {
            if !matches!(name.as_str(), "axis" | "block_size") {
                return Err(self.refuse("axis and no other attribute", name));
            }
        }
        if !matches!(
            self.node.attribute("block_size"),
            None | Some(Value::Int(0))
        ) {
            return Err(self.refuse("one scale, or one for each place of an axis", "blocks"));
        }
        let axis = match self.node.attribute("axis") {
            None => 1,
            Some(&Value::Int(axis)) => axis,
            Some(_) => return Err(self.refuse("a whole number as axis", "another type")),
        };
        let zero = zero.as_ref().map(|zero| &zero.values);
        let values = dequantize(x.values, &scale.values, zero, axis);
        Ok(Constant {
            values: values.map_err(|error| error.within(&self.node.name))?,
            is_float: true,
        })
    }

    fn constant(&self) -> Found<Constant> {
        let [attribute] = &self.node.attributes[..] else {
            return Err(self.refuse("one attribute", self.node.attributes.len()));
        };
        let (values, is_float) = match &attribute.value {
            Value::Tensor(tensor) => return self.of.read(tensor),
            Value::Float(x) => (arr0(f64::from(*x)).into_dyn(), true),
            Value::Floats(list) => (arr1(list).mapv(f64::from).into_dyn(), true),
            Value::Int(n) => (arr0(*n as f64).into_dyn(), false),
            Value::Ints(list) => (arr1(list).mapv(|n| n as f64).into_dyn(), false),
            _ => return Err(self.refuse("numbers", &attribute.name)),
        };
        Ok(Constant { values, is_float })
    }

    fn cast(&self) -> Found<Constant> {
        let Constant { values, .. } = self.input(0)?;
        let values = match self.node.attribute("to") {
            Some(Value::Int(1)) => values.mapv(|x| f64::from(f32::from_f64(x))),
            Some(Value::Int(11)) => values,
            _ => return Err(self.refuse("a cast to FLOAT or DOUBLE", "another one")),
        };
        Ok(Constant {
            values,
            is_float: true,
        })
    }

    fn concat(&self) -> Found<Constant> {
        let Some(Value::Int(axis)) = self.node.attribute("axis") else {
            return Err(self.refuse("an axis", "none"));
        };
        let parts = (0..self.node.inputs.len()).map(|index| self.input(index));
        let parts: Vec<_> = parts.collect();
        if !parts.is_empty() && parts.iter().all(|part| matches!(part, Err(Stop::Zeros))) {
            return Err(Stop::Zeros);
        }
        let known = parts.into_iter().map(|part| match part {
            Err(Stop::Zeros) => Err(self.later()),
            other => other,
        });
        let parts = known.collect::<Found<Vec<Constant>>>()?;
        let is_float = parts.iter().any(|part| part.is_float);
        let parts: Vec<_> = parts.into_iter().map(|part| part.values).collect();
        let joined = arrays::concat(&parts, *axis).map_err(|e| e.within(&self.node.name));
        Ok(Constant {
            values: joined?,
            is_float,
        })
    }
}
