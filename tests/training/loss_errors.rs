//! What a loss refuses, and what it says.
#![allow(clippy::float_cmp)] // exact values are what is asked for

use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn, array};
use recurrent::Activation;
use recurrent::train::{Impossible, Loss, Reduction, Target};

fn zeros(shape: &[usize]) -> ArrayD<f64> {
    ArrayD::zeros(IxDyn(shape))
}

fn says(loss: &Loss<f64>, y_pred: &[usize], target: Target<f64>) -> String {
    let error = loss.evaluate(&zeros(y_pred), target).unwrap_err();
    error.to_string()
}

#[test]
fn shapes_that_do_not_fit() {
    let mse = Loss::mean_squared_error();
    let of = |shape: &[usize]| says(&mse, &[2, 3], Target::new(&zeros(shape)));
    let expected = "expected of shape [2, 3], for outputs of shape [2, 3]";
    assert_eq!(
        of(&[2, 1]),
        format!("y_true is of shape [2, 1], {expected}")
    );
    assert_eq!(of(&[2]), format!("y_true is of shape [2], {expected}"));
    assert_eq!(of(&[]), format!("y_true is of shape [], {expected}"));
    // A sequence of one output is not squeezed: Keras would take timesteps for outputs.
    let said = says(&mse, &[2, 3, 1], Target::new(&zeros(&[2, 3])));
    assert!(said.contains("y_true is of shape [2, 3], expected of shape [2, 3, 1]"));
    let said = says(&mse, &[2], Target::new(&zeros(&[2])));
    assert_eq!(
        said,
        "y_pred has 1 axis, expected 2 or more: (samples, …, outputs)"
    );
    let said = says(&mse, &[2, 0], Target::new(&zeros(&[2, 0])));
    assert_eq!(
        said,
        "y_pred is of shape [2, 0], expected one output or more"
    );
    let said = says(&Loss::torch_l1(), &[], Target::new(&zeros(&[])));
    assert_eq!(said, "y_pred has 0 axes, expected 1 or more: (samples, …)");
    let said = says(&Loss::torch_l1(), &[2, 1], Target::new(&zeros(&[2])));
    assert!(said.contains("y_true is of shape [2], expected of shape [2, 1]"));

    let sparse = Loss::sparse_categorical_crossentropy();
    let said = says(&sparse, &[2, 4, 3], Target::new(&zeros(&[2, 3])));
    let expected = "expected of shape [2, 4], for outputs of shape [2, 4, 3]";
    assert_eq!(said, format!("y_true is of shape [2, 3], {expected}"));
    let said = says(&sparse, &[2, 3], Target::new(&zeros(&[2, 3])));
    assert!(said.contains("y_true is of shape [2, 3], expected of shape [2]"));
}

#[test]
fn classes_that_are_none() {
    let sparse = Loss::sparse_categorical_crossentropy();
    for (class, found) in [
        (3.0, "3"),
        (-1.0, "-1"),
        (0.5, "0.5"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (1e300, "1e300"),
    ] {
        let y = array![[0.0, 2.0], [1.0, class]];
        let said = says(&sparse, &[2, 2, 3], Target::new(&y));
        let found = said.replace(&format!("{class}"), found);
        let expected = "at [1, 1], expected whole numbers from 0 to 2, the classes";
        assert!(found.ends_with(expected), "{said}");
        assert!(said.starts_with("y_true is "), "{said}");
        // Where it is masked, it may be anything.
        let mask = array![[true, true], [true, false]];
        let found = sparse.evaluate(
            &Array3::from_elem((2, 2, 3), 0.5),
            Target::new(&y).mask(&mask),
        );
        assert!(found.unwrap().value.is_finite());
    }
    let ignored = sparse.ignore_class(-1);
    let y = array![0.0, -1.0];
    assert!(
        ignored
            .evaluate(&Array2::from_elem((2, 3), 0.5), Target::new(&y))
            .is_ok()
    );
}

#[test]
fn weights_that_do_not_fit() {
    let mse = Loss::mean_squared_error();
    let y = zeros(&[3, 3, 2]);
    let weighed = |shape: &[usize]| {
        says(
            &mse,
            &[3, 3, 2],
            Target::new(&y).sample_weights(&zeros(shape)),
        )
    };
    let expected = "expected of shape [3, 1] (one for each sample) or [3, 3]";
    // As many timesteps as samples: Keras gives a weight to each timestep.
    assert_eq!(
        weighed(&[3]),
        format!("sample_weights is of shape [3], {expected}")
    );
    for shape in [
        &[1, 3][..],
        &[1, 1],
        &[2, 3],
        &[3, 2],
        &[],
        &[3, 3, 2],
        &[3, 1, 1, 1],
    ] {
        assert_eq!(
            weighed(shape),
            format!("sample_weights is of shape {shape:?}, {expected}")
        );
    }
    let flat = zeros(&[3, 2]);
    let said = says(
        &mse,
        &[3, 2],
        Target::new(&flat).sample_weights(&zeros(&[2])),
    );
    assert_eq!(
        said,
        "sample_weights is of shape [2], expected of shape [3]"
    );
    let said = says(
        &Loss::torch_mse(),
        &[3, 3],
        Target::new(&zeros(&[3, 3])).sample_weights(&zeros(&[3])),
    );
    assert_eq!(said, format!("sample_weights is of shape [3], {expected}"));

    let masked = |mask: &ArrayD<bool>| says(&mse, &[3, 3, 2], Target::new(&y).mask(mask));
    for shape in [&[3][..], &[3, 2], &[3, 3, 2], &[]] {
        let said = masked(&ArrayD::from_elem(IxDyn(shape), true));
        assert_eq!(
            said,
            format!("mask is of shape {shape:?}, expected of shape [3, 3], as the losses")
        );
    }
    let mask = ArrayD::from_elem(IxDyn(&[3, 3]), true);
    let said = says(
        &mse,
        &[3, 3, 2],
        Target::new(&y).mask(&mask).lengths(&[1, 1, 1]),
    );
    assert_eq!(said, "lengths is some, expected none beside a mask");
    let said = says(&mse, &[3, 3, 2], Target::new(&y).lengths(&[1, 4, 1]));
    assert_eq!(said, "lengths[1] is 4, but the input has 3 timesteps");
    let said = says(&mse, &[3, 3, 2], Target::new(&y).lengths(&[1, 3]));
    assert_eq!(said, "lengths has 2 samples, expected 3");
    let said = says(&mse, &[3, 2], Target::new(&flat).lengths(&[1, 1, 1]));
    assert!(said.contains("give a mask"), "{said}");

    let classes = [(0, 2.0)];
    let both = Target::new(&flat).class_weights(&classes);
    let ones = zeros(&[3]);
    let said = says(&mse, &[3, 2], both.sample_weights(&ones));
    assert_eq!(
        said,
        "class_weights is some, expected none beside sample weights, as in Keras: multiply them"
    );
    let said = says(
        &Loss::torch_mse(),
        &[3, 2],
        Target::new(&flat).class_weights(&classes),
    );
    assert_eq!(
        said,
        "class_weights is some, expected none, as this loss has no classes"
    );

    let said = says(&mse, &[3, 2], Target::new(&flat).upstream(&ones));
    assert!(said.starts_with("upstream is of shape [3], expected none, as the loss is one number"));
    let none = mse.reduction(Reduction::None);
    let said = says(&none, &[3, 2], Target::new(&flat).upstream(&zeros(&[3, 2])));
    assert_eq!(
        said,
        "upstream is of shape [3, 2], expected of shape [3], as the losses"
    );
    assert!(
        none.evaluate(&flat, Target::new(&flat).upstream(&ones))
            .is_ok()
    );
}

#[test]
fn options_that_the_loss_does_not_have() {
    let y = zeros(&[1, 2]);
    let said = |loss: Loss<f64>| says(&loss, &[1, 2], Target::new(&y));
    let not = |option: &str| format!("{option}, expected none, as this loss does not have it");
    assert_eq!(
        said(Loss::log_cosh().from_logits(true)),
        not("from_logits is true")
    );
    assert_eq!(
        said(Loss::torch_bce_with_logits().from_logits(false)),
        not("from_logits is false")
    );
    assert_eq!(
        said(Loss::kl_divergence().label_smoothing(0.1)),
        not("label_smoothing is 0.1")
    );
    let sparse = Loss::sparse_categorical_crossentropy;
    assert_eq!(
        said(sparse().label_smoothing(0.1)),
        not("label_smoothing is 0.1")
    );
    assert_eq!(
        said(Loss::categorical_crossentropy().ignore_class(1)),
        not("ignore_class is 1")
    );
    assert_eq!(
        said(Loss::huber(1.0).pos_weight(&[1.0])),
        not("pos_weight is 1")
    );
    assert_eq!(said(Loss::torch_l1().blank(1)), not("blank is 1"));
    assert_eq!(
        said(Loss::torch_l1().impossible(Impossible::Zero)),
        not("impossible is some")
    );
    let elsewhere = "class_weights is 1, expected none, as this loss does not have it: see Target::class_weights";
    assert_eq!(said(sparse().class_weights(&[1.0])), elsewhere);
    let own = Loss::of(|x, _| Ok((0.0, x.to_owned())));
    let said_of_own = "reduction is some, expected none, as the function reduces";
    assert_eq!(said(own.reduction(Reduction::Sum)), said_of_own);
}

#[test]
fn values_of_options_that_are_none() {
    let y = zeros(&[1, 2]);
    let said = |loss: Loss<f64>| says(&loss, &[1, 2], Target::new(&y));
    assert_eq!(
        said(Loss::huber(0.0)),
        "delta is 0, expected a positive number"
    );
    assert_eq!(
        said(Loss::torch_huber(f64::NAN)),
        "delta is NaN, expected a positive number"
    );
    assert_eq!(
        said(Loss::torch_smooth_l1(-1.0)),
        "beta is -1, expected a number that is not negative"
    );
    let smooth = |e| said(Loss::binary_crossentropy().label_smoothing(e));
    assert_eq!(
        smooth(1.5),
        "label_smoothing is 1.5, expected a number from 0 to 1"
    );
    assert_eq!(
        smooth(f64::NAN),
        "label_smoothing is NaN, expected a number from 0 to 1"
    );
    let pos = |w: &[f64]| said(Loss::binary_crossentropy().pos_weight(w));
    assert_eq!(pos(&[]), "pos_weight is empty, expected one number or more");
    assert_eq!(
        pos(&[1.0, f64::INFINITY]),
        "pos_weight is inf, expected finite numbers"
    );
    assert_eq!(
        pos(&[1.0; 3]),
        "pos_weight is of 3, expected of 1 number, or 2, one for each output"
    );
    let weights = |w: &[f64]| {
        let y = zeros(&[1]);
        says(
            &Loss::torch_cross_entropy().class_weights(w),
            &[1, 2],
            Target::new(&y),
        )
    };
    assert_eq!(
        weights(&[]),
        "class_weights is empty, expected one number for each class"
    );
    assert_eq!(
        weights(&[f64::NAN]),
        "class_weights is NaN, expected finite numbers"
    );
    assert_eq!(
        weights(&[1.0; 3]),
        "class_weights has 3 numbers, expected 2"
    );
    // The first thing that was wrong is said.
    assert_eq!(
        said(Loss::huber(0.0).blank(1).from_logits(true)),
        "delta is 0, expected a positive number"
    );
}

#[test]
fn losses_of_your_own_that_are_wrong() {
    let y = zeros(&[1, 2]);
    let said = |loss: Loss<f64>| says(&loss, &[1, 2], Target::new(&y));
    let gradient = Loss::of(|_, _| Ok((0.0, ArrayD::zeros(IxDyn(&[2])))));
    assert_eq!(
        said(gradient),
        "gradient is of shape [2], expected of shape [1, 2], as y_pred"
    );
    let refuses = Loss::of(|x, target| {
        Loss::mean_squared_error()
            .evaluate(&x, target.clone())
            .map(|e| (e.value, e.gradient))
    });
    let said = says(&refuses, &[2, 2], Target::new(&y));
    assert!(said.starts_with("y_true is of shape"), "{said}");
}

#[test]
fn labels_of_ctc_that_do_not_fit() {
    let (ctc, x) = (Loss::ctc(), [2, 4, 3]);
    let y = array![[1.0, 2.0, 0.0], [1.0, 0.0, 0.0]];
    let said = |target| says(&ctc, &x, target);
    let of = |y: &Array2<f64>| says(&ctc, &x, Target::new(y));
    let expected = "expected whole numbers from 0 to 2, not the blank 0";
    assert_eq!(
        of(&array![[1.0, 2.0], [3.0, 0.0]]),
        format!("y_true is 3 at [1, 0], {expected}")
    );
    assert_eq!(
        of(&array![[-1.0, 2.0], [1.0, 0.0]]),
        format!("y_true is -1 at [0, 0], {expected}")
    );
    assert_eq!(
        of(&array![[1.0, 0.5], [1.0, 0.0]]),
        format!("y_true is 0.5 at [0, 1], {expected}")
    );
    // A zero between labels: Keras would align the blank.
    assert_eq!(
        of(&array![[1.0, 0.0, 2.0], [1.0, 0.0, 0.0]]),
        format!("y_true is 0 at [0, 1], {expected}")
    );
    assert_eq!(
        of(&array![[1.0], [1.0], [1.0]]),
        "y_true has 3 samples, expected 2"
    );
    let flat = array![1.0, 2.0];
    assert_eq!(
        said(Target::new(&flat)),
        "y_true has 1 axis, expected 2: (samples, labels)"
    );
    let mask = Array2::from_elem((2, 4), true);
    let expected = "expected none, as it is no length of an alignment: give lengths";
    assert_eq!(
        said(Target::new(&y).mask(&mask)),
        format!("mask is some, {expected}")
    );
    assert_eq!(
        said(Target::new(&y).lengths(&[5, 1])),
        "lengths[0] is 5, but the input has 4 timesteps"
    );
    assert_eq!(
        said(Target::new(&y).lengths(&[4])),
        "lengths has 1 sample, expected 2"
    );
    let expected = "expected at most 3, the labels of a sample";
    assert_eq!(
        said(Target::new(&y).label_lengths(&[2, 4])),
        format!("label_lengths is 4, {expected}")
    );
    assert_eq!(
        said(Target::new(&y).label_lengths(&[2])),
        "label_lengths has 1 sample, expected 2"
    );
    let classes = [(0, 2.0)];
    let expected = "expected none, as this loss has no classes";
    assert_eq!(
        said(Target::new(&y).class_weights(&classes)),
        format!("class_weights is some, {expected}")
    );
    let ones = Array2::ones((2, 4));
    let expected = "expected of shape [2]";
    assert_eq!(
        said(Target::new(&y).sample_weights(&ones)),
        format!("sample_weights is of shape [2, 4], {expected}")
    );
    assert_eq!(
        says(&Loss::ctc(), &[2, 3], Target::new(&y)),
        "y_pred has 2 axes, expected 3: (samples, timesteps, classes)"
    );
    assert_eq!(
        says(&Loss::ctc(), &[2, 3, 0], Target::new(&y)),
        "y_pred is of shape [2, 3, 0], expected one class or more"
    );
    let said = says(&Loss::ctc().blank(3), &x, Target::new(&y));
    assert_eq!(said, "blank is 3, expected one of the 3 classes");
    let said = says(&Loss::torch_ctc().blank(1), &x, Target::new(&y));
    assert_eq!(
        said,
        "label_lengths is missing, expected given, as the labels are not padded with the blank"
    );
    let y = array![[1.0, 1.0, 2.0], [1.0, 0.0, 0.0]];
    let refused = Loss::ctc().impossible(Impossible::Refused);
    let said = says(&refused, &x, Target::new(&y).lengths(&[3, 1]));
    let found = "y_true is sample 0 with 3 labels, 1 of them repeated";
    assert_eq!(
        said,
        format!("{found}, expected labels that fit into 3 timesteps")
    );
    assert!(refused.evaluate(&zeros(&x), Target::new(&y)).is_ok());
}

#[test]
fn only_crossentropies_of_keras_see_logits_behind() {
    let through = |loss: Loss<f64>| {
        let sees = |activation| loss.of_scores(activation).is_some();
        [
            sees(Activation::Softmax),
            sees(Activation::Sigmoid),
            sees(Activation::Tanh),
        ]
    };
    assert_eq!(through(Loss::binary_crossentropy()), [true, true, false]);
    assert_eq!(
        through(Loss::categorical_crossentropy()),
        [true, true, false]
    );
    assert_eq!(
        through(Loss::sparse_categorical_crossentropy()),
        [true, true, false]
    );
    assert_eq!(
        through(Loss::sparse_categorical_crossentropy().ignore_class(0)),
        [false; 3]
    );
    assert_eq!(through(Loss::kl_divergence()), [false; 3]);
    assert_eq!(through(Loss::torch_cross_entropy()), [false; 3]);
    assert_eq!(through(Loss::torch_bce_with_logits()), [false; 3]);
}

#[test]
fn a_loss_crosses_threads_and_prints_its_options() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let loss = Loss::<f32>::of(|x, _| Ok((0.0, x.to_owned())));
    shared(&loss);
    assert!(format!("{loss:?}").contains("Own(..)"));
    let loss = Loss::<f32>::binary_crossentropy().label_smoothing(0.25);
    assert!(format!("{loss:?}").contains("label_smoothing: 0.25"));
    let y = Array1::<f32>::zeros(2);
    assert!(format!("{:?}", Target::new(&y)).contains("y_true"));
}
