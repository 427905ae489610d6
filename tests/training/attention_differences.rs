//! Gradients of attention and of what scales or pairs vectors, against central differences, in f64.

use crate::layer_differences::{check_layer, check_several, mask, numbers, vector};
use ndarray::{Array1, Array2, Array3, ArrayD, s};
use recurrent::*;

fn three<const N: usize>(shape: [usize; N], seed: u64) -> Tensor<f64> {
    Tensor::new(&numbers(&shape, seed))
}

/// A query of 5, values and keys of 6 timesteps.
fn inputs() -> [Tensor<f64>; 3] {
    [
        three([3, 5, 4], 1),
        three([3, 6, 2], 2),
        three([3, 6, 4], 3),
    ]
}

fn query_mask() -> Array2<bool> {
    mask().slice_move(s![.., ..5])
}

#[test]
fn additive() {
    let [query, value, key] = inputs();
    for scale in [Some(vector(4, 5)), None] {
        for causal in [false, true] {
            for scores in [false, true] {
                let of = AdditiveAttention::from_weights(scale.clone());
                let of = || of.clone().causal(causal).return_attention_scores(scores);
                let what = format!("additive, causal {causal}, scores {scores}");
                let all = [query.clone(), value.clone(), key.clone()];
                check_several(&what, of(), &all);
                let masked = [
                    query.clone().masked(&query_mask()),
                    value.clone().masked(&mask()),
                    key.clone(),
                ];
                check_several(&what, of(), &masked);
                check_several(&what, of(), &[query.clone(), key.clone().masked(&mask())]);
            }
        }
    }
}

#[test]
fn scores_of_attention() {
    let [query, value, key] = inputs();
    for of in [Attention::new().scale(0.7), Attention::new().concat(0.8)] {
        let masked = [
            query.clone().masked(&query_mask()),
            value.clone().masked(&mask()),
            key.clone(),
        ];
        check_several("scores", of.return_attention_scores(true), &masked);
    }
}

/// A layer of `heads` heads of 3 numbers, whose values have 2 and no bias.
fn heads(heads: usize, features: [usize; 3], units: usize, bias: bool) -> MultiHeadAttention<f64> {
    let kernel = |features: usize, size: usize, seed: u64| {
        let kernel: Array3<f64> = numbers(&[features, heads, size], seed)
            .into_dimensionality()
            .unwrap();
        let bias: Array2<f64> = numbers(&[heads, size], seed + 20)
            .into_dimensionality()
            .unwrap();
        (kernel, Some(bias).filter(|_| seed != 6))
    };
    let output: Array3<f64> = numbers(&[heads, 2, units], 8)
        .into_dimensionality()
        .unwrap();
    let of_output: Option<Array1<f64>> = bias.then(|| vector(units, 9));
    let [query, value, key] = features;
    let all = [kernel(query, 3, 5), kernel(value, 2, 6), kernel(key, 3, 7)];
    MultiHeadAttention::from_weights(all, (output, of_output)).unwrap()
}

#[test]
fn several_heads() {
    let [query, value, key] = inputs();
    for causal in [false, true] {
        for scores in [false, true] {
            let of = |bias| {
                let of = heads(2, [4, 2, 4], 3, bias).causal(causal);
                of.return_attention_scores(scores)
            };
            let what = format!("heads, causal {causal}, scores {scores}");
            let all = [query.clone(), value.clone(), key.clone()];
            check_several(&what, of(true), &all);
            // The first timestep of the value is real for all, so that no query sees nothing.
            let masked = [
                query.clone().masked(&query_mask()),
                value.clone().masked(&mask()),
                key.clone().masked(&mask()),
            ];
            check_several(&format!("masked {what}"), of(false), &masked);
        }
    }
}

#[test]
fn heads_of_two_inputs_and_of_one() {
    let x = three([2, 6, 4], 4).masked(&mask().slice_move(s![..2, ..]));
    let of = || heads(3, [4, 4, 4], 5, true);
    check_several(
        "the key is the value",
        of(),
        &[three([2, 5, 4], 1), x.clone()],
    );
    let mut graph = Model::graph();
    let input = graph.input("x");
    let id = graph.layer("layer", of().causal(true)).unwrap();
    let outputs = graph.call_all(id, [input, input]).unwrap();
    crate::layer_differences::check("self-attention", &mut graph.finish(&outputs).unwrap(), &[x]);
}

/// An attention mask of 0 and 1, of all heads and of each. In two of its rows a query sees nothing.
#[test]
fn attention_masks() {
    let [query, value, _] = inputs();
    let all = |shape: &[usize]| -> ArrayD<f64> { numbers(shape, 4).mapv(|x| f64::from(x > -0.3)) };
    for mut mask in [all(&[3, 5, 6]), all(&[3, 2, 5, 6])] {
        let last = ndarray::Axis(mask.ndim() - 2);
        mask.index_axis_mut(ndarray::Axis(0), 1)
            .lanes_mut(last)
            .into_iter()
            .step_by(3)
            .for_each(|mut row| row.fill(0.0));
        for scores in [false, true] {
            let of = heads(2, [4, 2, 2], 3, true).attention_mask(true);
            let of = of.return_attention_scores(scores);
            let mut graph = Model::graph();
            let names = ["query", "value", "mask"].map(|name| graph.input(name));
            let id = graph.layer("layer", of).unwrap();
            let outputs = graph.call_all(id, names).unwrap();
            let mut model = graph.finish(&outputs).unwrap();
            // The mask stays 0 or 1 at both points of a difference: it asks whether a number is 0.
            let inputs = [query.clone(), value.clone(), Tensor::new(&mask)];
            let run = model.record(inputs.clone()).unwrap();
            let upstream: Vec<_> = (0..run.outputs().len())
                .map(|at| Some(numbers(run.outputs()[at].values.shape(), 3)))
                .collect();
            assert!(run.backward(&upstream).unwrap().inputs[2].is_none());
            drop(run);
            crate::layer_differences::check_but("attention mask", &mut model, &inputs, 2);
        }
    }
}

/// Over several axes, and over one of them.
#[test]
fn axes_of_heads() {
    let images = || [three([2, 3, 2, 4], 1), three([2, 3, 2, 2], 2)];
    for (axes, value) in [
        (None, three([2, 2, 5, 2], 2)),
        (Some(vec![1]), three([2, 4, 2, 2], 2)),
        (Some(vec![2]), three([2, 3, 3, 2], 2)),
        (Some(vec![-3, -2]), images()[1].clone()),
    ] {
        for scores in [false, true] {
            let mut of = heads(2, [4, 2, 2], 3, true).return_attention_scores(scores);
            if let Some(axes) = &axes {
                of = of.attention_axes(axes);
            }
            let all = [images()[0].clone(), value.clone()];
            check_several(&format!("axes {axes:?}"), of, &all);
        }
    }
}

#[test]
fn products_of_vectors() {
    let pairs = [
        ((-1, -1), three([3, 4], 1), three([3, 4], 2)),
        ((2, 2), three([3, 5, 4], 1), three([3, 2, 4], 2)),
        ((1, 2), three([3, 4, 5], 1), three([3, 2, 4], 2)),
        ((1, 1), three([2, 4, 2, 3], 1), three([2, 4], 2)),
    ];
    for ((first, second), x, y) in pairs {
        for normalize in [false, true] {
            let of = Dot::over(first, second).normalize(normalize);
            check_several(
                &format!("dot {first} {second}"),
                of,
                &[x.clone(), y.clone()],
            );
        }
    }
}

#[test]
fn scaling() {
    let x = [three([3, 6, 4], 1), three([3, 6, 4], 2).masked(&mask())];
    for invert in [false, true] {
        let of = |axes: &[isize], shape: &[usize]| {
            let variance = numbers(shape, 5).mapv(|x| x.abs() + 0.2);
            let norm = Normalization::over(axes, numbers(shape, 4), variance).unwrap();
            norm.invert(invert)
        };
        check_layer("normalisation", || of(&[-1], &[4]), &x);
        check_layer(
            "normalisation of 1, 2",
            || of(&[1, 2], &[6, 4]).counted(7.0),
            &x,
        );
        check_layer("normalisation of all", || of(&[-1], &[]), &x);
        let each = || TimeDistributed::new(of(&[-1], &[4]).counted(7.0));
        check_layer("normalisation of each timestep", each, &x);
    }
    let adapted = Model::new().add(
        Normalization::from_weights(vector(4, 1), vector(4, 2).mapv(f64::abs))
            .unwrap()
            .counted(3.0),
    );
    let run = adapted.record([x[0].clone()]).unwrap();
    let gradient = run.backward(&[Some(numbers(&[3, 6, 4], 3))]).unwrap();
    assert_eq!(
        gradient.weights.iter().len(),
        0,
        "what was adapted does not learn"
    );
    check_layer("rescaling", || Rescaling::new(0.3, -1.0), &x);
    check_layer(
        "rescaling",
        || Rescaling::by(numbers(&[6, 1], 3), numbers(&[4], 4)),
        &x,
    );
}

/// NaN in what no query may see, and in what no gradient reaches, poisons nothing.
#[test]
fn padding_of_queries_is_not_read() {
    let [mut query, value, key] = inputs();
    let gradients = |query: &Tensor<f64>| {
        let mut graph = Model::graph();
        let names = ["query", "value", "key"].map(|name| graph.input(name));
        let id = graph.layer("layer", heads(2, [4, 2, 4], 3, true)).unwrap();
        let outputs = graph.call_all(id, names).unwrap();
        let model = graph.finish(&outputs).unwrap();
        let all = [query.clone(), value.clone(), key.clone()];
        let run = model.record(all).unwrap();
        let mut d = numbers(&[3, 5, 3], 3);
        for (at, _) in query_mask().indexed_iter().filter(|(_, real)| !**real) {
            d.slice_mut(s![at.0, at.1, ..]).fill(0.0);
        }
        let gradient = run.backward(&[Some(d)]).unwrap();
        let weights: Vec<_> = gradient.weights.iter().map(|(_, d)| d.clone()).collect();
        let inputs: Vec<_> = gradient.inputs.into_iter().flatten().collect();
        [weights, inputs].concat()
    };
    query = query.masked(&query_mask());
    let clean = gradients(&query);
    for (at, _) in query_mask().indexed_iter().filter(|(_, real)| !**real) {
        query.values.slice_mut(s![at.0, at.1, ..]).fill(f64::NAN);
    }
    assert_eq!(gradients(&query), clean);
}
