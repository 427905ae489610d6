//! Every case against Keras: numbers, mask, shapes and sizes, in both precisions.

use crate::case::{Case, Output, cases, lens, list};
use ndarray::{ArrayD, Axis, Slice};
use recurrent::{AnyLayer, Element, Shape, Tensor};
use std::collections::BTreeMap;

/// Runs `check` for every case; all that is wrong, in one message.
pub fn every_case(check: impl Fn(&Case) -> Result<(), String>) -> usize {
    let cases = cases();
    let wrong = |case: &Case| {
        check(case)
            .err()
            .map(|wrong| format!("{}: {wrong}", case.of))
    };
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
    cases.len()
}

/// The only output.
pub fn run<A: Element>(
    layer: &dyn AnyLayer<A>,
    inputs: Vec<Tensor<A>>,
) -> Result<Tensor<A>, String> {
    let mut flows = layer
        .forward_all(inputs)
        .map_err(|error| error.to_string())?;
    match (flows.pop(), flows.pop()) {
        (Some(flow), None) => Ok(flow),
        _ => Err("not one output".into()),
    }
}

pub fn same_bits<A: Element>(what: &str, got: &Tensor<A>, want: &Tensor<A>) -> Result<(), String> {
    let bits = |flow: &Tensor<A>| flow.values.mapv(|x| x.as_f64().to_bits());
    if bits(got) == bits(want) && got.mask == want.mask {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, expected {want:?}"))
}

#[test]
fn numbers_and_masks_are_those_of_keras() {
    let count = every_case(|case| compare::<f32>(case).and_then(|()| compare::<f64>(case)));
    println!("{count} cases");
    assert!(count > 600, "{count}");
    let mut kinds = BTreeMap::new();
    for case in cases().iter().filter(|case| case.output.is_some()) {
        *kinds.entry(case.kind().to_string()).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 50, "{kinds:?}");
}

fn compare<A: Element>(case: &Case) -> Result<(), String> {
    let got = run(&*case.layer::<A>(), case.inputs());
    let Some(Output { values, mask }) = &case.output else {
        return got.map_or(Ok(()), |got| {
            Err(format!("Keras refuses it, here it is {got:?}"))
        });
    };
    let got = got?;
    if got.values.shape() != values.shape() {
        return Err(format!("shape {:?}", got.values.shape()));
    }
    let keras = case.of["f32"].as_f64().unwrap();
    let tolerance = if size_of::<A>() == 4 {
        (10.0 * keras).max(1e-6)
    } else {
        2e-7
    };
    let largest = values.iter().fold(1.0_f64, |most, x| x.abs().max(most));
    for (got, &want) in got.values.iter().zip(values) {
        let got = got.as_f64();
        let is_near = (got - want).abs() <= tolerance * largest;
        let is_same = is_near || got.is_nan() && want.is_nan();
        if !is_same {
            return Err(format!("{got} is not {want}, within {tolerance:e}"));
        }
    }
    if got.mask == *mask {
        return Ok(());
    }
    Err(format!("mask {:?}, expected {mask:?}", got.mask))
}

#[test]
fn shapes_and_sizes_are_told_before() {
    every_case(|case| {
        let layer = case.layer::<f32>();
        if layer.parameter_count().total() != case.learned() {
            return Err(format!("{:?}", layer.parameter_count()));
        }
        let Some(output) = &case.output else {
            return Ok(());
        };
        let inputs: Vec<Vec<usize>> = list(&case.of["inputs"]).iter().map(lens).collect();
        let told = |known: &dyn Fn(usize) -> bool| -> Vec<Shape> {
            let shape = |lens: &Vec<usize>| {
                let len = |(axis, &len): (usize, &usize)| known(axis).then_some(len);
                lens.iter().enumerate().map(len).collect::<Vec<_>>().into()
            };
            layer.output_shapes(&inputs.iter().map(shape).collect::<Vec<_>>())
        };
        let actual = output.values.shape();
        let check = |found: Vec<Shape>, expected: Vec<Option<usize>>| {
            // Where Keras knows nothing, it may be known here.
            let known = found.first().and_then(Shape::axes).unwrap_or_default();
            let mut axes = known.iter().zip(&expected).zip(actual);
            let agree = axes.all(|((found, expected), actual)| {
                found == expected || expected.is_none() && *found == Some(*actual)
            });
            let one = found.len() == 1 && known.len() == expected.len();
            (one && agree)
                .then_some(())
                .ok_or(format!("{found:?}, expected {expected:?}"))
        };
        let mut lens: Vec<_> = actual.iter().copied().map(Some).collect();
        check(told(&|_| true), lens.clone())?;
        lens[0] = None;
        check(told(&|axis| axis > 0), lens)?;
        if let Some(open) = case.of["open"].as_array() {
            let len = |len: &serde_json::Value| Some(len.as_u64()?.try_into().unwrap());
            check(told(&|axis| axis > 1), open.iter().map(len).collect())?;
        }
        // Whatever is not known.
        let unknown = vec![Shape::unknown(); inputs.len()];
        (layer.output_shapes(&unknown).len() == 1)
            .then_some(())
            .ok_or("no shape".into())
    });
}

#[test]
fn a_mask_changes_what_it_is_said_to_change() {
    let mut changed = 0;
    for case in cases()
        .iter()
        .filter(|case| case.is_masked() && case.output.is_some())
    {
        let layer = case.layer::<f64>();
        let masked = run(&*layer, case.inputs()).unwrap().values;
        let bare = run(&*layer, case.bare_inputs()).unwrap().values;
        if masked != bare {
            changed += 1;
            assert!(layer.uses_mask(), "{}", case.of);
        }
    }
    assert!(changed >= 30, "{changed}");
}

#[test]
fn every_sample_and_memory_order_gives_the_same_bits() {
    every_case(|case| {
        let layer = case.layer::<f32>();
        let inputs = case.inputs::<f32>();
        if case.output.is_none() || case.of["axis"] == 0 {
            return Ok(());
        }
        let expected = run(&*layer, inputs.clone())?;
        // The last axis first in memory, and every second number only.
        let turn = |x: &ArrayD<f32>| x.t().as_standard_layout().into_owned().reversed_axes();
        let turned = inputs.iter().map(|flow| Tensor {
            values: turn(&flow.values),
            ..flow.clone()
        });
        same_bits("turned", &run(&*layer, turned.collect())?, &expected)?;
        for sample in 0..expected.values.len_of(Axis(0)) {
            let only = Slice::from(sample..=sample);
            let alone = |flow: &Tensor<f32>| Tensor {
                values: flow.values.slice_axis(Axis(0), only).to_owned(),
                mask: flow
                    .mask
                    .as_ref()
                    .map(|mask| mask.slice_axis(Axis(0), only).to_owned()),
            };
            let got = run(&*layer, inputs.iter().map(alone).collect())?;
            same_bits("alone", &got, &alone(&expected))?;
        }
        Ok(())
    });
}
