//! Gradients of layers against those of Keras, in f64: `tests/data/make_layer_gradients.py`.
//!
//! Keras scales the scores of several heads by a number of f32 precision: those agree to 1e-7, all others to 1e-9.

use crate::common::data::tests;
use ndarray::{Array1, Array2, Array3, ArrayD, Dimension, Ix2, Ix4};
use recurrent::*;
use serde_json::Value;

struct Case(Value);

fn array(of: &Value) -> ArrayD<f64> {
    let shape: Vec<usize> = serde_json::from_value(of["shape"].clone()).unwrap();
    let numbers: Vec<f64> = serde_json::from_value(of["numbers"].clone()).unwrap();
    ArrayD::from_shape_vec(shape, numbers).unwrap()
}

fn arrays(of: &Value) -> Vec<ArrayD<f64>> {
    of.as_array().unwrap().iter().map(array).collect()
}

impl Case {
    fn load(name: &str) -> Self {
        let bytes = std::fs::read(tests().join("data/layer_gradients.json")).unwrap();
        let all: Value = serde_json::from_slice(&bytes).unwrap();
        Case(all[name].clone())
    }

    fn weight<D: Dimension>(&self, name: &str) -> ndarray::Array<f64, D> {
        let weight = array(&self.0["weights"][name]);
        weight.into_dimensionality().unwrap()
    }

    fn check(&self, layer: impl AnyLayer<f64> + 'static) {
        self.check_within(1e-9, layer);
    }

    /// Compares every gradient.
    fn check_within(&self, allowed: f64, layer: impl AnyLayer<f64> + 'static) {
        let masks = self.0["masks"].as_array().unwrap();
        let inputs = arrays(&self.0["inputs"]).into_iter().enumerate();
        let inputs = inputs.map(|(n, x)| {
            let tensor = Tensor::new(&x);
            let mask = masks.get(n).filter(|mask| !mask.is_null());
            mask.map_or(tensor.clone(), |mask| {
                let mask = array(mask).into_dimensionality::<Ix2>().unwrap();
                tensor.masked(&mask.mapv(|real| real != 0.0))
            })
        });
        let inputs: Vec<Tensor<f64>> = inputs.collect();
        let mut graph = Model::graph();
        let names = ["x", "y", "z"].into_iter().take(inputs.len());
        let nodes: Vec<_> = names.map(|name| graph.input(name)).collect();
        let layer: Box<dyn AnyLayer<f64>> = Box::new(layer);
        let id = graph.layer("layer", layer).unwrap();
        let outputs = graph.call_all(id, &nodes).unwrap();
        let model = graph.finish(&outputs).unwrap();
        let run = model.record(inputs).unwrap();
        let factors: Vec<_> = arrays(&self.0["factors"]).into_iter().map(Some).collect();
        let gradient = run.backward(&factors).unwrap();
        let agree = |what: &str, got: &ArrayD<f64>, want: &ArrayD<f64>| {
            assert_eq!(got.len(), want.len(), "{what}");
            for (got, want) in got.iter().zip(want) {
                let apart = (got - want).abs();
                assert!(
                    apart <= allowed * want.abs().max(1.0),
                    "{what}: {got}, expected {want}"
                );
            }
        };
        let of_weights = self.0["of_weights"].as_object().unwrap();
        assert_eq!(gradient.weights.iter().len(), of_weights.len());
        for (name, want) in of_weights {
            let got = gradient.weights.get(&format!("layer/{name}")).unwrap();
            agree(name, got, &array(want));
        }
        for (n, want) in arrays(&self.0["of_inputs"]).iter().enumerate() {
            agree(
                &format!("input {n}"),
                gradient.inputs[n].as_ref().unwrap(),
                want,
            );
        }
    }
}

#[test]
fn convolutions_of_images() {
    let case = Case::load("conv2d");
    let builder = Conv2d::builder().strides([2, 1]).padding(Padding::Same);
    let builder = builder.groups(2).activation(Activation::Silu);
    let bias = case.weight::<ndarray::Ix1>("bias");
    case.check(builder.from_weights(case.weight("kernel"), bias).unwrap());

    let case = Case::load("depthwise");
    let kernel = case.weight::<Ix4>("kernel");
    let (height, width, channels, filters) = kernel.dim();
    let shape = (height, width, 1, channels * filters);
    let kernel = kernel.into_shape_with_order(shape).unwrap();
    let builder = Conv2d::builder().groups(channels);
    let bias = case.weight::<ndarray::Ix1>("bias");
    case.check(builder.from_weights(kernel, bias).unwrap());
}

#[test]
fn pooling_of_images() {
    let max = Pooling2d::max([2, 2]).unwrap().strides([1, 1]).unwrap();
    Case::load("max_ties").check(max);
    Case::load("global_max_ties").check(GlobalPooling2d::max());
    let average = Pooling2d::average([2, 3]).unwrap().strides([1, 2]).unwrap();
    Case::load("average").check(average.padding(Padding::Same).unwrap());
}

/// The last query of the first sample is masked: it sees nothing.
#[test]
fn attention() {
    for (name, scores) in [("heads", false), ("heads_scores", true)] {
        let case = Case::load(name);
        let projection = |name: &str| -> (Array3<f64>, Option<Array2<f64>>) {
            let [kernel, bias] = ["kernel", "bias"].map(|array| format!("{name}/{array}"));
            (case.weight(&kernel), Some(case.weight(&bias)))
        };
        let output: (Array3<f64>, Option<Array1<f64>>) = (
            case.weight("attention_output/kernel"),
            Some(case.weight("attention_output/bias")),
        );
        let all = ["query", "value", "key"].map(projection);
        let heads = MultiHeadAttention::from_weights(all, output).unwrap();
        case.check_within(1e-7, heads.return_attention_scores(scores));
    }
    let case = Case::load("additive");
    let additive = AdditiveAttention::from_weights(case.weight::<ndarray::Ix1>("scale"));
    case.check(additive.return_attention_scores(true));
}

#[test]
fn products_of_unit_vectors() {
    Case::load("dot").check(Dot::over(1, 2).normalize(true));
}

#[test]
fn other_normalisations() {
    let case = Case::load("rms");
    let norm = RmsNormalization::from_weights(case.weight("scale")).unwrap();
    case.check(norm.epsilon(0.01));
    Case::load("unit").check(UnitNormalization::over(&[1, 2]).unwrap());
    let case = Case::load("group");
    let [gamma, beta] = ["gamma", "beta"].map(|name| case.weight::<ndarray::Ix1>(name));
    let norm = GroupNormalization::from_weights(2, gamma, beta).unwrap();
    case.check(norm.epsilon(0.01));
}

/// Two numbers of the input are 0.
#[test]
fn learned_slopes() {
    let case = Case::load("p_relu");
    case.check(PRelu::from_weights(case.weight("alpha")));
}

#[test]
fn transposed_convolutions() {
    let case = Case::load("conv1d_transpose");
    let builder = Conv1dTranspose::builder().strides(2).padding(Padding::Same);
    let builder = builder.activation(Activation::Silu);
    let bias = case.weight::<ndarray::Ix1>("bias");
    case.check(builder.from_weights(case.weight("kernel"), bias).unwrap());
    let case = Case::load("conv2d_transpose");
    let bias = case.weight::<ndarray::Ix1>("bias");
    let builder = Conv2dTranspose::builder().strides([3, 2]);
    case.check(builder.from_weights(case.weight("kernel"), bias).unwrap());
}
