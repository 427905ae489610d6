//! State kept from call to call: Keras' `stateful`.

use ndarray::{Array2, Array3, array, s};
use recurrent::{
    Bidirectional, Dense, Error, Gru, Initializer, Layer, Lstm, Masking, Model, Session, State,
};
use std::sync::Arc;

fn input(samples: usize, timesteps: usize, features: usize) -> Array3<f64> {
    let flat = Initializer::GlorotUniform
        .matrix(samples * timesteps, features, 3)
        .unwrap();
    flat.into_shape_with_order((samples, timesteps, features))
        .unwrap()
}

fn layer() -> Layer<Lstm<f64>> {
    Layer::new(Lstm::builder(2, 3).build().unwrap()).return_sequences(true)
}

#[test]
fn chunks_are_the_whole_and_a_reset_begins_anew() {
    let (layer, x) = (layer(), input(3, 7, 2));
    let whole = layer.forward(&x).unwrap();
    let whole = whole.sequences().unwrap();
    let mut session = Session::new(&layer);
    for _ in 0..2 {
        assert!(session.state().is_none());
        let a = session.forward(&x.slice(s![.., ..3, ..])).unwrap();
        let b = session.forward(&x.slice(s![.., 3.., ..])).unwrap();
        assert_eq!(a.sequences().unwrap(), whole.slice(s![.., ..3, ..]));
        assert_eq!(b.sequences().unwrap(), whole.slice(s![.., 3.., ..]));
        session.reset();
    }
}

#[test]
fn one_sample_begins_anew() {
    let (layer, x) = (layer(), input(2, 4, 2));
    let mut session = Session::new(&layer);
    session.forward(&x).unwrap();
    let before = session.state().unwrap().clone();
    assert_eq!(
        session.reset_samples(&[0, 2]),
        Err(Error::Sample {
            sample: 2,
            samples: 2
        })
    );
    assert_eq!(
        session.state(),
        Some(&before),
        "a refused reset changes nothing"
    );
    session.reset_samples(&[0]).unwrap();
    let after = session.forward(&x).unwrap();
    let fresh = layer.forward(&x).unwrap();
    let (after, fresh) = (after.sequences().unwrap(), fresh.sequences().unwrap());
    assert_eq!(after.slice(s![0, .., ..]), fresh.slice(s![0, .., ..]));
    assert_ne!(after.slice(s![1, .., ..]), fresh.slice(s![1, .., ..]));
    assert!(Session::new(&layer).reset_samples(&[0]).is_err());
}

#[test]
fn another_batch_is_refused_and_the_state_stays() {
    let (layer, x) = (layer(), input(2, 4, 2));
    let mut session = Session::new(&layer);
    session.forward(&x).unwrap();
    let before = session.state().unwrap().clone();
    let refused = session.forward(&input(3, 4, 2));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "input is of 3 samples, expected of 2, since the session keeps the state of 2: call its `reset`, or make another \
         session"
    );
    assert_eq!(session.state(), Some(&before));
    session.reset();
    session.forward(&input(3, 4, 2)).unwrap();
}

#[test]
fn a_given_state_wins_and_its_end_is_kept() {
    let (layer, x) = (layer(), input(2, 4, 2));
    let mut session = Session::new(&layer);
    session.forward(&x).unwrap();
    let given = layer.run(&input(2, 1, 2)).last_and_state().unwrap().1;
    let (expected, end) = layer
        .run(&x)
        .initial_state(given.clone())
        .lengths(&[4, 2])
        .sequences_and_state()
        .unwrap();
    let run = session.run(&x).initial_state(given).lengths(&[4, 2]);
    let (hs, state) = run.sequences_and_state().unwrap();
    assert_eq!((&hs, &state), (&expected, &end));
    assert_eq!(session.state(), Some(&end));
}

#[test]
fn shared_layers_and_both_directions_have_sessions() {
    let x = input(2, 4, 2);
    let gru = |seed| Gru::<f64>::builder(2, 3).seed(seed).build().unwrap();
    let layer = Arc::new(Layer::new(Bidirectional::new(gru(0), gru(1))));
    let mut session = Session::new(Arc::clone(&layer));
    let first = session.forward(&x).unwrap();
    let kept = session.state().unwrap().clone();
    let expected = layer.run(&x).initial_state(kept).last().unwrap();
    assert_eq!(session.forward(&x).unwrap().last(), Some(&expected));
    assert_ne!(first.last(), Some(&expected));
}

#[test]
fn a_layer_that_is_not_stateful_keeps_nothing() {
    let (layer, x) = (layer().stateful(false), input(2, 4, 2));
    let mut session = Session::new(&layer);
    assert_eq!(session.forward(&x).unwrap(), session.forward(&x).unwrap());
    assert!(session.state().is_none());
}

#[test]
fn a_model_that_is_not_stateful_forgets_its_steps_in_a_call() {
    let (model, x) = (Model::new().add(layer().stateful(false)), input(2, 4, 2));
    let mut session = Session::new(&model);
    session.step(&x.index_axis(ndarray::Axis(1), 0)).unwrap();
    assert_eq!(session.forward(&x).unwrap(), model.forward(&x).unwrap());
}

fn model(dense: usize) -> Model<f64> {
    Model::new()
        .add(Masking::new(0.0))
        .add(Layer::new(Lstm::builder(2, 3).build().unwrap()).return_sequences(true))
        .add(Layer::new(Gru::builder(3, 4).build().unwrap()))
        .add(Dense::from_weights(Array2::eye(dense), None).unwrap())
}

#[test]
fn a_model_keeps_the_states_of_all_its_layers() {
    let (model, x) = (model(4), input(2, 6, 2));
    let whole = model.forward(&x).unwrap();
    let mut session = Session::new(&model);
    session.forward(&x.slice(s![.., ..2, ..])).unwrap();
    assert_eq!(session.forward(&x.slice(s![.., 2.., ..])).unwrap(), whole);
    assert_eq!(session.state().unwrap().samples(), 2);
    session.reset_samples(&[1]).unwrap();
    let again = session.forward(&x).unwrap();
    assert_eq!(again.slice(s![1, ..]), whole.slice(s![1, ..]));
    assert_ne!(again.slice(s![0, ..]), whole.slice(s![0, ..]));
    session.reset();
    assert_eq!(session.forward(&x).unwrap(), whole);
}

/// A masked step repeats the last output, or zeros, as the whole call does, before the first real timestep and behind it.
#[test]
fn steps_over_padding_are_the_whole() {
    let mut x = input(3, 6, 2);
    for (sample, step) in [(0, 0), (0, 3), (1, 4), (1, 5), (2, 0), (2, 1), (2, 2)] {
        x.slice_mut(s![sample, step, ..]).fill(0.0);
    }
    for zeros in [false, true] {
        let layer = layer().zero_output_for_mask(zeros);
        let model = Model::new().add(Masking::new(0.0)).add(layer);
        let whole = model.forward(&x).unwrap();
        let mut session = Session::new(&model);
        for (t, expected) in whole.axis_iter(ndarray::Axis(1)).enumerate() {
            assert_eq!(
                session.step(&x.slice(s![.., t, ..])).unwrap(),
                expected,
                "{zeros}, {t}"
            );
        }
    }
}

#[test]
fn an_error_in_a_late_layer_leaves_the_session_as_it_was() {
    let (broken, x) = (model(5), input(2, 6, 2));
    let mut session = Session::new(&broken);
    assert!(session.forward(&x).is_err());
    assert!(session.state().is_none());
    let model = model(4);
    let mut session = Session::new(&model);
    session.forward(&x).unwrap();
    let mut twin = Session::new(&model);
    twin.forward(&x).unwrap();
    assert!(session.forward(&array![[1.0]]).is_err());
    assert_eq!(session.forward(&x).unwrap(), twin.forward(&x).unwrap());
}

#[test]
fn a_layer_that_needs_the_whole_input_takes_no_single_step() {
    let x = input(2, 4, 2);
    let both = Bidirectional::new(
        Gru::<f64>::builder(2, 3).build().unwrap(),
        Gru::<f64>::builder(2, 3).build().unwrap(),
    );
    for model in [
        Model::new().add(Layer::new(both)),
        Model::new().add(layer().go_backwards(true)),
    ] {
        let mut session = Session::new(&model);
        assert!(session.step(&x.index_axis(ndarray::Axis(1), 0)).is_err());
        assert_eq!(session.forward(&x).unwrap(), model.forward(&x).unwrap());
    }
}
