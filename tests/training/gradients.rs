//! The family `layer_gradients`: gradients that Keras and PyTorch computed in f64.

#![allow(clippy::float_cmp)] // exact numbers are what is asked for

use crate::common::Outcome;
use crate::common::call::Call;
use crate::common::compare::{Precision, compare};
use crate::common::family::Family;
use crate::common::fields::Fields;
use crate::common::layer::layer;
use crate::common::pipeline::Masks;
use crate::common::report::check_all;
use crate::common::weights::Weights;
use crate::{pipelines, torch};
use ndarray::{ArrayD, Axis, stack};
use recurrent::train::Noise;
use recurrent::{Activation, Model, Tensor};
use serde_json::Value;

/// How far a gradient may be from its reference.
pub fn tolerance<A: Precision>(want: &ArrayD<f64>) -> f64 {
    let largest = want.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
    if A::NAME == "f64" {
        1e-9 * largest
    } else {
        2e-5 * largest
    }
}

/// Compares an array with the tensor of this name. `None` is zero.
pub fn check<A: Precision>(
    what: &str,
    family: &Family,
    got: Option<&ArrayD<A>>,
    name: &Value,
) -> Outcome<f64> {
    let want = family.tensor(name)?;
    let zeros = ArrayD::zeros(want.shape());
    compare(what, got.unwrap_or(&zeros), want, tolerance::<A>(want))
}

/// The path of a weight of a Keras layer in the model that has it under the name `layer`.
fn path(cells: usize, name: &str) -> String {
    let Some((cell, rest)) = name
        .strip_prefix("cell")
        .and_then(|rest| rest.split_once('/'))
    else {
        return format!("layer/{name}");
    };
    let at: usize = cell.parse().unwrap_or(0);
    if cells == 1 {
        return format!("layer/{rest}");
    }
    // RNN([a, b, c]) is a.then(b).then(c).
    let lower = "lower/".repeat(cells - at.max(1));
    let own = if at == 0 { "" } else { "upper/" };
    let lower = if at == 0 {
        lower
    } else {
        "lower/".repeat(cells - 1 - at)
    };
    format!("layer/{lower}{own}{rest}")
}

/// The masks of dropout that a case gives to each cell, by their paths.
fn masks<A: Precision>(family: &Family, case: &Fields, cells: usize) -> Outcome<Masks> {
    let list = case.optional("dropout_masks").and_then(Value::as_array);
    let list = list.map_or(&[][..], Vec::as_slice);
    let mut masks = Vec::new();
    for (at, cell) in list.iter().enumerate() {
        let cell = Fields::new(cell)?;
        for (key, name) in [("input", "dropout"), ("recurrent", "recurrent_dropout")] {
            let Some(arrays) = cell.nullable(key)?.and_then(Value::as_array) else {
                continue;
            };
            let arrays: Vec<&ArrayD<f64>> = arrays
                .iter()
                .map(|array| family.tensor(array))
                .collect::<Outcome<_>>()?;
            let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
            // The layer has the masks in its own type.
            let mask = stack(Axis(0), &views)?.mapv(|x| A::from_f64(x).as_f64());
            let path = match (cells, list.len()) {
                (0, 1) => format!("layer/{name}"),
                (0, _) => format!("layer/{}/{name}", ["forward", "backward"][at]),
                (cells, _) => path(cells, &format!("cell{at}/{name}")),
            };
            masks.push((path, mask));
        }
        cell.done()?;
    }
    Ok(masks)
}

/// A layer with its initial states as inputs of a model, and all that it returns as outputs.
pub fn check_layer<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    case.ignore(&["mask_kind"]);
    let weights = Weights::new(family, case.get("weights")?)?;
    let config = case.get("config")?;
    let layer = layer::<A>(case.text("cell")?, config, weights)?.into_layer(true)?;
    let call = Call::<A>::of_case(family, case, case.get("shapes")?)?;
    let initial = call.initial.clone().unwrap_or_default();
    let cells = config["cells"].as_array().map_or(0, Vec::len);

    let mut graph = Model::graph();
    let mut nodes = vec![graph.input("x")];
    nodes.extend(initial.iter().map(|(role, _)| graph.input(role.as_str())));
    let id = graph.layer("layer", layer)?;
    let outputs = graph.call_all(id, &nodes)?;
    let model = graph.finish(&outputs)?;
    let mut x = Tensor::new(&call.x);
    if let Some(mask) = &call.mask {
        x = x.masked(mask);
    }
    let inputs = [x]
        .into_iter()
        .chain(initial.iter().map(|(_, array)| Tensor::new(array)));
    let inputs: Vec<Tensor<A>> = inputs.collect();
    let masks = masks::<A>(family, case, cells)?;
    let run = model.record_with(inputs.clone(), Noise::seed(1).given(&masks))?;
    if run.masks() != masks {
        return Err("the masks that were read back are not those that were given".into());
    }
    let inference = model.forward_all(inputs)?;
    let mut worst = 0.0_f64;
    for ((got, same), want) in run.outputs().iter().zip(&inference).zip(&call.expected) {
        if masks.is_empty() && got != same {
            return Err(format!("{} of the recorded run has other bits", want.role).into());
        }
        let allowed = tolerance::<A>(&want.values);
        worst = worst.max(compare(&want.role, &got.values, &want.values, allowed)?);
    }
    for upstream in case.list("upstreams")? {
        let fields = Fields::new(upstream)?;
        fields.ignore(&["loss"]);
        let name = fields.text("name")?;
        let mut factors = Vec::new();
        for factor in fields.list("factors")? {
            factors.push(match factor {
                Value::Null => None,
                name => Some(family.tensor(name)?.mapv(A::from_f64)),
            });
        }
        let gradient = run.backward(&factors)?;
        let again = run.backward(&factors)?;
        if gradient.weights != again.weights || gradient.inputs != again.inputs {
            return Err("a second backward pass gives something else".into());
        }
        let x = gradient.inputs[0].as_ref();
        worst = worst.max(check(
            &format!("{name}: x"),
            family,
            x,
            fields.get("grad_x")?,
        )?);
        if let Some(states) = fields.nullable("grad_initial_state")? {
            let states = states.as_array().ok_or("states are no list")?;
            if states.len() != initial.len() {
                return Err("not as many gradients of states as states".into());
            }
            for ((role, _), (got, want)) in
                initial.iter().zip(gradient.inputs[1..].iter().zip(states))
            {
                let name = want.get("tensor").unwrap_or(want);
                worst = worst.max(check(
                    &format!("{name}: {role}"),
                    family,
                    got.as_ref(),
                    name,
                )?);
            }
        }
        let grads = fields
            .get("grads")?
            .as_object()
            .ok_or("gradients are no object")?;
        for (weight, tensor) in grads {
            let path = path(cells, weight);
            let got = gradient.weights.get(&path);
            let got = got.ok_or_else(|| format!("no gradient of {path}"))?;
            worst = worst.max(check(
                &format!("{name}: {weight}"),
                family,
                Some(got),
                tensor,
            )?);
        }
        if gradient.weights.iter().len() != grads.len() {
            return Err("not as many gradients as weights".into());
        }
        fields.only_describes(family)?;
    }
    Ok(worst)
}

fn check_activation<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    let activation: Activation = case.activation("activation")?;
    let kinks = case.optional("kinks").and_then(Value::as_array);
    let kinks: Vec<f64> = kinks
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect();
    let x = family.tensor(case.get("x")?)?;
    let model = Model::<A>::new().add(activation);
    let run = model.record([Tensor::new(&x.mapv(A::from_f64))])?;
    let y = family.tensor(case.get("y")?)?;
    let mut same_y = run.outputs()[0].values.clone();
    let held = A::max_value().as_f64();
    let too_large = |number: f64| number.is_finite() && number.abs() > held;
    let limited = |want: &ArrayD<f64>| want.mapv(|y| if too_large(y) { 0.0 } else { y });
    for (got, &want) in same_y
        .iter_mut()
        .zip(y)
        .filter(|(_, want)| too_large(**want))
    {
        if got.as_f64() != want.signum() * f64::INFINITY {
            return Err(format!("{got} for {want}, which this type does not hold").into());
        }
        *got = A::zero();
    }
    let mut worst = compare("y", &same_y, &limited(y), tolerance::<A>(&limited(y)))?;
    let factor = match case.nullable("factor")? {
        None => ArrayD::from_elem(y.shape(), A::one()),
        Some(name) => family.tensor(name)?.mapv(A::from_f64),
    };
    let gradient = run.backward(&[Some(factor)])?;
    let mut got = gradient.inputs[0].clone().ok_or("no gradient of x")?;
    let want = family.tensor(case.get("dy")?)?;
    if A::NAME == "f32" {
        // A kink is where the derivative is a convention, and x in f32 need not lie on its side of it.
        for ((got, &x), &want) in got.iter_mut().zip(x).zip(want) {
            if too_large(want) || kinks.iter().any(|kink| (x - kink).abs() < 1e-6) {
                *got = A::from_f64(if too_large(want) { 0.0 } else { want });
            }
        }
    }
    let want = limited(want);
    worst = worst.max(compare("dy", &got, &want, tolerance::<A>(&want))?);
    Ok(worst)
}

fn check_case<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    match case.text("kind")? {
        "gradient" => check_layer::<A>(family, case),
        "activation" => check_activation::<A>(family, case),
        "attention" => pipelines::check_attention::<A>(family, case),
        "pipeline" => pipelines::check_pipeline::<A>(family, case),
        "torch_gradient" => torch::check_torch::<A>(family, case),
        other => Err(format!("unknown kind {other:?}").into()),
    }
}

#[test]
fn layer_gradients_f64() {
    check_all("layer_gradients", "f64", check_case::<f64>);
}

#[test]
fn layer_gradients_f32() {
    check_all("layer_gradients", "f32", check_case::<f32>);
}
