//! Models and layers in an `Arc` or a `Box`, with `AnyLayer` in scope.

use ndarray::{Array2, Array3, array};
use recurrent::{AnyLayer, Dense, Gru, Layer, Model, Recurrent, Session, Tensor, TimeDistributed};
use std::sync::Arc;

/// A whole program as its author wrote it. It is not formatted, and it is kept as it is.
#[rustfmt::skip]
mod arc_trap {
    include!("field/arc_trap.rs");

    #[test]
    fn a_server_with_a_layer_of_its_own() {
        main().unwrap();
    }
}

fn dense() -> Dense<f32> {
    Dense::from_weights(array![[1.0, 2.0], [3.0, 4.0]], None).unwrap()
}

fn gru() -> Layer<Gru<f32>> {
    Layer::new(Gru::builder(2, 2).seed(0).build().unwrap()).return_sequences(true)
}

#[test]
fn forward_of_a_shared_layer_is_that_of_the_layer() {
    let x = Array3::<f32>::ones((1, 3, 2));
    let (shared, boxed) = (Arc::new(dense()), Box::new(dense()));
    assert_eq!(shared.forward(&x).unwrap(), dense().forward(&x).unwrap());
    assert_eq!(boxed.forward(&x).unwrap(), dense().forward(&x).unwrap());
    let shared = Arc::new(gru());
    assert_eq!(shared.forward(&x).unwrap(), gru().forward(&x).unwrap());
    let boxed = Box::new(Model::new().add(gru()));
    assert_eq!(
        boxed.forward(&x).unwrap(),
        gru().inner().run(&x).sequences().unwrap().into_dyn()
    );
    let any: Arc<dyn AnyLayer<f32>> = Arc::new(dense());
    let y = any.forward(Tensor::new(&x)).unwrap();
    assert_eq!(y.values, dense().forward(&x).unwrap().into_dyn());
}

#[test]
fn what_owns_a_layer_goes_into_a_model() {
    let x = Array3::<f32>::ones((1, 3, 2));
    let expected = Model::new().add(dense()).add(gru()).forward(&x).unwrap();
    let any: Arc<dyn AnyLayer<f32>> = Arc::new(dense());
    let sync: Arc<dyn AnyLayer<f32> + Send + Sync> = Arc::new(dense());
    let (shared, boxed) = (Arc::new(dense()), Box::new(gru()));
    let models = [
        Model::new().add(Arc::clone(&shared)).add(boxed),
        Model::new().add(any).add(Arc::new(gru())),
        Model::new()
            .add(sync)
            .add_as("top", Arc::new(Model::new().add(gru()))),
        Model::new()
            .add(Box::new(TimeDistributed::new(dense())))
            .add(gru()),
        Model::new()
            .add(TimeDistributed::new(shared as Arc<dyn AnyLayer<f32>>))
            .add(Box::new(gru()) as Box<dyn AnyLayer<f32>>),
    ];
    for (i, model) in models.iter().enumerate() {
        assert_eq!(model.forward(&x).unwrap(), expected, "model {i}");
    }
    let mut graph = Model::graph();
    let input = graph.input("x");
    let below = graph.add("dense", Arc::new(dense()), [input]).unwrap();
    let above = graph.layer("gru", Box::new(gru())).unwrap();
    let [y] = graph.call(above, [below]).unwrap();
    let model = graph.finish([y]).unwrap();
    assert_eq!(model.forward(&x).unwrap(), expected);
}

#[test]
fn a_session_borrows_or_shares_what_is_in_an_arc() {
    let x = Array3::<f32>::ones((1, 3, 2));
    let model = Arc::new(Model::new().add(gru()));
    let expected = model.forward(&x).unwrap();
    assert_eq!(Session::new(&*model).forward(&x).unwrap(), expected);
    assert_eq!(
        Session::new(Arc::clone(&model)).forward(&x).unwrap(),
        expected
    );
    let step = Session::new(&*model).step(&Array2::ones((1, 2))).unwrap();
    assert_eq!(step, expected.index_axis_move(ndarray::Axis(1), 0));
}
