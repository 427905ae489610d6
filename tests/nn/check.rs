//! `Model::check` says what the first request would say.

use crate::case::cases;
use ndarray::ArrayD;
use recurrent::{
    AnyLayer, Bidirectional, Deep, Gru, Layer, Lstm, Merge, Model, Recurrent, Result, SimpleRnn,
    Tensor,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A model of one layer.
fn model(layer: &Arc<dyn AnyLayer<f32>>, inputs: usize) -> Option<Model<f32>> {
    let mut graph = Model::graph();
    let nodes: Vec<_> = (0..inputs).map(|n| graph.input(n.to_string())).collect();
    let y = graph.add("layer", Arc::clone(layer), nodes).ok()?;
    Some(graph.finish([y]).unwrap())
}

/// Every axis but the samples shorter, longer, of length 1 and gone, and one axis more.
fn shapes(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![shape.to_vec(), vec![], vec![shape[0]]];
    for axis in 1..shape.len() {
        for len in [0, 1, shape[axis] - 1, shape[axis] + 1, 50] {
            let mut shape = shape.to_vec();
            shape[axis] = len;
            all.push(shape);
        }
        let mut fewer = shape.to_vec();
        fewer.remove(axis);
        let mut more = shape.to_vec();
        more.insert(axis, 2);
        all.extend([fewer, more]);
    }
    all
}

fn says<T>(result: Result<T>) -> std::result::Result<T, String> {
    result.map_err(|error| error.to_string())
}

#[test]
fn it_says_what_a_request_says() {
    let (mut same, mut refused) = (0, 0);
    for case in &cases() {
        let (layer, inputs): (Arc<dyn AnyLayer<f32>>, _) =
            (case.layer().into(), case.inputs::<f32>());
        let Some(model) = model(&layer, inputs.len()) else {
            continue;
        };
        let right: Vec<Vec<usize>> = inputs.iter().map(|x| x.values.shape().to_vec()).collect();
        for n in 0..inputs.len() {
            for shape in shapes(&right[n]) {
                let mut shapes = right.clone();
                shapes[n] = shape;
                let zeros = shapes
                    .iter()
                    .map(|shape| Tensor::new(&ArrayD::zeros(&**shape)));
                let run = model.forward_all(zeros);
                let run = run.map(|y| {
                    y.iter()
                        .map(|y| y.values.shape().to_vec())
                        .collect::<Vec<_>>()
                });
                let checked = says(model.check_all(&shapes));
                refused += usize::from(checked.is_err());
                same += 1;
                // The samples are 0 where an error names them.
                let expected = says(run).map_err(|words| {
                    let at = format!("input is ({}, ", shapes[n].first().unwrap_or(&0));
                    words.replace(&at, "input is (0, ")
                });
                assert_eq!(checked, expected, "{}: {shapes:?}", case.of);
            }
        }
    }
    println!("{same} shapes, {refused} refused");
    assert!(refused > 500 && refused < same - 500, "{refused} of {same}");
}

/// A size that no request could have ends at once.
#[test]
fn a_hostile_size_costs_nothing() {
    for case in &cases() {
        let (layer, inputs): (Arc<dyn AnyLayer<f32>>, _) =
            (case.layer().into(), case.inputs::<f32>());
        let Some(model) = model(&layer, inputs.len()) else {
            continue;
        };
        let right: Vec<Vec<usize>> = inputs.iter().map(|x| x.values.shape().to_vec()).collect();
        for n in 0..inputs.len() {
            for axis in 0..right[n].len() {
                for len in [1 << 31, 1 << 40, 1 << 58, usize::MAX / 2, usize::MAX] {
                    let mut shapes = right.clone();
                    shapes[n][axis] = len;
                    let start = Instant::now();
                    let _ = model.check_all(&shapes);
                    let took = start.elapsed();
                    assert!(
                        took < Duration::from_secs(1),
                        "{}, {shapes:?}: {took:?}",
                        case.of
                    );
                }
            }
        }
    }
}

/// Layers whose input is read step by step, with more steps than anybody could wait for.
#[test]
fn a_long_input_takes_no_steps() {
    let lstm = || Lstm::<f32>::builder(2, 3).build().unwrap();
    let gru = |features| Gru::<f32>::builder(features, 3).build().unwrap();
    let before = Gru::builder(2, 3).reset_after(false).build().unwrap();
    let layers: Vec<(Box<dyn AnyLayer<f32>>, usize)> = vec![
        (Box::new(Layer::new(lstm())), 3),
        (
            Box::new(Layer::new(lstm()).go_backwards(true).return_sequences(true)),
            3,
        ),
        (
            Box::new(
                Layer::new(lstm())
                    .return_sequences(true)
                    .zero_output_for_mask(true),
            ),
            3,
        ),
        (Box::new(Layer::new(before)), 3),
        (
            Box::new(Layer::new(SimpleRnn::builder(2, 3).build().unwrap())),
            3,
        ),
        (Box::new(Layer::new(Bidirectional::new(lstm(), gru(2)))), 6),
        (
            Box::new(Layer::new(lstm().then(gru(3))).return_sequences(true)),
            3,
        ),
        (
            Box::new(Layer::new(Deep::new([gru(2), gru(3)]).unwrap())),
            3,
        ),
        (
            Box::new(Layer::new(Bidirectional::new(lstm(), gru(2)).then(gru(6)))),
            3,
        ),
    ];
    for (n, (layer, units)) in layers.into_iter().enumerate() {
        let model = Model::new().add(layer);
        let returns_sequences = model
            .forward(&ArrayD::zeros(&[1, 4, 2][..]))
            .unwrap()
            .ndim()
            == 3;
        for timesteps in [0, 1, 7, 1 << 25] {
            let start = Instant::now();
            let found = model.check(&[2, timesteps, 2]).unwrap();
            let expected = if returns_sequences {
                vec![2, timesteps, units]
            } else {
                vec![2, units]
            };
            assert_eq!(found, expected, "layer {n}");
            let took = start.elapsed();
            assert!(
                took < Duration::from_secs(1),
                "layer {n}, {timesteps}: {took:?}"
            );
        }
        assert!(model.check(&[2, 1 << 50, 2]).is_err(), "layer {n}");
    }
}

/// A layer of one's own is called, so that what it says counts.
#[test]
fn a_layer_of_ones_own() {
    struct Pairs;
    impl AnyLayer<f32> for Pairs {
        fn name(&self) -> &'static str {
            "pairs"
        }
        fn forward(&self, input: Tensor<f32>) -> Result<Tensor<f32>> {
            let shape = input.values.shape().to_vec();
            let halved = [shape[0], shape[1] / 2, 2 * shape[2]];
            Ok(Tensor::new(&input.values.into_shape_with_order(halved)?))
        }
    }
    let model = Model::new()
        .add(Pairs)
        .add(Layer::new(Lstm::builder(4, 3).build().unwrap()));
    assert_eq!(model.check(&[5, 10, 2]), Ok(vec![5, 3]));
    assert_eq!(
        says(model.check(&[5, 10, 3])).unwrap_err(),
        "layer 1 (lstm): input has 6 features, expected 4"
    );
}

#[test]
fn several_inputs() {
    let mut graph = Model::<f32>::graph();
    let (a, b) = (graph.input("a"), graph.input("b"));
    let y = graph.add("both", Merge::Add, [a, b]).unwrap();
    let model = graph.finish([y, a]).unwrap();
    assert_eq!(
        model.check_all([[4, 3], [4, 3]]),
        Ok(vec![vec![4, 3], vec![4, 3]])
    );
    for (shapes, words) in [
        (vec![vec![4, 3]], "number of inputs is 1, expected 2 (a, b)"),
        (
            vec![vec![4, 3], vec![5, 3]],
            "number of samples is 4 in \"a\", 5 in \"b\", expected the same in every input",
        ),
    ] {
        assert_eq!(says(model.check_all(shapes)).unwrap_err(), words);
    }
    assert_eq!(
        says(model.check(&[4, 3])).unwrap_err(),
        "number of outputs is 2, expected 1: `forward_all` gives all of them"
    );
    assert!(model.check_all([[4, 3], [4, 2]]).is_err());
}
