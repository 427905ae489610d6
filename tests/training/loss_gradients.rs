//! Gradients against central differences, and CTC against all of its alignments.
#![allow(clippy::float_cmp)] // exact values are what is asked for

use ndarray::{Array2, Array3, ArrayD, Axis, Dimension, IxDyn, array};
use recurrent::train::{Loss, Reduction, Target};

/// What the targets of a loss are.
#[derive(Clone, Copy, PartialEq)]
enum Targets {
    Numbers,
    Shares,
    Classes,
}

/// Every loss whose outputs are scores or differences, and then those whose outputs are probabilities.
fn losses() -> Vec<(Loss<f64>, Targets, bool)> {
    use Targets::{Classes, Numbers, Shares};
    let sparse = Loss::sparse_categorical_crossentropy;
    let weights = [0.5, 2.0, 1.25];
    vec![
        (Loss::mean_squared_error(), Numbers, false),
        (Loss::mean_absolute_error(), Numbers, false),
        (Loss::huber(0.75), Numbers, false),
        (Loss::log_cosh(), Numbers, false),
        (Loss::torch_mse(), Numbers, false),
        (Loss::torch_l1(), Numbers, false),
        (Loss::torch_huber(0.75), Numbers, false),
        (Loss::torch_smooth_l1(0.75), Numbers, false),
        (Loss::torch_smooth_l1(0.0), Numbers, false),
        (Loss::binary_crossentropy().from_logits(true), Shares, false),
        (
            Loss::binary_crossentropy()
                .from_logits(true)
                .label_smoothing(0.2)
                .pos_weight(&weights),
            Shares,
            false,
        ),
        (
            Loss::torch_bce_with_logits().pos_weight(&[2.5]),
            Shares,
            false,
        ),
        (
            Loss::torch_bce_with_logits()
                .pos_weight(&weights)
                .label_smoothing(0.1),
            Shares,
            false,
        ),
        (
            Loss::categorical_crossentropy()
                .from_logits(true)
                .label_smoothing(0.2),
            Shares,
            false,
        ),
        (sparse().from_logits(true), Classes, false),
        (sparse().from_logits(true).ignore_class(2), Classes, false),
        (
            Loss::torch_cross_entropy()
                .class_weights(&weights)
                .label_smoothing(0.3),
            Classes,
            false,
        ),
        (Loss::binary_crossentropy(), Shares, true),
        (
            Loss::binary_crossentropy()
                .label_smoothing(0.2)
                .pos_weight(&weights),
            Shares,
            true,
        ),
        (Loss::categorical_crossentropy(), Shares, true),
        (
            Loss::categorical_crossentropy().label_smoothing(0.2),
            Numbers,
            true,
        ),
        (sparse(), Classes, true),
        (Loss::kl_divergence(), Shares, true),
    ]
}

#[test]
fn gradients_are_the_slopes() {
    const SHAPE: (usize, usize, usize) = (2, 5, 3);
    let hash = |i: usize, salt: usize| (i * 7919 + salt * 104_729) % 1009;
    let noise = |i: usize, salt: usize| hash(i, salt) as f64 / 1009.0; // in [0, 1)
    let index = |(b, t, k): (usize, usize, usize)| (b * 5 + t) * 3 + k;
    let classes = Array2::from_shape_fn((2, 5), |(b, t)| (hash(b * 5 + t, 3) % 3) as f64);
    let mask = Array2::from_shape_fn((2, 5), |(b, t)| (b + t) % 3 != 1);
    let per_sample = array![[0.75], [1.5]];
    let mut checked = 0;
    for (loss, targets, are_probabilities) in losses() {
        let x = Array3::from_shape_fn(SHAPE, |at| {
            let noise = noise(index(at), 1);
            if are_probabilities {
                0.05 + 0.9 * noise
            } else {
                4.0 * noise - 2.0
            }
        });
        let mut y = Array3::from_shape_fn(SHAPE, |at| noise(index(at), 2));
        if targets == Targets::Shares {
            y.rows_mut().into_iter().for_each(|mut y| y /= y.sum());
        }
        // Away from the kinks: at 0, and where the losses of Huber bend.
        let far = |e: f64| e.abs() > 1e-3 && (e.abs() - 0.75).abs() > 1e-3;
        assert!(x.iter().zip(&y).all(|(x, y)| far(x - y)));
        let y: ArrayD<f64> = match targets {
            Targets::Classes => classes.clone().into_dyn(),
            _ => y.into_dyn(),
        };
        for reduction in [
            Reduction::Mean,
            Reduction::MeanWithSampleWeight,
            Reduction::Sum,
            Reduction::None,
        ] {
            let loss = loss.clone().reduction(reduction);
            let shape = loss.evaluate(&x, Target::new(&y)).unwrap().values.raw_dim();
            let factor = ArrayD::from_shape_fn(shape.clone(), |at| {
                at.slice().iter().sum::<usize>() as f64 - 2.5
            });
            let weights = if shape.slice().len() == 3 {
                per_sample.clone().insert_axis(Axis(2)).into_dyn()
            } else {
                per_sample.clone().into_dyn()
            };
            for kind in 0..4 {
                let mut target = Target::new(&y);
                if kind % 2 == 1 {
                    target = target.mask(&mask);
                }
                if kind / 2 == 1 {
                    target = target.sample_weights(&weights);
                }
                if reduction == Reduction::None {
                    target = target.upstream(&factor);
                }
                checked += check(&loss, &x, &target);
            }
        }
    }
    assert_eq!(checked, 23 * 4 * 4 * 30);
}

fn check(loss: &Loss<f64>, x: &Array3<f64>, target: &Target<f64>) -> usize {
    const STEP: f64 = 1e-5;
    let found = loss.evaluate(x, target.clone()).unwrap();
    let value = |x: &Array3<f64>| loss.evaluate(x, target.clone()).unwrap().value;
    let mut x = x.clone();
    for (at, &gradient) in found.gradient.indexed_iter() {
        let old = x[at];
        x[at] = old + STEP;
        let above = value(&x);
        x[at] = old - STEP;
        let slope = (above - value(&x)) / (2.0 * STEP);
        x[at] = old;
        let difference = (gradient - slope).abs() / slope.abs().max(1.0);
        assert!(
            difference <= 1e-7,
            "{loss:?} at {at:?}: {gradient}, but the slope is {slope}"
        );
    }
    found.gradient.len()
}

/// All ways to give a class to each timestep.
fn paths(timesteps: usize, classes: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..timesteps {
        let longer = |path: &Vec<usize>| {
            let path = path.clone();
            (0..classes).map(move |class| [&path[..], &[class]].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The labels of a path: repetitions are one, blanks are none.
fn collapsed(path: &[usize], blank: usize) -> Vec<usize> {
    let mut labels = path.to_vec();
    labels.dedup();
    labels.retain(|&class| class != blank);
    labels
}

#[test]
fn ctc_is_the_sum_over_all_alignments() {
    const CLASSES: usize = 3;
    let mut possible = 0;
    for timesteps in 0..6 {
        let x = Array3::from_shape_fn((1, timesteps, CLASSES), |(_, t, k)| {
            ((t * 5 + k * 3) % 7) as f64 / 2.0 - 1.5
        });
        let logs: Vec<Vec<f64>> = x
            .rows()
            .into_iter()
            .map(|x| {
                let sum = x.iter().map(|x| x.exp()).sum::<f64>().ln();
                x.iter().map(|x| x - sum).collect()
            })
            .collect();
        let probability = |path: &Vec<usize>| {
            path.iter()
                .enumerate()
                .map(|(t, &k)| logs[t][k])
                .sum::<f64>()
                .exp()
        };
        for blank in 0..CLASSES {
            let others: Vec<usize> = (0..CLASSES).filter(|&k| k != blank).collect();
            for count in 0..5 {
                for choice in paths(count, 2) {
                    let labels: Vec<usize> = choice.iter().map(|&k| others[k]).collect();
                    let all = paths(timesteps, CLASSES);
                    let fitting = all.iter().filter(|path| collapsed(path, blank) == labels);
                    let want = -fitting.map(probability).sum::<f64>().ln();
                    let y = Array2::from_shape_fn((1, count), |(_, at)| labels[at] as f64);
                    let counts = [count];
                    let target = Target::new(&y).label_lengths(&counts);
                    let loss = Loss::ctc().blank(blank);
                    let found = loss.evaluate(&x, target.clone()).unwrap();
                    if want.is_infinite() {
                        assert_eq!(found.value, f64::INFINITY);
                        assert_eq!(found.gradient, Array3::<f64>::zeros(x.dim()));
                        continue;
                    }
                    possible += 1;
                    let difference = (found.value - want).abs();
                    assert!(
                        difference < 1e-12 * want.max(1.0),
                        "{} and {want}",
                        found.value
                    );
                    check(&loss, &x, &target);
                }
            }
        }
    }
    assert!(possible > 150, "{possible}");
}

#[test]
fn ctc_with_lengths_weights_and_factors() {
    let x = Array3::from_shape_fn((3, 5, 4), |(b, t, k)| {
        ((b * 3 + t * 5 + k * 7) % 11) as f64 / 3.0 - 1.5
    });
    let y = array![[1.0, 1.0, 2.0], [3.0, 0.0, 0.0], [2.0, 1.0, 2.0]];
    let (lengths, label_lengths) = ([5, 3, 4], [3, 1, 2]);
    let (weights, factor) = (array![0.5, 2.0, 1.5], array![-1.0, 0.25, 2.0]);
    let mut checked = 0;
    for loss in [Loss::ctc(), Loss::torch_ctc()] {
        for reduction in [
            Reduction::Mean,
            Reduction::MeanWithSampleWeight,
            Reduction::Sum,
            Reduction::None,
        ] {
            let loss = loss.clone().reduction(reduction);
            let target = Target::new(&y)
                .lengths(&lengths)
                .label_lengths(&label_lengths);
            checked += check(&loss, &x, &target);
            let target = target.sample_weights(&weights);
            checked += check(&loss, &x, &target);
            if reduction == Reduction::None {
                checked += check(&loss, &x, &target.upstream(&factor));
            }
        }
    }
    assert_eq!(checked, 18 * 60);
}

#[test]
fn far_scores_stay_finite() {
    let x = Array3::from_shape_fn(
        (1, 40, 3),
        |(_, t, k)| if t % 3 == k { 900.0 } else { -900.0 },
    );
    let y = array![[1.0, 2.0, 1.0]];
    let found = Loss::ctc().evaluate(&x, Target::new(&y)).unwrap();
    assert!(found.value > 10_000.0 && found.value.is_finite());
    assert!(found.gradient.iter().all(|g: &f64| g.is_finite()));
    let x = array![[1e300, -1e300]];
    let loss = Loss::categorical_crossentropy().from_logits(true);
    let found = loss.evaluate(&x, Target::new(&array![[1.0, 0.0]])).unwrap();
    assert_eq!((found.value, found.gradient), (0.0, array![[0.0, 0.0]]));
    // A class that cannot be costs nothing unless it is the true one.
    let x = array![[0.0, f64::NEG_INFINITY]];
    let sparse = Loss::sparse_categorical_crossentropy().from_logits(true);
    assert_eq!(
        sparse
            .evaluate(&x, Target::new(&array![0.0]))
            .unwrap()
            .value,
        0.0
    );
    assert_eq!(
        sparse
            .evaluate(&x, Target::new(&array![1.0]))
            .unwrap()
            .value,
        f64::INFINITY
    );
    let zeros = ArrayD::<f64>::zeros(IxDyn(&[1, 1]));
    let far = ArrayD::from_elem(IxDyn(&[1, 1]), 1e200);
    let found = Loss::log_cosh()
        .evaluate(&far, Target::new(&zeros))
        .unwrap();
    assert_eq!((found.value, found.gradient[[0, 0]]), (1e200, 1.0));
}
