//! Cells with layer normalisation against layers of Keras whose cells were written from the cited equations: masks, both
//! directions, kept states; and what every option of a cell has to do: streams, batches, instruction sets, weights.

use ndarray::{Array1, Array2, Array3, Axis, Slice, s};
use recurrent::{
    Bidirectional, Causal, Element, Gru, Isa, Layer, LayerNorm, Lstm, Model, Recurrent, Result,
    Stream,
};
use serde_json::Value;
use std::path::Path;

fn cases() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/layer_norm.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The numbers of a list of lists.
fn flat<A: Element>(of: &Value) -> Vec<A> {
    match of {
        Value::Array(list) => list.iter().flat_map(flat).collect(),
        number => vec![A::from_f64(number.as_f64().unwrap())],
    }
}

fn len(of: &Value) -> usize {
    of.as_array().unwrap().len()
}

fn vector<A: Element>(of: &Value) -> Array1<A> {
    flat(of).into()
}

fn matrix<A: Element>(of: &Value) -> Array2<A> {
    Array2::from_shape_vec((len(of), len(&of[0])), flat(of)).unwrap()
}

fn three<A: Element>(of: &Value) -> Array3<A> {
    let shape = (len(of), len(&of[0]), len(&of[0][0]));
    Array3::from_shape_vec(shape, flat(of)).unwrap()
}

fn mask(of: &Value) -> Array2<bool> {
    let rows = of.as_array().unwrap().iter();
    let rows = rows.flat_map(|row| row.as_array().unwrap().iter().map(|x| x == true));
    Array2::from_shape_vec((len(of), len(&of[0])), rows.collect()).unwrap()
}

fn norm<A: Element>(case: &Value, of: &Value) -> LayerNorm<A> {
    let given = |key: &str| of.get(key).filter(|array| !array.is_null());
    let mut norm = LayerNorm::new(matrix(&of["gamma"]), given("beta").map(matrix))
        .epsilon(case["epsilon"].as_f64().unwrap())
        .carry_normalised(case["carry"] == true);
    if let Some(gamma) = given("state_gamma") {
        norm = norm.state(vector(gamma), given("state_beta").map(vector));
    }
    norm
}

fn lstm<A: Element>(case: &Value, at: usize, isa: Isa) -> Lstm<A> {
    let of = &case["weights"][at];
    let (kernel, recurrent) = (matrix(&of["kernel"]), matrix(&of["recurrent_kernel"]));
    let builder = Lstm::builder(kernel.nrows(), recurrent.nrows()).with_isa(isa);
    let builder = builder.layer_norm(norm(case, of));
    let made = builder.from_weights(kernel, recurrent, vector(&of["bias"]));
    made.unwrap()
}

fn gru<A: Element>(case: &Value, at: usize, isa: Isa) -> Gru<A> {
    let of = &case["weights"][at];
    let (kernel, recurrent) = (matrix(&of["kernel"]), matrix(&of["recurrent_kernel"]));
    let builder = Gru::builder(kernel.nrows(), recurrent.nrows()).with_isa(isa);
    let builder = builder.layer_norm(norm(case, of));
    let made = builder.from_weights(kernel, recurrent, matrix(&of["bias"]));
    made.unwrap()
}

fn close<A: Element>(what: &str, found: &Array3<A>, expected: &Value) {
    let expected = three::<f64>(expected);
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let tolerance = if size_of::<A>() == 4 { 2e-5 } else { 1e-12 };
    for (found, expected) in found.iter().zip(&expected) {
        let found = found.as_f64();
        let is_near = (found - expected).abs() < tolerance;
        assert!(is_near, "{what}: {found}, expected {expected}");
    }
}

fn check<A: Element, R>(case: &Value, one: R, other: R)
where
    R: Recurrent<Elem = A> + Causal + Clone + 'static,
{
    let name = case["name"].as_str().unwrap();
    let (x, more, mask) = (
        three::<A>(&case["x"]),
        three(&case["more"]),
        mask(&case["mask"]),
    );
    let whole = one.run(&x).sequences().unwrap();
    close(name, &whole, &case["sequences"]);
    let masked = one.run(&x).mask(&mask).sequences().unwrap();
    close(name, &masked, &case["masked"]);
    let back = one.run(&x).mask(&mask).go_backwards().sequences();
    close(name, &back.unwrap(), &case["backwards"]);
    let both = Bidirectional::new(one.clone(), other);
    let both = both.run(&x).mask(&mask).sequences().unwrap();
    close(name, &both, &case["bidirectional"]);
    let (first, state) = one.run(&x).sequences_and_state().unwrap();
    close(name, &first, &case["stateful"][0]);
    let second = one.run(&more).initial_state(state).sequences();
    close(name, &second.unwrap(), &case["stateful"][1]);

    // Every sample alone, and every timestep.
    let mut live = Stream::new(&one, x.len_of(Axis(0)));
    for (t, x) in x.axis_iter(Axis(1)).enumerate() {
        assert_eq!(
            live.push(x).unwrap(),
            whole.slice(s![.., t, ..]),
            "{name}, step {t}"
        );
    }
    for sample in 0..x.len_of(Axis(0)) {
        let only = x
            .slice_axis(Axis(0), Slice::from(sample..=sample))
            .to_owned();
        let alone = one.run(&only).sequences().unwrap();
        let expected = whole.slice_axis(Axis(0), Slice::from(sample..=sample));
        assert_eq!(alone, expected, "{name}, sample {sample}");
        let mut live = Stream::new(&one, 1);
        for (t, x) in only.axis_iter(Axis(1)).enumerate() {
            assert_eq!(live.push(x).unwrap(), alone.slice(s![.., t, ..]), "{name}");
        }
    }
}

fn every_case<A: Element>() {
    for case in cases() {
        let isa = Isa::detect();
        if case["kind"] == "lstm" {
            check::<A, _>(&case, lstm(&case, 0, isa), lstm(&case, 1, isa));
        } else {
            check::<A, _>(&case, gru(&case, 0, isa), gru(&case, 1, isa));
        }
    }
}

#[test]
fn numbers_are_those_of_the_sources() {
    every_case::<f32>();
    every_case::<f64>();
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    for case in cases() {
        let x = three::<f32>(&case["x"]);
        let run = |isa| {
            if case["kind"] == "lstm" {
                lstm::<f32>(&case, 0, isa).run(&x).sequences().unwrap()
            } else {
                gru::<f32>(&case, 0, isa).run(&x).sequences().unwrap()
            }
        };
        let all = Isa::all()
            .filter(|isa| isa.is_fused())
            .map(run)
            .collect::<Vec<_>>();
        assert!(all.iter().all(|y| *y == all[0]), "{}", case["name"]);
    }
}

#[test]
fn the_arrays_are_weights() {
    let case = &cases()[0];
    let mut model = Model::new().add(Layer::new(lstm::<f64>(case, 0, Isa::detect())));
    let paths: Vec<String> = model.weights().into_iter().map(|w| w.path).collect();
    let names = [
        "kernel",
        "recurrent_kernel",
        "bias",
        "norm_gamma",
        "norm_beta",
        "norm_state_gamma",
        "norm_state_beta",
    ];
    assert_eq!(paths, names.map(|name| format!("lstm/{name}")));
    assert_eq!(
        model.parameter_count().total(),
        3 * 20 + 5 * 20 + 20 + 4 * 20 + 10
    );
    let other = Model::new().add(Layer::new(lstm::<f64>(case, 1, Isa::detect())));
    for path in &paths {
        model.set(path, &other.get(path).unwrap()).unwrap();
    }
    let x = three::<f64>(&case["x"]);
    assert_eq!(model.forward(&x).unwrap(), other.forward(&x).unwrap());

    let case = &cases()[5];
    let gru = gru::<f64>(case, 0, Isa::detect());
    let with = gru.with_weights(gru.kernel(), gru.recurrent_kernel(), gru.bias().clone());
    assert_eq!(with.unwrap().run(&x).last(), gru.run(&x).last());
    let model = Model::new().add(Layer::new(gru));
    let paths: Vec<String> = model.weights().into_iter().map(|w| w.path).collect();
    assert_eq!(paths[2..], ["gru/bias", "gru/norm_gamma", "gru/norm_beta"]);
}

#[cfg(feature = "saved")]
#[test]
fn a_saved_layer_is_the_same() {
    use recurrent::saved;
    for case in cases() {
        let x = three::<f64>(&case["x"]);
        if case["kind"] == "lstm" {
            let one = lstm::<f64>(&case, 0, Isa::detect());
            let again: Lstm<f64> = saved::read(&saved::write(&one).unwrap()).unwrap();
            assert_eq!(again.layer_norm(), one.layer_norm());
            assert_eq!(again.run(&x).last(), one.run(&x).last());
        } else {
            let one = gru::<f64>(&case, 0, Isa::detect());
            let again: Gru<f64> = saved::read(&saved::write(&one).unwrap()).unwrap();
            assert_eq!(again.layer_norm(), one.layer_norm());
            assert_eq!(again.run(&x).last(), one.run(&x).last());
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let ones = |rows, columns| Array2::<f32>::ones((rows, columns));
    let say = |made: Result<Lstm<f32>>| made.unwrap_err().to_string();
    let lstm = || Lstm::<f32>::builder(2, 3);
    let norm = || LayerNorm::new(ones(2, 12), None);
    for (made, said) in [
        (
            lstm().layer_norm(LayerNorm::new(ones(1, 12), None)),
            "gamma has 1 row",
        ),
        (
            lstm().layer_norm(LayerNorm::new(ones(2, 9), None)),
            "gamma has 9 columns",
        ),
        (
            lstm().layer_norm(LayerNorm::new(ones(2, 12), ones(2, 3))),
            "beta has 3 columns",
        ),
        (
            lstm().layer_norm(norm().state(Array1::ones(4), None)),
            "state_gamma has 4 units",
        ),
        (
            lstm().layer_norm(norm().epsilon(f64::NAN)),
            "epsilon is NaN",
        ),
        (lstm().layer_norm(norm().epsilon(-1.0)), "epsilon is -1"),
        (
            lstm().layer_norm(norm()).peepholes(ones(3, 3)),
            "layer_norm",
        ),
        (
            lstm().layer_norm(norm()).projection(ones(3, 2)),
            "layer_norm",
        ),
    ] {
        let message = say(made.build());
        assert!(message.contains(said), "{message}");
    }
    let gru = || Gru::<f32>::builder(2, 3).layer_norm(LayerNorm::new(ones(2, 9), None));
    gru().build().unwrap();
    assert!(gru().reset_after(false).build().is_err());
    let with_state = LayerNorm::new(ones(2, 9), None).state(Array1::ones(3), None);
    assert!(gru().layer_norm(with_state).build().is_err());
}
