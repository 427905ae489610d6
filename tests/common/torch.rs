//! State dicts of PyTorch, loaded from their files and called as PyTorch was.

use super::Outcome;
use super::call::output;
use super::compare::{Expected, Precision, compare_held, same_bits_all};
use super::family::Family;
use super::fields::Fields;
use super::report::check_loader;
use super::roles::Named;
use ndarray::{Array3, ArrayD, Axis, Ix2};
use recurrent::torch::{File, TorchState, c_n, h_n, initial_state};
use recurrent::{Activation, Bidirectional, Deep, Gru, Layer, Lstm, Output, Recurrent, SimpleRnn};
use serde_json::Value;

/// Every case of the family `torch`, and of ours.
pub fn check_torch<A: Precision>() {
    check_loader("torch", A::NAME, check::<A>);
}

/// One call of PyTorch.
struct Call<A> {
    x: Array3<A>,
    batch_first: bool,
    unbatched: bool,
    lengths: Option<Vec<usize>>,
    initial: Vec<Array3<A>>,
    layers: usize,
    features: usize,
    units: usize,
}

fn check<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    let config = Fields::new(case.get("config")?)?;
    let call = Call::<A>::new(family, case, &config)?;
    let both = config.bool("bidirectional")?;
    let mode = config.text("mode")?;
    let nonlinearity = config.optional("nonlinearity").map(Value::as_str);
    let nonlinearity: Activation = nonlinearity.flatten().unwrap_or("tanh").parse()?;
    config.ignore(&["bias"]); // the arrays tell
    config.done()?;
    let run = |file: &File, prefix: &str| -> Outcome<Named<A>> {
        match (mode, both) {
            ("LSTM", false) => call.lstm::<Lstm<A>>(file.lstm(prefix)?, file.lstm(prefix)?),
            ("LSTM", true) => {
                call.lstm::<Bidirectional<Lstm<A>, Lstm<A>>>(file.lstm(prefix)?, file.lstm(prefix)?)
            }
            ("GRU", false) => call.run::<Gru<A>>(file.gru(prefix)?, file.gru(prefix)?),
            ("GRU", true) => {
                call.run::<Bidirectional<Gru<A>, Gru<A>>>(file.gru(prefix)?, file.gru(prefix)?)
            }
            ("RNN", false) => call.run::<SimpleRnn<A>>(
                file.rnn(prefix, nonlinearity)?,
                file.rnn(prefix, nonlinearity)?,
            ),
            ("RNN", true) => call.run::<Bidirectional<SimpleRnn<A>, SimpleRnn<A>>>(
                file.rnn(prefix, nonlinearity)?,
                file.rnn(prefix, nonlinearity)?,
            ),
            (other, _) => Err(format!("unknown mode {other:?}").into()),
        }
    };
    // The same arrays under a prefix, beside those of another module.
    let prefix = "encoder.rnn.";
    let mut arrays = vec![(
        "encoder.embedding".to_string(),
        ArrayD::<A>::zeros(vec![2, 3]),
    )];
    for (name, tensor) in case.get("weights")?.as_object().ok_or("no weights")? {
        let array = family.tensor(tensor)?.mapv(A::from_f64);
        arrays.push((format!("{prefix}{name}"), array));
    }
    let got = run(&File::from_arrays(arrays)?, prefix)?;
    if let Some(name) = case.optional("state_dict").and_then(Value::as_str) {
        let own = run(&File::read(family.read(name)?)?, "")?;
        same_bits_all("under a prefix", &got, &own)?;
    }
    let outputs = case.list("outputs")?.iter();
    let want = outputs
        .map(|value| output(family, value, &Value::Null))
        .collect::<Outcome<Vec<Expected>>>()?;
    let torch = case
        .optional("torch_f32_max_abs_diff")
        .and_then(Value::as_f64);
    compare_held(got, &want, A::tolerance(torch.unwrap_or(0.0)))
}

impl<A: Precision> Call<A> {
    fn new(family: &Family, case: &Fields, config: &Fields) -> Outcome<Self> {
        let unbatched = case.bool("unbatched")?;
        let array = |value: &Value, sample_axis: usize| -> Outcome<Array3<A>> {
            let array = family.tensor(value)?.mapv(A::from_f64);
            Ok(if unbatched {
                array
                    .into_dimensionality::<Ix2>()?
                    .insert_axis(Axis(sample_axis))
            } else {
                array.into_dimensionality()?
            })
        };
        let batch_first = config.bool("batch_first")?;
        let x = array(case.get("x")?, usize::from(!batch_first))?;
        let mut initial = Vec::new();
        if let Some(list) = case.nullable("initial_state")? {
            for (role, value) in ["h0", "c0"].iter().zip(list.as_array().ok_or("no list")?) {
                let value = Fields::new(value)?;
                if value.text("role")? != *role {
                    return Err("h0 comes before c0".into());
                }
                initial.push(array(value.get("tensor")?, 1)?);
            }
        }
        let lengths = case.nullable("lengths")?;
        let units = match (config.count("hidden_size")?, config.count("proj_size")?) {
            (units, 0) => units,
            (_, size) => size,
        };
        Ok(Call {
            x,
            batch_first,
            unbatched,
            lengths: lengths
                .map(|l| serde_json::from_value(l.clone()))
                .transpose()?,
            initial,
            layers: config.count("num_layers")?,
            features: config.count("input_size")?,
            units: units * if config.bool("bidirectional")? { 2 } else { 1 },
        })
    }

    /// Calls the layers by adjectives, and those with flags too.
    fn run<R>(&self, layers: Deep<R>, flagged: Layer<Deep<R>>) -> Outcome<Named<A>>
    where
        R: Recurrent<Elem = A>,
        Vec<R::State>: TorchState<Elem = A>,
    {
        Ok(self.states(layers, flagged)?.0)
    }

    fn lstm<R>(&self, layers: Deep<R>, flagged: Layer<Deep<R>>) -> Outcome<Named<A>>
    where
        R: Recurrent<Elem = A>,
        Vec<R::State>: recurrent::torch::TorchLstmState<Elem = A>,
    {
        let (mut outputs, state) = self.states(layers, flagged)?;
        outputs.push(("cn".into(), self.squeezed(c_n(&state)?, 1)));
        Ok(outputs)
    }

    fn states<R>(
        &self,
        layers: Deep<R>,
        flagged: Layer<Deep<R>>,
    ) -> Outcome<(Named<A>, Vec<R::State>)>
    where
        R: Recurrent<Elem = A>,
        Vec<R::State>: TorchState<Elem = A>,
    {
        let found = (layers.layers().len(), layers.features(), layers.units());
        if found != (self.layers, self.features, self.units) {
            return Err(format!("{found:?} layers, features and units").into());
        }
        let flagged = flagged.time_major(!self.batch_first);
        let (mut run, mut by_flags) = (layers.run(&self.x), flagged.run(&self.x));
        if !self.batch_first {
            run = run.time_major();
        }
        if let Some(lengths) = &self.lengths {
            run = run.lengths(lengths).zero_output_for_mask();
            by_flags = by_flags.lengths(lengths);
        }
        if !self.initial.is_empty() {
            let arrays: Vec<_> = self.initial.iter().map(|array| array.view()).collect();
            run = run.initial_state(initial_state(&layers, &arrays)?);
            by_flags = by_flags.initial_state(initial_state(&layers, &arrays)?);
        }
        let (output, state) = run.sequences_and_state()?;
        let named = |output: Array3<A>, state: &Vec<R::State>| -> Outcome<Named<A>> {
            let output = self.squeezed(output, usize::from(!self.batch_first));
            Ok(vec![
                ("output".into(), output),
                ("hn".into(), self.squeezed(h_n(state)?, 1)),
            ])
        };
        let Output::SequencesAndState(again, end) = by_flags.output()? else {
            return Err("the flags do not return sequences and state".into());
        };
        let outputs = named(output, &state)?;
        same_bits_all("flags", &named(again, &end)?, &outputs)?;
        Ok((outputs, state))
    }

    fn squeezed(&self, array: Array3<A>, sample_axis: usize) -> ArrayD<A> {
        if self.unbatched {
            array.index_axis_move(Axis(sample_axis), 0).into_dyn()
        } else {
            array.into_dyn()
        }
    }
}
