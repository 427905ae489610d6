//! `kind: "seq2seq"`: an encoder hands its state to a decoder, which is then run token by token.

use super::Outcome;
use super::call::Call;
use super::compare::{Precision, compare, scale};
use super::family::Family;
use super::fields::Fields;
use super::layer::layer;
use super::pipeline::dense;
use super::roles::Named;
use super::subject::Subject;
use super::weights::Weights;
use ndarray::{Array3, ArrayD, Axis, stack};
use recurrent::Dense;
use serde_json::Value;

/// Runs the whole case and returns the largest difference.
pub fn check<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    case.ignore(&["smallest_margin"]);
    let encoder = part::<A>(family, case.get("encoder")?)?;
    let decoder = Decoder {
        layer: part::<A>(family, case.get("decoder")?)?,
        dense: dense_part(family, case.get("dense")?)?,
    };
    let expected = |key: &str| family.tensor(case.get(key)?);
    let mut worst = Worst(0.0);

    let x = Call::plain(family.array3(case.get("x")?)?, None);
    let (_, encoded) = output_and_states(&*encoder, x)?;
    let states = case.list("encoder_states")?;
    if states.len() != encoded.len() {
        return Err(format!(
            "{} encoder states, expected {}",
            encoded.len(),
            states.len()
        )
        .into());
    }
    for ((role, got), want) in encoded.iter().zip(states) {
        worst.see(&format!("encoder {role}"), got, family.tensor(want)?)?;
    }

    let teacher = family.array3(case.get("teacher_input")?)?;
    let (forced, _) = decoder.run(teacher, encoded.clone())?;
    worst.see("teacher_output", &forced, expected("teacher_output")?)?;

    let tokens: Vec<usize> = serde_json::from_value(case.get("tokens")?.clone())?;
    let (probabilities, step_states) = (expected("step_probs")?, expected("step_states")?);
    let (steps, vocabulary) = (probabilities.shape()[0], probabilities.shape()[1]);
    if tokens.len() != steps + 1 || tokens.first() != Some(&case.count("start_token")?) {
        return Err("the tokens are not the start token and one for each step".into());
    }
    let mut states = encoded;
    for n in 0..steps {
        // The tokens before this one were found equal.
        let mut one_hot = Array3::zeros((1, 1, vocabulary));
        one_hot[[0, 0, tokens[n]]] = A::one();
        let (p, next) = decoder.run(one_hot, states)?;
        let p = p.into_shape_with_order(vocabulary)?;
        let (best, _) = p
            .iter()
            .enumerate()
            .fold((0, A::neg_infinity()), |best, (token, &p)| {
                if p > best.1 { (token, p) } else { best }
            });
        if best != tokens[n + 1] {
            return Err(format!("step {n}: token {best}, expected {}", tokens[n + 1]).into());
        }
        let step = |what: &str| format!("{what} of step {n}");
        let at = |array: &ArrayD<f64>| array.index_axis(Axis(0), n).to_owned();
        worst.see(&step("probabilities"), &p.into_dyn(), &at(probabilities))?;
        let rows: Vec<_> = next
            .iter()
            .map(|(_, state)| state.index_axis(Axis(0), 0))
            .collect();
        worst.see(&step("states"), &stack(Axis(0), &rows)?, &at(step_states))?;
        states = next;
    }
    Ok(worst.0)
}

/// The largest difference so far.
struct Worst(f64);

impl Worst {
    fn see<A: Precision>(
        &mut self,
        what: &str,
        got: &ArrayD<A>,
        want: &ArrayD<f64>,
    ) -> Outcome<()> {
        self.0 = self
            .0
            .max(compare(what, got, want, A::tolerance(0.0) * scale([want]))?);
        Ok(())
    }
}

struct Decoder<A> {
    layer: Box<dyn Subject<A>>,
    dense: Dense<A>,
}

impl<A: Precision> Decoder<A> {
    /// Probabilities, and the states to go on from.
    fn run(&self, x: Array3<A>, from: Named<A>) -> Outcome<(ArrayD<A>, Named<A>)> {
        let (y, states) = output_and_states(&*self.layer, Call::plain(x, Some(from)))?;
        Ok((self.dense.forward(&y)?, states))
    }
}

fn output_and_states<A: Precision>(
    layer: &dyn Subject<A>,
    call: Call<A>,
) -> Outcome<(ArrayD<A>, Named<A>)> {
    let mut outputs = layer.calls(&[call])?.remove(0);
    let (_, y) = outputs.remove(0);
    if outputs.is_empty() {
        return Err("encoder and decoder must return their states".into());
    }
    Ok((y, outputs))
}

fn part<A: Precision>(family: &Family, value: &Value) -> Outcome<Box<dyn Subject<A>>> {
    let fields = Fields::new(value)?;
    let weights = Weights::new(family, fields.get("weights")?)?;
    let part = layer(fields.text("class")?, fields.get("config")?, weights)?;
    fields.done()?;
    Ok(part)
}

fn dense_part<A: Precision>(family: &Family, value: &Value) -> Outcome<Dense<A>> {
    let fields = Fields::new(value)?;
    if fields.text("class")? != "Dense" {
        return Err("the last layer is not Dense".into());
    }
    let weights = Weights::new(family, fields.get("weights")?)?;
    let dense = dense(fields.get("config")?, weights)?;
    fields.done()?;
    Ok(dense)
}
