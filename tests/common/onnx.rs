//! Nodes of ONNX files: run as ONNX runs them, and as the layers that they become.

use super::Outcome;
use super::compare::{Expected, Precision, compare_held, same_bits};
use super::family::Family;
use super::fields::Fields;
use super::report::check_loader;
use super::roles::Named;
use ndarray::{Array3, ArrayD, Axis};
use recurrent::onnx::{File, Node, Outputs};
use recurrent::{Bidirectional, Gru, Layer, Lstm, Output, Recurrent, SimpleRnn, State};
use serde_json::Value;

/// How far the runtime's own `f32` may be from ours.
const TOLERANCE: f64 = 1e-6;

/// Every case of the family `onnx`, and of ours.
pub fn check_onnx<A: Precision>() {
    check_loader("onnx", A::NAME, check::<A>);
}

/// The inputs that are given when a node runs.
struct Given<A> {
    x: Array3<A>,
    lengths: Option<Vec<usize>>,
    initial_h: Option<Array3<A>>,
    initial_c: Option<Array3<A>>,
    batch_first: bool,
}

fn check<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    let file = File::read(family.read(case.text("file")?)?)?;
    let node = match case.optional("node").and_then(Value::as_str) {
        Some(name) => file.node(name)?,
        None => file.only()?,
    };
    let fixed = case.optional("fixed").and_then(Value::as_array);
    let is_fixed = |name: &str| fixed.is_some_and(|list| list.iter().any(|f| f == name));
    let inputs = Fields::new(case.get("inputs")?)?;
    inputs.ignore(&["W", "R", "B", "P"]); // the file has them
    let tensor = |name: &str| {
        let given = inputs.optional(name).filter(|_| !is_fixed(name));
        given.map(|name| family.tensor(name)).transpose()
    };
    let array = |name: &str| -> Outcome<Option<Array3<A>>> {
        let numbers = tensor(name)?.map(|array| array.mapv(A::from_f64));
        Ok(numbers.map(ArrayD::into_dimensionality).transpose()?)
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small whole numbers
    let lengths = tensor("sequence_lens")?.map(|l| l.iter().map(|&l| l as usize).collect());
    let config = Fields::new(case.get("config")?)?;
    let given = Given {
        x: array("X")?.ok_or("no X")?,
        lengths,
        initial_h: array("initial_h")?,
        initial_c: array("initial_c")?,
        batch_first: config.optional("layout").is_some_and(|layout| layout == 1),
    };
    inputs.done()?;
    let outputs = given.run(&node)?;
    let direction = config.optional("direction").and_then(Value::as_str);
    config.ignore(&[
        "hidden_size",
        "activations",
        "activation_alpha",
        "activation_beta",
        "clip",
        "input_forget",
        "linear_before_reset",
    ]); // attributes of the node, which the file has
    config.done()?;
    // Layers keep no states that a file fixes, and hold those of an empty sample.
    let has_empty = given.lengths.iter().flatten().any(|&length| length == 0);
    if fixed.is_none_or(Vec::is_empty) && !has_empty {
        match (case.text("cell")?, direction == Some("bidirectional")) {
            ("LSTM", false) => given.check(&outputs, node.lstm::<Layer<Lstm<A>>>()?)?,
            ("LSTM", true) => given.check(&outputs, node.lstm::<Both<Lstm<A>>>()?)?,
            ("GRU", false) => given.check(&outputs, node.gru::<Layer<Gru<A>>>()?)?,
            ("GRU", true) => given.check(&outputs, node.gru::<Both<Gru<A>>>()?)?,
            ("RNN", false) => given.check(&outputs, node.rnn::<Layer<SimpleRnn<A>>>()?)?,
            ("RNN", true) => given.check(&outputs, node.rnn::<Both<SimpleRnn<A>>>()?)?,
            (other, _) => return Err(format!("unknown cell {other:?}").into()),
        }
    }
    let Outputs { y, y_h, y_c } = outputs;
    let mut got: Named<A> = vec![("Y".into(), y.into_dyn()), ("Y_h".into(), y_h.into_dyn())];
    got.extend(y_c.map(|y_c| ("Y_c".into(), y_c.into_dyn())));
    let want = case.list("outputs")?.iter();
    let want = want.map(|value| {
        let fields = Fields::new(value)?;
        let output = Expected {
            role: fields.text("name")?.to_string(),
            shape: serde_json::from_value(fields.get("shape")?.clone())?,
            values: family.tensor(fields.get("tensor")?)?.clone(),
        };
        fields.only_describes(family)?;
        Ok(output)
    });
    let want = want.collect::<Outcome<Vec<Expected>>>()?;
    compare_held(got, &want, TOLERANCE)
}

type Both<C> = Layer<Bidirectional<C, C>>;

impl<A: Precision> Given<A> {
    fn run(&self, node: &Node<A>) -> Outcome<Outputs<A>> {
        let mut run = node.run(&self.x);
        if let Some(lengths) = &self.lengths {
            run = run.sequence_lens(lengths);
        }
        if let Some(h) = &self.initial_h {
            run = run.initial_h(h);
        }
        if let Some(c) = &self.initial_c {
            run = run.initial_c(c);
        }
        Ok(run.outputs()?)
    }

    /// The layer gives the same bits: all outputs, and the states, direction by direction.
    fn check<R: Recurrent<Elem = A>>(&self, want: &Outputs<A>, layer: Layer<R>) -> Outcome<()> {
        let directions = want.y_h.len_of(self.direction_axis());
        let mut run = layer.run(&self.x);
        if let Some(lengths) = &self.lengths {
            run = run.lengths(lengths);
        }
        if let Some(h) = &self.initial_h {
            let zero = layer.inner().zero_state(0);
            let mut initial = Vec::new();
            for d in 0..directions {
                initial.push(h.index_axis(self.direction_axis(), d).to_owned());
                let c = self.initial_c.as_ref();
                initial.extend(c.map(|c| c.index_axis(self.direction_axis(), d).to_owned()));
            }
            run = run.initial_state(
                zero.with_arrays(&mut initial.into_iter())
                    .ok_or("no state")?,
            );
        }
        let Output::SequencesAndState(hs, state) = run.output()? else {
            return Err("the flags do not return sequences and state".into());
        };
        // Directions beside each other.
        let order = if self.batch_first {
            [0, 1, 2, 3]
        } else {
            [0, 2, 1, 3]
        };
        let y = want.y.view().permuted_axes(order);
        let y = y.as_standard_layout().into_owned();
        same_bits("layer", &hs, &y.into_shape_with_order(hs.dim())?)?;
        let mut ends = state.to_arrays::<A>().ok_or("no arrays")?.into_iter();
        for d in 0..directions {
            for joined in [Some(&want.y_h), want.y_c.as_ref()].into_iter().flatten() {
                let want = joined.index_axis(self.direction_axis(), d).to_owned();
                same_bits("state of the layer", &ends.next().ok_or("no array")?, &want)?;
            }
        }
        Ok(())
    }

    fn direction_axis(&self) -> Axis {
        Axis(usize::from(self.batch_first))
    }
}
