//! What may cross threads, be cloned, and be printed.

use recurrent::{
    Activation, BiState, Bidirectional, Causal, Deep, Dense, Embedding, Error, Gru, HiddenState,
    Initializer, Layer, Lstm, LstmState, Masking, Model, ModelState, Output, RepeatVector, Rnn,
    Session, SimpleRnn, Softmax, Stacked, Stream, StreamState, TimeDistributed,
};
use std::fmt::Debug;
use std::sync::Arc;

fn shared<T: Send + Sync + 'static>() {}
fn sent<T: Send + 'static>() {}
fn copied<T: Clone + Debug>() {}
fn error<E: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn weights_and_values_cross_threads() {
    shared::<SimpleRnn<f32>>();
    shared::<Lstm<f32>>();
    shared::<Gru<f64>>();
    shared::<Rnn<u8>>();
    shared::<Stacked<Lstm<f32>, Gru<f32>>>();
    shared::<Bidirectional<Lstm<f32>, Gru<f32>>>();
    shared::<Deep<Lstm<f32>>>();
    shared::<Layer<Lstm<f32>>>();
    shared::<Model<f32>>();
    shared::<Dense<f32>>();
    shared::<Embedding<f64>>();
    shared::<TimeDistributed<Dense<f32>>>();
    shared::<Output<f32, LstmState<f32>>>();
    shared::<BiState<HiddenState<f32>, LstmState<f32>>>();
    shared::<StreamState<LstmState<f32>>>();
    shared::<ModelState>();
    shared::<Error>();
    error::<Error>();
}

#[test]
fn streams_and_sessions_move_to_other_threads() {
    sent::<Stream<Lstm<f32>>>();
    sent::<Stream<Arc<Gru<f32>>>>();
    sent::<Stream<Stacked<Arc<Lstm<f32>>, SimpleRnn<f32>>>>();
    sent::<Session<Arc<Layer<Lstm<f32>>>>>();
    sent::<Session<Arc<Model<f32>>>>();
    let lstm = Arc::new(Lstm::<f32>::builder(1, 2).build().unwrap());
    let workers: Vec<_> = (0..4)
        .map(|i| {
            let mut live = Arc::clone(&lstm).into_stream(1);
            std::thread::spawn(move || live.push_slice(&[i as f32]).unwrap().to_vec())
        })
        .collect();
    for (i, worker) in workers.into_iter().enumerate() {
        assert_eq!(
            worker.join().unwrap(),
            lstm.stream(1).push_slice(&[i as f32]).unwrap()
        );
    }
}

#[test]
fn layers_are_cloned_and_print_shapes_and_no_numbers() {
    copied::<SimpleRnn<f32>>();
    copied::<Masking<f32>>();
    copied::<RepeatVector>();
    copied::<Softmax>();
    copied::<Activation>();
    copied::<Initializer>();
    copied::<Stream<Lstm<f32>>>();
    let weight = Initializer::Constant(0.123_456_7);
    let lstm = Lstm::<f64>::builder(2, 3)
        .kernel_initializer(weight)
        .bias_initializer(weight);
    let lstm = lstm.recurrent_initializer(weight).build().unwrap();
    let gru = Gru::<f64>::builder(2, 3)
        .kernel_initializer(weight)
        .bias_initializer(weight)
        .build()
        .unwrap();
    let rnn = SimpleRnn::<f64>::builder(2, 3)
        .kernel_initializer(weight)
        .build()
        .unwrap();
    let kernel = weight.matrix(4, 5, 0).unwrap();
    let embedding = Embedding::<f64>::from_weights(kernel.clone()).unwrap();
    let dense = Dense::from_weights(kernel, None).unwrap();
    let net = Layer::new(Bidirectional::new(lstm, gru).merge_mode(recurrent::MergeMode::Sum));
    for text in [
        format!("{net:?}"),
        format!("{rnn:?}"),
        format!("{embedding:?}"),
        format!("{dense:?}"),
    ] {
        assert!(!text.contains("1234567"), "{text}");
    }
    assert_eq!(
        format!("{rnn:?}"),
        "SimpleRnn { activation: Tanh, clip: None, dropout: 0.0, recurrent_dropout: 0.0, kernel: (2, 3), recurrent_kernel: (3, 3), bias: (3,) }"
    );
}
