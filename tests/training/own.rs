//! Layers and cells of a user's own in training: with a backward pass they learn like any other, and without one they are
//! refused by name.

use crate::layer_differences::{check_layer, check_several, mask, numbers, vector};
use ndarray::{
    Array1, Array2, ArrayD, ArrayView2, ArrayViewD, ArrayViewMutD, Axis, Ix2, Ix3, Zip, s,
};
use recurrent::train::{
    Adam, BackwardCall, Batch, Loss, Optimizer, StepBack, Training, check_gradient,
};
use recurrent::*;
use std::sync::Arc;

/// y = gain · x + shift of features, and a second output, the sum of x and the second input.
struct Gains {
    gain: Array1<f64>,
    shift: Array1<f64>,
}

fn gains(seed: u64) -> Gains {
    Gains {
        gain: vector(4, seed),
        shift: vector(4, seed + 1),
    }
}

impl AnyLayer<f64> for Gains {
    fn name(&self) -> &'static str {
        "gains"
    }
    fn forward(&self, input: Tensor<f64>) -> Result<Tensor<f64>> {
        Ok(self.forward_all(vec![input])?.swap_remove(0))
    }
    fn forward_all(&self, inputs: Vec<Tensor<f64>>) -> Result<Vec<Tensor<f64>>> {
        let of = |input: &Tensor<f64>| Tensor {
            values: &input.values * &self.gain + &self.shift,
            mask: input.mask.clone(),
        };
        let mut outputs = vec![of(&inputs[0])];
        if let [x, y] = inputs.as_slice() {
            outputs.push(Tensor::new(&(&x.values + &y.values)));
        }
        Ok(outputs)
    }
    fn output_count(&self) -> usize {
        1
    }
    fn own_weights(&self, each: &mut dyn FnMut(&'static str, ArrayViewD<f64>)) {
        each("gain", self.gain.view().into_dyn());
        each("shift", self.shift.view().into_dyn());
    }
    fn own_weights_mut(&mut self, each: &mut dyn FnMut(&'static str, ArrayViewMutD<f64>)) {
        each("gain", self.gain.view_mut().into_dyn());
        each("shift", self.shift.view_mut().into_dyn());
    }
    fn has_backward(&self) -> bool {
        true
    }
    fn backward(&self, mut call: BackwardCall<f64>) -> Result<Vec<Option<ArrayD<f64>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let rows = |x: &ArrayD<f64>| {
            let rows = x.to_shape((x.len() / 4, 4)).unwrap();
            rows.into_owned().into_dimensionality::<Ix2>().unwrap()
        };
        let products = rows(d) * rows(&call.inputs[0].values);
        if let Some(gain) = call.weights.array("gain") {
            *gain += &products.sum_axis(Axis(0));
        }
        if let Some(shift) = call.weights.array("shift") {
            *shift += &rows(d).sum_axis(Axis(0));
        }
        Ok(vec![Some(d * &self.gain)])
    }
}

/// Two gates on one number: `c' = tanh(keep) c + x`, `h' = c'² + h`.
struct Own {
    keep: Array1<f64>,
    learns: bool,
}

fn own(learns: bool) -> Rnn<Own> {
    Rnn(Own {
        keep: vector(4, 7),
        learns,
    })
}

impl Cell for Own {
    type Elem = f64;
    type State = LstmState<f64>;
    fn features(&self) -> usize {
        4
    }
    fn units(&self) -> usize {
        4
    }
    fn zero_state(&self, samples: usize) -> LstmState<f64> {
        LstmState::zeros(samples, 4)
    }
    fn step(&self, x: ArrayView2<f64>, state: &mut LstmState<f64>) {
        state.c = &state.c * &self.keep.mapv(f64::tanh) + x;
        state.h = &state.c * &state.c + &state.h * 0.5;
    }
    fn output<'s>(&self, state: &'s LstmState<f64>) -> ArrayView2<'s, f64> {
        state.h.view()
    }
    fn own_weights(&self, each: &mut dyn FnMut(&'static str, ArrayViewD<f64>)) {
        each("keep", self.keep.view().into_dyn());
    }
    fn own_weights_mut(&mut self, each: &mut dyn FnMut(&'static str, ArrayViewMutD<f64>)) {
        each("keep", self.keep.view_mut().into_dyn());
    }
    fn has_backward(&self) -> bool {
        self.learns
    }
    fn step_back(&self, mut step: StepBack<f64, LstmState<f64>>) -> Result<Array2<f64>> {
        assert!(step.x.iter().all(|x| !x.is_nan()), "padding is handed out");
        let tanh = self.keep.mapv(f64::tanh);
        let dh = &step.state.h + &step.output;
        let dc = &dh * &step.after.c * 2.0 + &step.state.c;
        if let Some(keep) = step.weights.array("keep") {
            let slope = tanh.mapv(|y| 1.0 - y * y);
            *keep += &((&dc * &step.before.c).sum_axis(Axis(0)) * slope);
        }
        step.state.h = dh * 0.5;
        step.state.c = &dc * &tanh;
        Ok(dc)
    }
}

fn x(seed: u64) -> Tensor<f64> {
    Tensor::new(&numbers(&[3, 6, 4], seed))
}

#[test]
fn layers_of_ones_own() {
    check_layer("own", || gains(3), &[x(1), x(1).masked(&mask())]);
    check_layer("each timestep", || TimeDistributed::new(gains(3)), &[x(1)]);
    // Inside of a model in a model, and before a layer that learns.
    let nested = || {
        let dense = Dense::from_weights(crate::layer_differences::matrix(4, 2, 5), None).unwrap();
        Model::new().add(gains(3)).add(gains(5)).add(dense)
    };
    check_layer("nested", nested, &[x(1)]);
    check_several("one of one", gains(3), &[x(1)]);
}

#[test]
fn weights_of_ones_own_are_listed_and_set() {
    let mut model = Model::new().add(gains(3)).add(Layer::new(own(true)));
    let paths = model.weights().into_iter().map(|weight| weight.path);
    let paths: Vec<String> = paths.collect();
    assert_eq!(paths, ["gains/gain", "gains/shift", "rnn/keep"]);
    assert_eq!(model.parameter_count().trainable, 12);
    model.set("rnn/keep", &Array1::ones(4)).unwrap();
    assert_eq!(
        model.get("rnn/keep").unwrap(),
        Array1::<f64>::ones(4).into_dyn()
    );
    assert!(model.set("gains/gain", &Array1::ones(3)).is_err());
    // Nobody knows how to copy a layer of one's own, so one that others hold as well is not changed.
    let shared: Arc<dyn AnyLayer<f64>> = Arc::new(gains(3));
    let mut model = Model::new().add(Arc::clone(&shared));
    assert!(model.set("gains/gain", &Array1::ones(4)).is_err());
    drop(shared);
    model.set("gains/gain", &Array1::ones(4)).unwrap();
}

#[test]
fn cells_of_ones_own() {
    let inputs = [x(1), x(1).masked(&mask())];
    for sequences in [false, true] {
        for backwards in [false, true] {
            let layer = || {
                let layer = Layer::new(own(true)).return_sequences(sequences);
                layer.go_backwards(backwards).return_state(true)
            };
            for x in &inputs {
                check_several("cell", layer(), std::slice::from_ref(x));
            }
            let zeroes = || layer().zero_output_for_mask(true);
            check_several("cell", zeroes(), &inputs[1..]);
        }
    }
    let both = || Bidirectional::new(own(true), own(true)).merge_mode(MergeMode::Mul);
    check_layer(
        "both",
        || Layer::new(both()).return_sequences(true),
        &inputs,
    );
    let lstm = || Lstm::builder(4, 3).seed(3).build().unwrap();
    let stack = || Layer::new(own(true).then(lstm()));
    check_layer("stack", stack, &inputs);
    let states = [
        x(1),
        Tensor::new(&numbers(&[3, 4], 4)),
        Tensor::new(&numbers(&[3, 4], 5)),
    ];
    check_several("from a state", Layer::new(own(true)), &states);
}

/// NaN in padding reaches neither the cell nor a gradient.
#[test]
fn padding_does_not_reach_a_cell() {
    let gradient = |x: Tensor<f64>| {
        let model = Model::new().add(Layer::new(own(true)));
        let run = model.record([x]).unwrap();
        let gradient = run.backward(&[Some(numbers(&[3, 4], 3))]).unwrap();
        (
            gradient.weights.get("rnn/keep").unwrap().clone(),
            gradient.inputs,
        )
    };
    let mut padded = x(1).masked(&mask());
    let clean = gradient(padded.clone());
    for ((sample, t), _) in mask().indexed_iter().filter(|(_, real)| !**real) {
        padded.values.slice_mut(s![sample, t, ..]).fill(f64::NAN);
    }
    assert_eq!(gradient(padded), clean);
}

/// A layer without a backward pass.
struct Without;

impl AnyLayer<f64> for Without {
    fn name(&self) -> &'static str {
        "without"
    }
    fn forward(&self, input: Tensor<f64>) -> Result<Tensor<f64>> {
        Ok(input)
    }
}

#[test]
fn without_a_backward_pass_the_layer_is_named() {
    let refused = |model: Model<f64>, name: &str| {
        let training = Training::of(model)
            .loss(Loss::mean_squared_error())
            .optimizer(Optimizer::of(Adam::keras(0.01)))
            .build();
        let error = training.err().expect(name).to_string();
        assert!(error.contains(name), "{error}");
    };
    refused(Model::new().add(Without), "without");
    refused(Model::new().add(Layer::new(own(false))), "rnn");
    refused(
        Model::new().add_as("inner", Model::new().add(Without)),
        "inner",
    );
}

#[test]
fn a_training_moves_weights_of_ones_own() {
    let mut model = Model::new()
        .add(gains(3))
        .add(gains(5))
        .add(Layer::new(own(true)));
    let found = check_gradient(&mut model, &[x(1)], &[]).unwrap();
    assert!(found.worst < 1e-7, "{found:?}");
    let mut training = Training::of(model)
        .loss(Loss::mean_squared_error())
        .optimizer(Optimizer::of(Adam::keras(0.01)))
        .freeze(["gains/shift"])
        .build()
        .unwrap();
    let x = x(1).values.into_dimensionality::<Ix3>().unwrap();
    let y = Array2::<f64>::zeros((3, 4));
    let before = training
        .model()
        .weights()
        .into_iter()
        .map(|weight| weight.path);
    let before: Vec<_> = before.collect();
    let before: Vec<_> = before
        .iter()
        .map(|path| (path.clone(), training.model().get(path).unwrap()))
        .collect();
    let first = training.step(&Batch::new(&x, &y)).unwrap().loss;
    let mut last = first;
    for _ in 0..50 {
        last = training.step(&Batch::new(&x, &y)).unwrap().loss;
    }
    assert!(last < first / 2.0, "{first} {last}");
    for (path, before) in before {
        let now = training.model().get(&path).unwrap();
        let mut moved = false;
        Zip::from(&now)
            .and(&before)
            .for_each(|now, before| moved |= now.to_bits() != before.to_bits());
        assert_eq!(moved, path != "gains/shift", "{path}");
    }
}
