//! What is not written, and what is not read: by its name.

use crate::says::says;
use crate::written::write;
use ndarray::{Array2, ArrayD, ArrayView2, array};
use recurrent::*;
use safetensors::SafeTensors;
use serde_json::{Value, json};

fn model() -> Model<f32> {
    let lstm = |features, seed| Lstm::builder(features, 2).seed(seed).build().unwrap();
    let both = Layer::new(Bidirectional::new(lstm(2, 1), lstm(2, 2))).return_sequences(true);
    Model::new().add_as("both", both).add_as(
        "head",
        Dense::from_weights(Array2::ones((4, 1)), array![0.5]).unwrap(),
    )
}

/// The arrays and the description of a file.
fn parts(bytes: &[u8]) -> (Vec<(String, ArrayD<f32>)>, Value) {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let description = &header.metadata().as_ref().unwrap()["recurrent"];
    let file = torch::File::read(bytes).unwrap();
    let arrays = file.names().unwrap().into_iter();
    let arrays = arrays.map(|name| (name.clone(), file.array(&name).unwrap()));
    (arrays.collect(), serde_json::from_str(description).unwrap())
}

fn joined(arrays: &[(String, ArrayD<f32>)], description: &Value) -> Vec<u8> {
    let views: Vec<_> = arrays
        .iter()
        .map(|(name, array)| (&**name, array.view()))
        .collect();
    write(&views, &[("recurrent", &description.to_string())])
}

/// Changes the description of the model, and says what is wrong with it.
#[track_caller]
fn refused(change: impl Fn(&mut Value), words: &[&str]) {
    let (arrays, mut description) = parts(&saved::write(&model()).unwrap());
    change(&mut description);
    says(
        saved::read::<Model<f32>>(&joined(&arrays, &description)),
        words,
    );
}

/// Takes out what stands under a key.
fn without(object: &mut Value, key: &str) {
    object.as_object_mut().unwrap().remove(key).unwrap();
}

#[derive(Clone)]
struct Mine;

impl AnyLayer<f32> for Mine {
    fn name(&self) -> &str {
        "mine"
    }
    fn forward(&self, input: Tensor<f32>) -> Result<Tensor<f32>> {
        Ok(input)
    }
}

impl Cell for Mine {
    type Elem = f32;
    type State = HiddenState<f32>;
    fn features(&self) -> usize {
        1
    }
    fn units(&self) -> usize {
        1
    }
    fn zero_state(&self, samples: usize) -> HiddenState<f32> {
        HiddenState::zeros(samples, 1)
    }
    fn step(&self, _: ArrayView2<f32>, _: &mut HiddenState<f32>) {}
    fn output<'s>(&self, state: &'s HiddenState<f32>) -> ArrayView2<'s, f32> {
        state.h.view()
    }
}

#[test]
fn what_is_not_written() {
    let ours = "layer to save is mine, expected one of this crate";
    says(
        saved::write(&Model::new().add_as("one", Mine)),
        &[r#"layer "one": "#, ours],
    );
    let deep = TimeDistributed::new(Model::new().add(Mine));
    says(
        saved::write(&Model::new().add_as("two", deep)),
        &[r#"layer "two": layer "layer": layer "mine""#, ours],
    );
    let cell = Model::new().add(Layer::new(
        Rnn(Mine).then(SimpleRnn::builder(1, 1).build().unwrap()),
    ));
    says(
        saved::write(&cell),
        &[
            r#"layer "rnn""#.replace("rnn", "stacked").as_str(),
            "layer to save is rnn",
        ],
    );
    let norm = LayerNormalization::<f32>::from_weights(None, None).unwrap();
    says(
        saved::write(&norm.epsilon(f64::NAN)),
        &["epsilon: found NaN, expected what JSON can hold"],
    );
    let rnn = SimpleRnn::<f32>::builder(1, 1)
        .clip(f64::INFINITY)
        .build()
        .unwrap();
    says(
        saved::write(&rnn),
        &["clip: found Some(inf), expected what JSON can hold"],
    );
    says(
        saved::write(&Activation::Elu {
            alpha: f64::NEG_INFINITY,
        }),
        &["activation: found Elu"],
    );
    says(
        saved::save("/no/such/directory", &rnn_of_one()),
        &["/no/such/directory", "a file that can be written"],
    );
}

fn rnn_of_one() -> SimpleRnn<f32> {
    SimpleRnn::builder(1, 1).build().unwrap()
}

#[test]
fn what_is_not_read() {
    let plain = write::<f32>(&[], &[]);
    says(
        saved::read::<Model<f32>>(&plain),
        &["metadata: found none, expected a text \"recurrent\""],
    );
    says(
        saved::read::<Model<f32>>(b"no file at all"),
        &["safetensors file"],
    );
    says(
        saved::load::<Model<f32>>("/no/such/file"),
        &["/no/such/file", "a file that can be read"],
    );
    let lstm = saved::write(&rnn_of_one()).unwrap();
    says(
        saved::read::<Lstm<f32>>(&lstm),
        &["class: found simple_rnn, expected lstm"],
    );
    says(
        saved::read::<Model<f32>>(&lstm),
        &["class: found simple_rnn, expected model"],
    );
    says(
        saved::read::<Box<dyn AnyLayer<f32>>>(&lstm),
        &["class: found simple_rnn, expected a layer of a model"],
    );

    refused(
        |d| d["version"] = json!(3),
        &["metadata: found version 3, expected version 2"],
    );
    refused(
        |d| d["version"] = json!(null),
        &["metadata: found none, expected version 2"],
    );
    refused(
        |d| d["more"] = json!(1),
        &[
            "metadata: found unknown field `more`",
            "expected a version and a layer",
        ],
    );
    refused(
        |d| d["layer"] = json!(1),
        &["layer: found invalid type", "expected a description"],
    );
    refused(|d| d["layer"]["more"] = json!(1), &["unknown field `more`"]);
    let head = r#"layer "1": "#;
    refused(
        |d| d["layer"]["layers"]["1"]["class"] = json!("lambda"),
        &[head, "class: found lambda"],
    );
    refused(
        |d| d["layer"]["layers"]["1"]["class"] = json!("keras_other"),
        &[head, "found keras_other"],
    );
    refused(
        |d| d["layer"]["layers"]["1"]["config"]["more"] = json!(1),
        &[head, "more: found something, expected nothing"],
    );
    refused(
        |d| d["layer"]["layers"]["1"]["weights"]["more"] = json!("x"),
        &[head, "more: found something"],
    );
    refused(
        |d| d["layer"]["layers"]["1"]["layers"] = json!({"0": {"class": "flatten"}}),
        &[head, "0: found something"],
    );
    refused(
        |d| d["layer"]["layers"]["2"] = json!({"class": "flatten"}),
        &["2: found something"],
    );
    refused(
        |d| d["layer"]["layers"]["1"]["config"]["activation"] = json!("tahn"),
        &[head, "activation: found unknown variant `tahn`"],
    );
    refused(
        |d| without(&mut d["layer"]["layers"]["1"]["config"], "activation"),
        &[head, "activation: found none"],
    );
    refused(
        |d| without(&mut d["layer"]["layers"], "1"),
        &[head, "found none, expected a description"],
    );
    let weights =
        |d: &mut Value, key: &str, name: Value| d["layer"]["layers"]["1"]["weights"][key] = name;
    refused(
        |d| weights(d, "kernel", json!("gone")),
        &[head, r#""head/kernel"], expected an array "gone""#],
    );
    refused(
        |d| weights(d, "kernel", json!("both/forward/kernel")),
        &[head, "both/forward/kernel", "of this layer only"],
    );
    refused(
        |d| weights(d, "kernel", json!("head/bias")),
        &[head, "head/bias: found 1 axis, expected 2 axes"],
    );
    refused(
        |d| without(&mut d["layer"]["layers"]["1"]["weights"], "kernel"),
        &[head, "kernel: found none, expected an array of this layer"],
    );
    refused(
        |d| without(&mut d["layer"]["layers"]["1"]["weights"], "bias"),
        &["head/bias: found one, expected no array that no layer has"],
    );
    let lower = |d: &mut Value| {
        d["layer"]["layers"]["0"]["layers"]["layer"]["layers"]["forward"]["config"]["clip"] =
            json!(-1.0);
    };
    refused(
        lower,
        &[r#"layer "0": layer "layer": layer "forward": clip is -1, expected a number above 0"#],
    );
}

#[test]
fn arrays_that_do_not_fit() {
    let (arrays, description) = parts(&saved::write(&model()).unwrap());
    for at in 0..arrays.len() {
        let mut less = arrays.clone();
        let (name, _) = less.remove(at);
        says(
            saved::read::<Model<f32>>(&joined(&less, &description)),
            &[&format!("array {name:?}")],
        );
        let mut other = arrays.clone();
        other[at].1 = ArrayD::zeros(vec![3; other[at].1.ndim()]);
        says(
            saved::read::<Model<f32>>(&joined(&other, &description)),
            &["expected"],
        );
    }
    let mut more = arrays.clone();
    more.push(("zzz".into(), ArrayD::zeros(vec![1])));
    says(
        saved::read::<Model<f32>>(&joined(&more, &description)),
        &["zzz: found one, expected no array that no layer has"],
    );
}

#[test]
fn calls_that_do_not_fit() {
    let set = |key: &'static str, value: Value| {
        move |d: &mut Value| d["layer"]["config"][key] = value.clone()
    };
    let call = |layer, home, inputs: &[usize], first, outputs| json!({"layer": layer, "home": home, "inputs": inputs, "first": first, "outputs": outputs});
    let second = call(1, 1, &[1], 2, 1);
    let first = |first: Value| set("calls", json!([first, second]));
    let says = "calls: found";
    refused(
        first(call(0, 0, &[1], 1, 1)),
        &[says, "value 1, which nothing gave before"],
    );
    refused(
        first(call(0, 0, &[9], 1, 1)),
        &[says, "value 9, which nothing gave before"],
    );
    refused(first(call(0, 0, &[0], 0, 1)), &[says, "value 0 once more"]);
    refused(
        first(call(0, 0, &[0], 7, 1)),
        &[says, "value 7 once more, or of too many"],
    );
    refused(
        first(call(0, 0, &[0], usize::MAX, 1)),
        &[says, "of too many"],
    );
    refused(
        first(call(0, 0, &[0], 1, 2)),
        &[says, "2 outputs of layer 0"],
    );
    refused(
        first(call(0, 0, &[0], 1, 0)),
        &[says, "0 outputs of layer 0"],
    );
    refused(
        first(call(9, 0, &[0], 1, 1)),
        &[says, "1 outputs of layer 9"],
    );
    refused(
        first(call(0, 1, &[0], 1, 1)),
        &[says, "call 1 as the first of its layer"],
    );
    refused(
        first(call(0, 0, &[0], 1, usize::MAX)),
        &["values: found", "expected at most 65536"],
    );
    refused(set("outputs", json!([3])), &[says, "value 3"]);
    refused(
        set("outputs", json!([])),
        &[says, "no inputs or no outputs"],
    );
    refused(set("names", json!(["a"])), &[says, "1 outputs of layer 1"]);
    refused(set("inputs", json!([])), &[says]);
}
