//! Layers that work timestep by timestep, fed so: the same bits, the same masks. The others refuse.

use crate::case::{Case, cases, list};
use crate::golden::{every_case, run, same_bits};
use ndarray::{Axis, Slice, concatenate};
use recurrent::{Element, Model, Session, Stepwise, Tensor};

/// Whether the layer can be stepped, by what Keras' documentation says of it.
fn is_live(case: &Case) -> bool {
    let axes = list(&case.of["inputs"][0]).len();
    let first_from_behind = 1 - i64::try_from(axes).unwrap();
    let places: Vec<i64> = match &case.of["axis"] {
        serde_json::Value::Array(axes) => {
            axes.iter().filter_map(serde_json::Value::as_i64).collect()
        }
        axis => vec![axis.as_i64().unwrap_or(-1)],
    };
    let stepwise = places
        .iter()
        .any(|&axis| axis == 1 || axis == first_from_behind);
    let number = |name: &str| case.of[name].as_u64().unwrap_or(1);
    match case.kind() {
        "Conv1D" => {
            let causal = case.of["padding"] == "causal" || number("kernel_size") == 1;
            causal && number("strides") == 1
        }
        "Dense" => axes > 2,
        "Activation" => axes > 2 || case.of["activation"] != "softmax",
        "BatchNormalization" | "LayerNormalization" | "Normalization" | "Softmax"
        | "Concatenate" => !stepwise,
        "Rescaling" => list(&case.of["scale"])
            .first()
            .is_none_or(|row| !row.is_array()),
        "Permute" => case.of["dims"][0] == 1,
        "Add" | "Subtract" | "Multiply" | "Average" | "Maximum" | "Minimum" => {
            let inputs = list(&case.of["inputs"]).iter();
            inputs.into_iter().all(|input| list(input).len() == axes)
        }
        "Embedding" | "Masking" | "LeakyReLU" | "ELU" | "Identity" | "Dropout"
        | "SpatialDropout2D" | "TimeDistributed" => true,
        _ => false,
    }
}

fn step<A: Element>(case: &Case) -> Result<(), String> {
    let (layer, inputs) = (case.layer::<A>(), case.inputs::<A>());
    let timesteps = |flow: &Tensor<A>| flow.values.shape().get(1).copied();
    let Some(all) = timesteps(&inputs[0]) else {
        return Ok(());
    };
    // An input of one timestep would be repeated in a whole call.
    let as_long = inputs.iter().all(|flow| timesteps(flow) == Some(all));
    if case.output.is_none() || !as_long && is_live(case) {
        return Ok(());
    }
    let axes: Vec<usize> = inputs.iter().map(|flow| flow.values.ndim()).collect();
    let live = !matches!(layer.stepwise(&axes), Stepwise::WholeSequence(_));
    if live != is_live(case) {
        return Err(format!("{:?}", layer.stepwise(&axes)));
    }

    let mut graph = Model::graph();
    let nodes: Vec<_> = (0..inputs.len())
        .map(|n| graph.input(n.to_string()))
        .collect();
    let y = graph.add("layer", case.layer::<A>(), nodes).unwrap();
    let model = graph.finish([y]).unwrap();
    let whole = run(&*layer, inputs.clone())?;
    let of_model = model.forward_all(inputs.clone()).unwrap().remove(0);
    same_bits("in a model", &of_model, &whole)?;

    let mut session = Session::new(&model);
    for pass in ["first pass", "after a reset"] {
        let mut steps = Vec::new();
        for t in 0..all {
            let now = Slice::from(t..=t);
            let input = inputs.iter().map(|flow| Tensor {
                values: flow.values.slice_axis(Axis(1), now).to_owned(),
                mask: flow
                    .mask
                    .as_ref()
                    .map(|mask| mask.slice_axis(Axis(1), now).to_owned()),
            });
            match session.step_all(input) {
                Ok(mut flows) => steps.push(flows.remove(0)),
                Err(_) if !live => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
        if !live {
            return Err("it can be stepped".into());
        }
        let values: Vec<_> = steps.iter().map(|step| step.values.view()).collect();
        let masks: Option<Vec<_>> = steps
            .iter()
            .map(|step| Some(step.mask.as_ref()?.view()))
            .collect();
        let stepped = Tensor {
            values: concatenate(Axis(1), &values).unwrap(),
            mask: masks.map(|masks| concatenate(Axis(1), &masks).unwrap()),
        };
        same_bits(pass, &stepped, &whole)?;
        session.reset();
    }
    Ok(())
}

#[test]
fn steps_are_the_whole() {
    every_case(|case| step::<f32>(case).and_then(|()| step::<f64>(case)));
}

#[test]
fn a_sample_that_is_reset_starts_anew() {
    let mut tried = 0;
    for case in cases() {
        let x = case.inputs::<f32>().remove(0).values;
        let carries = case.kind() == "Conv1D" && is_live(&case) && case.of["kernel_size"] != 1;
        if !carries || case.is_masked() || x.len_of(Axis(0)) != 2 {
            continue;
        }
        tried += 1;
        let model = Model::new().add(case.layer::<f32>());
        let mut session = Session::new(&model);
        let mut fresh = Session::new(&model);
        let whole = model.forward(&x).unwrap();
        for (t, now) in x.axis_iter(Axis(1)).enumerate() {
            if t == 2 {
                session.reset_samples(&[1]).unwrap();
            }
            let y = session.step(&now).unwrap();
            assert_eq!(
                y.index_axis(Axis(0), 0),
                whole.index_axis(Axis(1), t).index_axis(Axis(0), 0),
                "{}",
                case.of
            );
            if t >= 2 {
                assert_eq!(
                    y.index_axis(Axis(0), 1),
                    fresh.step(&now).unwrap().index_axis(Axis(0), 1),
                    "{}",
                    case.of
                );
            }
        }
    }
    assert!(tried >= 5, "{tried}");
}
