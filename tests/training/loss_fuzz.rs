//! Numbers and shapes of any kind: what is masked changes nothing, what is no number is one nowhere, and nothing panics.
#![allow(clippy::float_cmp)] // exact values are what is asked for

use ndarray::{Array2, Array3, ArrayD, Axis, IxDyn, array, s};
use recurrent::train::{Evaluated, Impossible, Loss, Reduction, Target};

fn zeros(shape: &[usize]) -> ArrayD<f64> {
    ArrayD::zeros(IxDyn(shape))
}

#[test]
fn what_is_masked_or_weighs_nothing_may_be_anything() {
    let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -0.0];
    for (loss, labels) in all() {
        let loss = loss.reduction(Reduction::Mean);
        for bad in wild {
            let x = Array3::from_shape_fn((2, 3, 3), |(b, t, k)| {
                0.2 + ((b + 2 * t + k) % 3) as f64 / 10.0
            });
            let y = match labels {
                Labels::Same => x.mapv(|x| 0.5 - x).into_dyn(),
                Labels::Classes => zeros(&[2, 3]),
                Labels::Ctc => zeros(&[2, 2]),
            };
            let (mut x_bad, mut y_bad) = (x.clone(), y.clone());
            let mask = array![[true, false, true], [true, true, true]];
            let per_step = mask.mapv(|m| f64::from(u8::from(m)));
            if let Labels::Ctc = labels {
                x_bad.slice_mut(s![1, .., ..]).fill(bad);
                let of = |x: &Array3<f64>, y: &ArrayD<f64>| {
                    let weights = array![1.0, 0.0];
                    loss.evaluate(x, Target::new(y).sample_weights(&weights))
                        .unwrap()
                };
                same(&of(&x, &y), &of(&x_bad, &y));
                // Outputs behind the length.
                let mut x_bad = x.clone();
                x_bad.slice_mut(s![1, 2.., ..]).fill(bad);
                let of =
                    |x: &Array3<f64>| loss.evaluate(x, Target::new(&y).lengths(&[3, 2])).unwrap();
                same(&of(&x), &of(&x_bad));
                continue;
            }
            x_bad.slice_mut(s![0, 1, ..]).fill(bad);
            y_bad
                .index_axis_mut(Axis(0), 0)
                .index_axis_mut(Axis(0), 1)
                .fill(bad);
            let of = |x: &Array3<f64>, y: &ArrayD<f64>| {
                loss.evaluate(x, Target::new(y).mask(&mask)).unwrap()
            };
            same(&of(&x, &y), &of(&x_bad, &y_bad));
            let element_wise = loss.evaluate(&x, Target::new(&y)).unwrap().values.ndim() == 3;
            let per_step = if element_wise {
                per_step.clone().insert_axis(Axis(2)).into_dyn()
            } else {
                per_step.clone().into_dyn()
            };
            let of = |x: &Array3<f64>| {
                loss.evaluate(x, Target::new(&y).sample_weights(&per_step))
                    .unwrap()
            };
            same(&of(&x), &of(&x_bad));
            let lengths =
                |x: &Array3<f64>| loss.evaluate(x, Target::new(&y).lengths(&[1, 3])).unwrap();
            same(&lengths(&x), &lengths(&x_bad));
        }
    }
}

fn same(a: &Evaluated<f64, ndarray::Ix3>, b: &Evaluated<f64, ndarray::Ix3>) {
    assert!(a.value.is_finite() && a.gradient.iter().all(|g| g.is_finite()));
    assert_eq!(a.value.to_bits(), b.value.to_bits());
    assert_eq!((&a.values, &a.gradient), (&b.values, &b.gradient));
}

#[test]
fn numbers_that_are_none_give_none() {
    for (loss, labels) in all() {
        let mut x = Array3::from_elem((1, 2, 3), 0.25);
        let y = match labels {
            Labels::Same => zeros(&[1, 2, 3]),
            Labels::Classes => zeros(&[1, 2]),
            Labels::Ctc => array![[1.0]].into_dyn(),
        };
        x[[0, 1, 1]] = f64::NAN;
        let found = loss.evaluate(&x, Target::new(&y)).unwrap();
        assert!(found.value.is_nan(), "{loss:?}: {}", found.value);
        assert!(
            found.gradient[[0, 1, 1]].is_nan(),
            "{loss:?}: {}",
            found.gradient
        );
    }
}

#[derive(Clone, Copy)]
enum Labels {
    Same,
    Classes,
    Ctc,
}

/// Every loss, in some variants, and what its targets are.
fn all() -> Vec<(Loss<f64>, Labels)> {
    let same = [
        Loss::mean_squared_error(),
        Loss::mean_absolute_error(),
        Loss::huber(0.5),
        Loss::log_cosh(),
        Loss::binary_crossentropy(),
        Loss::binary_crossentropy()
            .from_logits(true)
            .label_smoothing(0.1),
        Loss::binary_crossentropy().pos_weight(&[0.5, 2.0, 1.0]),
        Loss::categorical_crossentropy(),
        Loss::categorical_crossentropy()
            .from_logits(true)
            .label_smoothing(0.1),
        Loss::kl_divergence(),
        Loss::torch_mse(),
        Loss::torch_l1(),
        Loss::torch_huber(2.0),
        Loss::torch_smooth_l1(0.0),
        Loss::torch_smooth_l1(0.1),
        Loss::torch_bce_with_logits().pos_weight(&[3.0]),
    ];
    let sparse = Loss::sparse_categorical_crossentropy;
    let classes = [
        sparse(),
        sparse().from_logits(true),
        sparse().ignore_class(1),
        sparse().from_logits(true).ignore_class(-1),
        Loss::torch_cross_entropy(),
        Loss::torch_cross_entropy()
            .class_weights(&[0.5, 0.0, 2.0])
            .label_smoothing(0.25),
    ];
    let ctc = [
        Loss::ctc(),
        Loss::torch_ctc(),
        Loss::ctc().impossible(Impossible::Zero),
    ];
    let same = same.into_iter().map(|loss| (loss, Labels::Same));
    let classes = classes.into_iter().map(|loss| (loss, Labels::Classes));
    same.chain(classes)
        .chain(ctc.into_iter().map(|loss| (loss, Labels::Ctc)))
        .collect()
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % n as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn odds(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn array(&mut self, shape: &[usize], numbers: &[f64]) -> ArrayD<f64> {
        ArrayD::from_shape_simple_fn(IxDyn(shape), || self.of(numbers))
    }

    /// This shape, or now and then another one.
    fn shape(&mut self, shape: &[usize]) -> Vec<usize> {
        let mut shape = shape.to_vec();
        if self.odds(12) {
            match self.below(4) {
                0 => shape.push(1),
                1 => {
                    shape.pop();
                }
                2 if !shape.is_empty() => {
                    let axis = self.below(shape.len());
                    shape[axis] = self.below(4);
                }
                _ => shape = (0..self.below(5)).map(|_| self.below(4)).collect(),
            }
        }
        shape
    }
}

/// Numbers that no one should give, and numbers that are fine.
const WILD: [f64; 9] = [
    0.0,
    1.0,
    -1.0,
    3.0,
    -700.0,
    1e308,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const TAME: [f64; 8] = [0.0, 1.0, -1.0, 0.5, 2.0, 0.25, -30.0, 800.0];
/// Classes of three, and among others.
const CLASSES: [f64; 3] = [0.0, 1.0, 2.0];
const LABELS: [f64; 9] = [0.0, 1.0, 2.0, 1.0, 2.0, 3.0, -1.0, 0.5, f64::NAN];

/// What a target is made of.
struct Drawn {
    x: ArrayD<f64>,
    y: ArrayD<f64>,
    mask: Option<ArrayD<bool>>,
    lengths: Option<Vec<usize>>,
    weights: Option<ArrayD<f64>>,
    classes: Option<[(usize, f64); 3]>,
    label_lengths: Option<Vec<usize>>,
    upstream: Option<ArrayD<f64>>,
}

impl Drawn {
    fn new(dice: &mut Dice, labels: Labels, is_wild: bool, is_none: bool) -> Self {
        let numbers = if is_wild { &WILD[..] } else { &TAME };
        let is_ctc = matches!(labels, Labels::Ctc);
        let axes = if is_ctc { 3 } else { 1 + dice.below(4) };
        let mut shape: Vec<usize> = (0..axes).map(|_| dice.of(&[1, 2, 3, 4, 3, 2, 0])).collect();
        shape[axes - 1] = 3;
        let shape = dice.shape(&shape);
        let rows = &shape[..shape.len().saturating_sub(1)];
        let losses = if is_ctc {
            &rows[..rows.len().min(1)]
        } else {
            rows
        };
        let samples = shape.first().copied().unwrap_or(1);
        let y_shape = match labels {
            Labels::Same => dice.shape(&shape),
            Labels::Classes => dice.shape(rows),
            Labels::Ctc => {
                let width = dice.below(4);
                dice.shape(&[samples, width])
            }
        };
        let classes = if dice.odds(3) { &LABELS[..] } else { &CLASSES };
        let mut y = dice.array(&y_shape, classes);
        if is_ctc && dice.odds(2) {
            y.mapv_inplace(|y| if y == 0.0 { 1.0 } else { y });
        }
        let lengths = |dice: &mut Dice, axis: Option<&usize>| {
            let most = axis.copied().unwrap_or(2) + usize::from(dice.odds(10));
            (0..samples)
                .map(|_| dice.below(most + 1))
                .collect::<Vec<_>>()
        };
        let has_mask = dice.odds(3) && (!is_ctc || dice.odds(5));
        let mask_shape = dice.shape(rows);
        let real = |dice: &mut Dice| !dice.odds(3);
        let mut weights_shape = dice.shape(losses);
        if weights_shape.len() > 1 && dice.odds(2) {
            weights_shape[1] = 1;
        }
        let has_weights = dice.odds(3);
        Drawn {
            x: dice.array(&shape, numbers),
            mask: has_mask.then(|| ArrayD::from_shape_simple_fn(IxDyn(&mask_shape), || real(dice))),
            lengths: (!has_mask && dice.odds(3)).then(|| lengths(dice, shape.get(1))),
            weights: has_weights.then(|| dice.array(&weights_shape, numbers)),
            classes: dice
                .odds(9)
                .then_some([(0, 2.0), (2, 0.0), (usize::MAX, 1.0)]),
            label_lengths: dice.odds(3).then(|| lengths(dice, y_shape.get(1))),
            upstream: (is_none && dice.odds(2)).then(|| {
                let shape = dice.shape(losses);
                dice.array(&shape, numbers)
            }),
            y,
        }
    }

    fn target(&self) -> Target<'_, f64> {
        let mut target = Target::new(&self.y);
        target.mask = self.mask.as_ref().map(|mask| mask.view());
        target.lengths = self.lengths.as_deref();
        target.sample_weights = self.weights.as_ref().map(|weights| weights.view());
        target.class_weights = self.classes.as_ref().map(|classes| &classes[..]);
        target.label_lengths = self.label_lengths.as_deref();
        target.upstream = self.upstream.as_ref().map(|upstream| upstream.view());
        target
    }
}

#[test]
fn nothing_makes_a_loss_panic() {
    let (mut dice, mut fine, mut refused) = (Dice(0x5eed), 0, 0);
    let losses = all();
    for _ in 0..40_000 {
        let (loss, labels) = &losses[dice.below(losses.len())];
        let reduction = dice.of(&[
            Reduction::Mean,
            Reduction::MeanWithSampleWeight,
            Reduction::Sum,
            Reduction::None,
        ]);
        let loss = loss.clone().reduction(reduction);
        let is_wild = dice.odds(3);
        let drawn = Drawn::new(&mut dice, *labels, is_wild, reduction == Reduction::None);
        let Ok(found) = loss.evaluate(&drawn.x, drawn.target()) else {
            refused += 1;
            continue;
        };
        fine += 1;
        assert_eq!(found.gradient.shape(), drawn.x.shape());
        if matches!(labels, Labels::Ctc) && !is_wild {
            // An infinite loss less another one is the only sum that is NaN.
            let infinite = found.values.iter().any(|v| v.is_infinite());
            assert!(!found.value.is_nan() || infinite);
            assert!(found.values.iter().all(|v| !v.is_nan()));
            assert!(found.gradient.iter().all(|g| g.is_finite()), "{found:?}");
        }
    }
    assert!(
        fine > 10_000 && refused > 5_000,
        "{fine} fine, {refused} refused"
    );
}

#[test]
fn huge_shapes_without_numbers_are_refused_or_empty() {
    let huge = usize::MAX / 64;
    let mse = Loss::mean_squared_error();
    let x = Array3::<f64>::zeros((0, huge, 2));
    assert_eq!(mse.evaluate(&x, Target::new(&x)).unwrap().value, 0.0);
    let x = Array3::<f64>::zeros((huge, 0, 2));
    assert_eq!(mse.evaluate(&x, Target::new(&x)).unwrap().value, 0.0);
    let x = Array2::<f64>::zeros((huge, 0));
    assert!(mse.evaluate(&x, Target::new(&x)).is_err());
    let y = Array2::<f64>::zeros((huge, 0));
    let x = Array3::<f64>::zeros((huge, 0, 2));
    let said = Loss::ctc()
        .evaluate(&x, Target::new(&y))
        .unwrap_err()
        .to_string();
    assert!(said.contains("fits into the memory"), "{said}");
    // As many states as timesteps: 2^40 numbers.
    let x = Array3::<f64>::zeros((1, 1 << 20, 2));
    let mut y = Array2::<f64>::ones((1, 1 << 20));
    y.slice_mut(s![0, 1 << 19..]).fill(0.0);
    let said = Loss::ctc()
        .evaluate(&x, Target::new(&y))
        .unwrap_err()
        .to_string();
    assert!(said.contains("fits into the memory"), "{said}");
    // One label more does not fit into the timesteps.
    y[[0, 1 << 19]] = 1.0;
    let found = Loss::ctc().evaluate(&x, Target::new(&y)).unwrap();
    assert!(found.value.is_infinite());
}

#[test]
fn a_batch_without_samples_is_0() {
    for (loss, labels) in all() {
        let y = match labels {
            Labels::Same => zeros(&[0, 2, 3]),
            Labels::Classes | Labels::Ctc => zeros(&[0, 2]),
        };
        for reduction in [
            Reduction::Mean,
            Reduction::MeanWithSampleWeight,
            Reduction::None,
        ] {
            let loss = loss.clone().reduction(reduction);
            let found = loss
                .evaluate(&Array3::zeros((0, 2, 3)), Target::new(&y))
                .unwrap();
            assert_eq!((found.value, found.gradient.dim()), (0.0, (0, 2, 3)));
        }
    }
}
