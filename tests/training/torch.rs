//! The kind `torch_gradient`: gradients of PyTorch's modules, in PyTorch's names and layout.

use crate::common::Outcome;
use crate::common::compare::{Precision, compare};
use crate::common::family::Family;
use crate::common::fields::Fields;
use crate::common::pipeline::Masks;
use crate::gradients::{check, tolerance};
use ndarray::{Array3, ArrayD, ArrayView2, Axis, Ix2, concatenate, s};
use recurrent::torch::{File, TorchState, c_n, h_n, initial_state};
use recurrent::train::{Gradients, Noise, Upstream};
use recurrent::{Bidirectional, Deep, Gru, Lstm, Recurrent, SimpleRnn};
use serde_json::Value;

type Both<C> = Bidirectional<C, C>;

/// What of a case does not depend on the type of the layer.
struct Case<'a> {
    family: &'a Family,
    fields: &'a Fields<'a>,
    mode: &'a str,
    batch_first: bool,
    /// The names of the states: `h0`, and `c0` of an LSTM.
    states: &'static [&'static str],
    /// The rate of dropout between the layers.
    rate: f64,
}

pub fn check_torch<A: Precision>(family: &Family, fields: &Fields) -> Outcome<f64> {
    let config = Fields::new(fields.get("config")?)?;
    let mode = config.text("mode")?;
    let case = Case {
        family,
        fields,
        mode,
        batch_first: config.bool("batch_first")?,
        rate: config
            .optional("dropout")
            .and_then(Value::as_f64)
            .unwrap_or(0.0),
        states: if mode == "LSTM" {
            &["h0", "c0"]
        } else {
            &["h0"]
        },
    };
    let relu = config.optional("nonlinearity").and_then(Value::as_str);
    let relu = relu.unwrap_or("tanh").parse()?;
    let mut arrays = Vec::new();
    for (name, tensor) in fields.get("weights")?.as_object().ok_or("no weights")? {
        arrays.push((name.clone(), family.tensor(tensor)?.mapv(A::from_f64)));
    }
    let file = File::from_arrays(arrays)?;
    config.ignore(&[
        "bias",
        "hidden_size",
        "input_size",
        "num_layers",
        "proj_size",
    ]);
    let both = config.bool("bidirectional")?;
    config.done()?;
    match (mode, both) {
        ("LSTM", false) => case.check::<A, Lstm<A>>(file.lstm("")?, Some(c_n)),
        ("LSTM", true) => case.check::<A, Both<Lstm<A>>>(file.lstm("")?, Some(c_n)),
        ("GRU", false) => case.check::<A, Gru<A>>(file.gru("")?, None),
        ("GRU", true) => case.check::<A, Both<Gru<A>>>(file.gru("")?, None),
        ("RNN", false) => case.check::<A, SimpleRnn<A>>(file.rnn("", relu)?, None),
        ("RNN", true) => case.check::<A, Both<SimpleRnn<A>>>(file.rnn("", relu)?, None),
        (other, _) => Err(format!("unknown mode {other:?}").into()),
    }
}

/// Reads the cells of a state.
type Cells<A, S> = fn(&S) -> recurrent::Result<Array3<A>>;

impl Case<'_> {
    fn array<A: Precision>(&self, name: &Value) -> Outcome<Array3<A>> {
        self.family.array3(name)
    }

    /// The masks between the layers, which PyTorch has with time first.
    fn masks<A: Precision>(&self) -> Outcome<Masks> {
        let list = self
            .fields
            .optional("dropout_masks")
            .and_then(Value::as_array);
        let named = list.into_iter().flatten().enumerate().map(|(at, mask)| {
            let mut mask = self.family.tensor(mask)?.mapv(|x| A::from_f64(x).as_f64());
            if !self.batch_first {
                mask.swap_axes(0, 1);
            }
            Ok((format!("between/{at}"), mask))
        });
        named.collect()
    }

    fn check<A: Precision, R>(
        &self,
        of: Deep<R>,
        cells: Option<Cells<A, Vec<R::State>>>,
    ) -> Outcome<f64>
    where
        R: Recurrent<Elem = A>,
        Vec<R::State>: TorchState<Elem = A>,
    {
        let of = &of.dropout(self.rate)?;
        let (family, fields) = (self.family, self.fields);
        let x: Array3<A> = self.array(fields.get("x")?)?;
        let mut run = of.run(&x);
        if !self.batch_first {
            run = run.time_major();
        }
        let lengths = fields.nullable("lengths")?;
        let lengths: Option<Vec<usize>> = lengths
            .map(|lengths| serde_json::from_value(lengths.clone()))
            .transpose()?;
        if let Some(lengths) = &lengths {
            run = run.lengths(lengths).zero_output_for_mask();
        }
        if let Some(list) = fields.nullable("initial_state")? {
            let mut arrays = Vec::new();
            for (value, role) in list.as_array().ok_or("no list")?.iter().zip(self.states) {
                if value["role"] != *role {
                    return Err(format!("{value} is not {role}").into());
                }
                arrays.push(self.array::<A>(&value["tensor"])?);
            }
            let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
            run = run.initial_state(initial_state(of, &views)?);
        }
        let masks = self.masks::<A>()?;
        let pass = if self.rate > 0.0 {
            run.record_with(Noise::seed(1).given(&masks))?
        } else {
            run.record()?
        };
        if pass.masks() != masks {
            return Err("the masks that were read back are not those that were given".into());
        }
        let states = |state: &Vec<R::State>| -> Outcome<Vec<Array3<A>>> {
            let mut arrays = vec![h_n(state)?];
            arrays.extend(cells.map(|cells| cells(state)).transpose()?);
            Ok(arrays)
        };
        let mut got = vec![pass.sequences().to_owned()];
        got.extend(states(pass.state())?);
        let outputs = fields.list("outputs")?;
        let mut worst = 0.0_f64;
        for ((output, got), role) in outputs.iter().zip(&got).zip(["output", "hn", "cn"]) {
            if output["role"] != *role {
                return Err(format!("{output} is not {role}").into());
            }
            let want = family.tensor(&output["tensor"])?;
            let got = got.clone().into_dyn();
            worst = worst.max(compare(role, &got, want, tolerance::<A>(want))?);
        }
        if outputs.len() != got.len() {
            return Err("not as many outputs".into());
        }
        for value in fields.list("upstreams")? {
            let upstream = Fields::new(value)?;
            upstream.ignore(&["loss"]);
            let name = upstream.text("name")?;
            let mut factors = Vec::new();
            for (factor, output) in upstream.list("factors")?.iter().zip(&got) {
                factors.push(match factor {
                    Value::Null => Array3::zeros(output.dim()),
                    name => self.array(name)?,
                });
            }
            let views: Vec<_> = factors[1..].iter().map(|array| array.view()).collect();
            let d_state = initial_state(of, &views)?;
            let gradient = pass.backward(&Upstream::sequences(&factors[0]).state(d_state))?;
            let dx = gradient.x.clone().into_dyn();
            worst = worst.max(check(
                &format!("{name}: x"),
                family,
                Some(&dx),
                upstream.get("grad_x")?,
            )?);
            if let Some(list) = upstream.nullable("grad_initial_state")? {
                let list = list.as_array().ok_or("no list")?;
                for (want, got) in list.iter().zip(states(&gradient.initial_state)?) {
                    let what = format!("{name}: {}", want["role"]);
                    let got = got.into_dyn();
                    worst = worst.max(check(&what, family, Some(&got), &want["tensor"])?);
                }
            }
            let grads = upstream.get("grads")?.as_object().ok_or("no gradients")?;
            for (weight, want) in grads {
                let got = self.in_torch(&gradient.weights, weight)?;
                worst = worst.max(check(
                    &format!("{name}: {weight}"),
                    family,
                    Some(&got),
                    want,
                )?);
            }
            upstream.only_describes(family)?;
        }
        Ok(worst)
    }

    /// The gradient of an array of PyTorch, by its name: `weight_ih_l0_reverse`.
    fn in_torch<A: Precision>(&self, gradients: &Gradients<A>, name: &str) -> Outcome<ArrayD<A>> {
        let (kind, place) = name.rsplit_once("_l").ok_or("a name without a layer")?;
        let (layer, direction) = match place.strip_suffix("_reverse") {
            Some(layer) => (layer, "backward/"),
            None => (place, "forward/"),
        };
        let array = |own: &str| {
            let both = gradients.get(&format!("{layer}/{direction}{own}"));
            let found = both.or_else(|| gradients.get(&format!("{layer}/{own}")));
            found
                .cloned()
                .ok_or_else(|| format!("no gradient {own} of layer {layer}"))
        };
        Ok(match kind {
            "weight_ih" => self.rows(array("kernel")?.into_dimensionality::<Ix2>()?.t())?,
            "weight_hh" => {
                self.rows(array("recurrent_kernel")?.into_dimensionality::<Ix2>()?.t())?
            }
            "weight_hr" => array("projection")?
                .into_dimensionality::<Ix2>()?
                .t()
                .to_owned()
                .into_dyn(),
            // PyTorch adds two biases where one is enough, so each has the gradient of the sum; but the second of a GRU is
            // inside of the reset.
            "bias_ih" | "bias_hh" => {
                let bias = array("bias")?;
                let row = usize::from(kind == "bias_hh" && bias.ndim() == 2);
                let bias = match bias.ndim() {
                    2 => bias.index_axis(Axis(0), row).to_owned(),
                    _ => bias,
                };
                let column = bias.insert_axis(Axis(1)).into_dimensionality::<Ix2>()?;
                self.rows(column.view())?.index_axis(Axis(1), 0).to_owned()
            }
            other => return Err(format!("unknown array {other:?}").into()),
        })
    }

    /// The gates, which are rows in PyTorch, in its order: of a GRU r, z, n, and z, r, n here.
    fn rows<A: Precision>(&self, gates: ArrayView2<A>) -> Outcome<ArrayD<A>> {
        if self.mode != "GRU" {
            return Ok(gates.to_owned().into_dyn());
        }
        let units = gates.nrows() / 3;
        let gate = |n: usize| gates.slice(s![n * units..(n + 1) * units, ..]);
        Ok(concatenate(Axis(0), &[gate(1), gate(0), gate(2)])?.into_dyn())
    }
}
