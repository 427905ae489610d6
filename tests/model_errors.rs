//! What models refuse, by its words: the layer is named.

use ndarray::{Array2, Array3, ArrayD, array};
use recurrent::{
    Activation, Bidirectional, Concatenate, Conv1d, Dense, Embedding, Gru, Layer, Lstm, Masking,
    Model, Padding, RepeatVector, Session, Tensor, TimeDistributed,
};
use std::fmt::Debug;

#[track_caller]
fn says<T: Debug>(result: recurrent::Result<T>, words: &str) {
    assert_eq!(result.expect_err("a refusal").to_string(), words);
}

fn lstm() -> Lstm<f32> {
    Lstm::builder(2, 3).build().unwrap()
}

fn x() -> Array3<f32> {
    Array3::ones((4, 5, 2))
}

#[test]
fn models_name_the_layer() {
    let x = x();
    let dense = |rows| Dense::from_weights(Array2::<f32>::eye(rows), None).unwrap();
    let model = Model::new().add(Layer::new(lstm())).add(dense(4));
    says(
        model.forward(&x),
        "layer 1 (dense): input has 3 features, expected 4",
    );
    let both = Bidirectional::new(lstm(), lstm());
    says(
        Model::new()
            .add(Layer::new(both))
            .forward(&Array3::ones((4, 5, 3))),
        "layer 0 (bidirectional): input has 3 features, expected 2",
    );
    let model = Model::new().add(Layer::new(lstm()).return_state(true));
    says(
        model.forward(&x),
        "layer 0 (lstm): return_state is true, expected false: a layer that is `add`ed to a Model passes on one output, `Model::graph` wires all of them",
    );
    let model = Model::new().add(Layer::new(lstm())).add(Layer::new(lstm()));
    says(
        model.forward(&x),
        "layer 1 (lstm_1): input has 2 axes, expected 3 (samples, timesteps, features): \
         for one sequence alone add an axis of samples; after another recurrent layer, give that one return_sequences",
    );
    let model = Model::<f32>::new().add(RepeatVector::new(2));
    says(
        model.forward(&x),
        "layer 0 (repeat_vector): input has 3 axes, expected 2 (samples, features)",
    );
    says(
        RepeatVector::new(usize::MAX)
            .forward(&array![[1.0_f32]])
            .map(drop),
        &format!(
            "shape is [1, {}, 1] for the output, expected one that fits into the memory of this machine",
            usize::MAX
        ),
    );
    let model = Model::new().add(Masking::new(0.0_f32));
    says(
        model.forward(&array![1.0]),
        "layer 0 (masking): input has 1 axis, expected 3 (samples, timesteps, features)",
    );
    let model = Model::new().add(TimeDistributed::new(dense(2)));
    says(
        model.forward(&array![[1.0, 2.0]]),
        "layer 0 (time_distributed): input has 2 axes, expected at least 3 (samples, timesteps, ...)",
    );
    let inner = TimeDistributed::new(Layer::new(lstm()));
    let model = Model::new()
        .add(Masking::new(0.0))
        .add(TimeDistributed::new(dense(2)))
        .add(inner);
    let expected = "layer 2 (time_distributed_1): mask is one of the outer timesteps, expected none: the layer inside \
                    TimeDistributed reads masks of its own steps";
    says(model.forward(&x), expected);
    says(
        dense(2).forward(&ndarray::arr0(1.0)),
        "input has 0 axes, expected at least 1",
    );
    says(
        dense(2).with_activation(Activation::Elu { alpha: f64::NAN }),
        "activation is Elu { alpha: NaN }, expected a function with finite parameters",
    );
    let table = Embedding::from_weights(Array2::<f32>::eye(3)).unwrap();
    says(
        table.forward(&array![[0, 3]]),
        "token id is 3, expected below 3",
    );
    for id in [3.0, 0.5, -1.0, f32::NAN, f32::INFINITY] {
        let model = Model::new().add(table.clone().mask_zero(true));
        says(
            model.forward(&array![[id]]),
            &format!(
                "layer 0 (embedding): token id is {id}, expected a whole number from 0 to below 3"
            ),
        );
    }
    let model = Model::new().add(table.mask_zero(true));
    says(
        model.forward(&ArrayD::zeros(vec![1, 1, 1])),
        "layer 0 (embedding): input has 3 axes, expected 2 (samples, timesteps) of token ids, under mask_zero",
    );
    let error = model.forward(&array![[9.0]]).unwrap_err();
    // The sentence says it all, so a report of the whole chain does not say it twice.
    assert!(std::error::Error::source(&error).is_none());
    assert!(format!("{error:?}").starts_with("Layer(layer 0 (embedding): token id"));
    let layer = Layer::new(lstm());
    says(
        Session::new(&layer).forward(&Array3::zeros((1, 1, 1))),
        "input has 1 feature, expected 2",
    );
}

#[test]
fn inputs_of_other_samples_than_each_other() {
    let mut graph = Model::graph();
    let (x, y) = (graph.input("x"), graph.input("y"));
    let both = graph.add("both", Concatenate::new(-1), [x, y]).unwrap();
    let model = graph.finish([both]).unwrap();
    let of = |samples| Tensor::new(&Array2::<f32>::zeros((samples, 2)));
    assert!(model.forward_all([of(2), of(2)]).is_ok());
    let expected = "number of samples is 0 in \"x\", 5 in \"y\", expected the same in every input";
    says(model.forward_all([of(0), of(5)]), expected);
    says(
        model.forward_all([of(2)]),
        "number of inputs is 1, expected 2 (x, y)",
    );
}

#[test]
fn masks_and_states_that_a_model_cannot_use() {
    let x = x();
    let dense = |rows| Dense::from_weights(Array2::<f32>::eye(rows), None).unwrap();
    let model = Model::new().add(dense(2));
    says(
        model.forward_masked(&x, &Array2::from_elem((4, 6), true)),
        "mask has 6 timesteps, expected 5",
    );
    let mut session = Session::new(&model);
    says(
        session.forward_masked(&x, &Array2::from_elem((3, 5), true)),
        "mask has 3 samples, expected 4",
    );
    let recurrent = Model::new().add(Layer::new(lstm()));
    let mut other = Session::new(&recurrent);
    other.forward(&x).unwrap();
    session.set_state(other.into_state().unwrap()).unwrap();
    assert!(
        session.forward(&x).is_ok(),
        "as many layers, none with a state"
    );
    let other = Model::new().add(Layer::new(Gru::<f32>::builder(2, 3).build().unwrap()));
    let mut other = Session::new(&other);
    other.forward(&x).unwrap();
    let mut session = Session::new(&recurrent);
    session.set_state(other.into_state().unwrap()).unwrap();
    says(
        session.forward(&x),
        "layer 0 (lstm): state is that of another, expected that of this model",
    );
}

#[test]
fn a_session_says_that_it_keeps_the_state_of_other_samples() {
    let kept = "layer 0 (lstm): input is of 3 samples, expected of 4, since the session keeps the state of 4: call its \
                `reset`, or make another session";
    let model = Model::new().add(Layer::new(lstm()));
    let mut session = Session::new(&model);
    session.forward(&x()).unwrap();
    says(session.forward(&Array3::ones((3, 5, 2))), kept);
    says(session.step(&Array2::ones((3, 2))), kept);
    session.reset();
    assert!(session.forward(&Array3::ones((3, 5, 2))).is_ok());
    session.reset();
    says(
        session.reset_samples(&[0]),
        "sample is 0, expected none: the session keeps no state before its first call",
    );
    let conv = Conv1d::builder().padding(Padding::Causal);
    let model = Model::new().add(conv.from_weights(Array3::ones((2, 2, 1)), None).unwrap());
    let mut session = Session::new(&model);
    session.step(&Array2::<f32>::ones((4, 2))).unwrap();
    let said = session.step(&Array2::ones((3, 2)));
    says(said, &kept.replace("lstm", "conv1d"));
}

#[test]
fn a_model_counts_the_axes_of_its_inputs() {
    let model = Model::new().add(Layer::new(lstm()));
    says(
        model.forward(&Array3::ones((1, 2, 5))),
        "layer 0 (lstm): input is (1, 2, 5), whose last two axes look swapped, expected (samples, timesteps, features) \
         with 2 features",
    );
    let mut graph = Model::graph();
    let (x, y) = (graph.input("x"), graph.input("y"));
    let both = graph.add("both", Concatenate::new(-1), [x, y]).unwrap();
    let model = graph.finish([both]).unwrap();
    let of = |timesteps| Tensor::new(&Array3::<f32>::zeros((1, timesteps, 2)));
    says(
        model.forward_all([of(2), of(5)]),
        "layer 0 (both): input has 5 numbers along axis 1, expected 2",
    );
}

#[test]
fn a_step_counts_axes_as_whoever_gave_it() {
    let gru = recurrent::Gru::builder(2, 3).build().unwrap();
    let model = Model::<f32>::new().add(Layer::new(gru));
    let said = recurrent::Session::new(&model).step(&ndarray::Array3::zeros((1, 1, 2)));
    assert_eq!(
        said.unwrap_err().to_string(),
        "input of a step has 3 axes, expected those of a call without the timesteps: (samples, features)"
    );
}
