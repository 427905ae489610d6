//! The kinds `pipeline` and `attention`: gradients of models of layers of all kinds, with masks flowing.

use crate::common::Outcome;
use crate::common::compare::Precision;
use crate::common::family::Family;
use crate::common::fields::Fields;
use crate::common::pipeline::model;
use crate::gradients::check;
use ndarray::ArrayD;
use recurrent::train::Noise;
use recurrent::{Attention, Element, Model, Tensor};
use serde_json::Value;

/// The entries of an object of tensors.
fn tensors(value: &Value) -> Outcome<impl Iterator<Item = (&String, &Value)>> {
    Ok(value.as_object().ok_or("not an object of tensors")?.iter())
}

/// A mask in which 1 is real.
fn as_numbers<A: Element>(mask: &ndarray::Array2<bool>) -> ArrayD<A> {
    let number = |&real: &bool| if real { A::one() } else { A::zero() };
    mask.map(number).into_dyn()
}

pub fn check_pipeline<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    case.ignore(&["loss", "x_is_tokens"]);
    let (model, masks) = model::<A>(family, case)?;
    let mut x = Tensor::new(&family.tensor(case.get("x")?)?.mapv(A::from_f64));
    if let Some(mask) = case.nullable("mask")? {
        x = x.masked(&family.mask(mask)?);
    }
    let run = if case.bool("training")? {
        model.record_with([x], Noise::seed(1).given(&masks))?
    } else {
        model.record_inference([x])?
    };
    if case.bool("training")? && run.masks() != masks {
        return Err("the masks that were read back are not those that were given".into());
    }
    let output = &run.outputs()[0];
    let mut worst = check("output", family, Some(&output.values), case.get("output")?)?;
    match (case.nullable("output_mask")?, &output.mask) {
        (None, None) => {}
        (Some(want), Some(got)) => {
            check("output_mask", family, Some(&as_numbers::<A>(got)), want)?;
        }
        (want, got) => return Err(format!("output_mask is {got:?}, expected {want:?}").into()),
    }
    let factor = family.tensor(case.get("factor")?)?.mapv(A::from_f64);
    let gradient = run.backward(&[Some(factor)])?;
    match case.nullable("grad_x")? {
        Some(want) => {
            worst = worst.max(check("x", family, gradient.inputs[0].as_ref(), want)?);
        }
        None if gradient.inputs[0].is_some() => return Err("token ids have a gradient".into()),
        None => {}
    }
    let mut found = 0;
    for (at, grads) in case.list("grads")?.iter().enumerate() {
        for (weight, want) in tensors(grads)? {
            // TimeDistributed adds no level to paths.
            let name = weight.strip_prefix("layer/").unwrap_or(weight);
            let path = format!("layer{at}/{name}");
            let got = gradient.weights.get(&path);
            let got = got.ok_or_else(|| format!("no gradient of {path}"))?;
            worst = worst.max(check(&path, family, Some(got), want)?);
            found += 1;
        }
    }
    if gradient.weights.iter().len() != found {
        return Err("not as many gradients as weights".into());
    }
    let moved = run.moved();
    let mut found = 0;
    for (at, updates) in case.list("updates")?.iter().enumerate() {
        for (name, want) in tensors(updates)? {
            let path = format!("layer{at}/{name}");
            let got = moved.iter().find(|(moved, _)| *moved == path);
            let got = got.ok_or_else(|| format!("{path} does not move"))?;
            worst = worst.max(check(&path, family, Some(&got.1), want)?);
            found += 1;
        }
    }
    if moved.len() != found {
        return Err(format!("{} arrays move, expected {found}", moved.len()).into());
    }
    Ok(worst)
}

/// Whether a query has nothing but masked values to attend to. All its scores are lowered by 10⁹ then, which leaves no
/// digits of them in f32, in Keras as here.
fn sees_nothing(family: &Family, case: &Fields, causal: bool) -> Outcome<bool> {
    let Some(mask) = case.nullable("value_mask")? else {
        return Ok(false);
    };
    let mask = family.mask(mask)?;
    let blind = |row: ndarray::ArrayView1<bool>| {
        if causal {
            !row[0]
        } else {
            row.iter().all(|real| !real)
        }
    };
    Ok(mask.outer_iter().any(blind))
}

pub fn check_attention<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    case.ignore(&["loss"]);
    let config = Fields::new(case.get("config")?)?;
    let causal = config.bool("use_causal_mask")?;
    let mut attention = Attention::<A>::new().causal(causal);
    let scalar = |name: &str| -> Outcome<Option<A>> {
        let Some(tensor) = case.get("weights")?.get(name) else {
            return Ok(None);
        };
        let number = family.tensor(tensor)?.first().copied();
        Ok(number.map(A::from_f64))
    };
    if let Some(scale) = scalar("scale")? {
        attention = attention.scale(scale);
    }
    if let Some(weight) = scalar("concat_score_weight")? {
        attention = attention.concat(weight);
    }
    let is_concat = config.text("score_mode")? == "concat";
    if (config.bool("use_scale")?, is_concat)
        != (
            scalar("scale")?.is_some(),
            scalar("concat_score_weight")?.is_some(),
        )
    {
        return Err("the weights are not those of the configuration".into());
    }
    config.done()?;
    let mut graph = Model::graph();
    let inputs = ["query", "value", "key"].map(|name| graph.input(name));
    let id = graph.layer("layer", attention)?;
    let outputs = graph.call_all(id, inputs)?;
    let model = graph.finish(&outputs)?;
    let mut tensors_in = Vec::new();
    for name in ["query", "value", "key"] {
        let mut tensor = Tensor::new(&family.tensor(case.get(name)?)?.mapv(A::from_f64));
        let mask = if name == "key" {
            None
        } else {
            case.nullable(&format!("{name}_mask"))?
        };
        if let Some(mask) = mask {
            tensor = tensor.masked(&family.mask(mask)?);
        }
        tensors_in.push(tensor);
    }
    let run = model.record(tensors_in)?;
    let compares = A::NAME != "f32" || !sees_nothing(family, case, causal)?;
    let compare = |what: &str, got: Option<&ArrayD<A>>, name: &Value| -> Outcome<f64> {
        let same = check(what, family, got, name);
        if compares { same } else { Ok(0.0) }
    };
    let got = Some(&run.outputs()[0].values);
    let mut worst = compare("output", got, case.get("output")?)?;
    let factor = family.tensor(case.get("factor")?)?.mapv(A::from_f64);
    let gradient = run.backward(&[Some(factor)])?;
    for (name, got) in ["query", "value", "key"].iter().zip(&gradient.inputs) {
        let want = case.get(&format!("grad_{name}"))?;
        worst = worst.max(compare(name, got.as_ref(), want)?);
    }
    let mut found = 0;
    for (name, want) in tensors(case.get("grads")?)? {
        let got = gradient.weights.get(&format!("layer/{name}"));
        let got = got.ok_or_else(|| format!("no gradient of {name}"))?;
        worst = worst.max(compare(name, Some(got), want)?);
        found += 1;
    }
    if gradient.weights.iter().len() != found {
        return Err("not as many gradients as weights".into());
    }
    Ok(worst)
}
