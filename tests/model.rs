//! Pipelines in which masks flow, and what stands around recurrent layers.

use ndarray::{Array1, Array2, Array3, ArrayD, ArrayView1, array, s};
use recurrent::{
    Activation, AnyLayer, Bidirectional, Dense, Embedding, Error, Gru, Layer, Lstm, Masking, Model,
    Recurrent, RepeatVector, Result, SimpleRnn, Softmax, Tensor, TimeDistributed,
};

fn lstm() -> Lstm<f64> {
    Lstm::builder(2, 3).seed(0).build().unwrap()
}

/// Tells what mask comes by.
struct Spy;

impl AnyLayer<f64> for Spy {
    fn name(&self) -> &str {
        "spy"
    }
    fn forward(&self, input: Tensor<f64>) -> Result<Tensor<f64>> {
        let masked = input
            .mask
            .as_ref()
            .is_some_and(|mask| mask.iter().any(|&m| !m));
        let seen = ArrayD::from_elem(vec![1], if masked { 1.0 } else { 0.0 });
        Ok(Tensor {
            values: seen,
            mask: input.mask,
        })
    }
}

#[test]
fn masks_flow_as_in_keras() {
    let x = array![[[1.0, 2.0], [0.0, 0.0]]];
    let sees = |model: Model<f64>| model.add(Spy).forward(&x).unwrap()[[0].as_slice()] > 0.5;
    let begin = || Model::new().add(Masking::new(0.0));
    assert!(sees(begin()));
    assert!(sees(begin().add(Layer::new(lstm()).return_sequences(true))));
    assert!(
        !sees(begin().add(Layer::new(lstm()))),
        "a last output has no timesteps to mask"
    );
    assert!(sees(begin().add(
        Layer::new(Bidirectional::new(lstm(), lstm())).return_sequences(true)
    )));
    let dense = || Dense::from_weights(Array2::eye(2), None).unwrap();
    assert!(sees(begin().add(dense())));
    assert!(sees(begin().add(TimeDistributed::new(dense()))));
    assert!(!sees(
        begin().add(Layer::new(lstm())).add(RepeatVector::new(2))
    ));
    assert!(!sees(Model::new().add(dense())));
}

#[test]
fn a_mask_ends_at_repeat_vector() {
    let (x, mask) = (array![[1.0, 2.0]], array![[true, false]]);
    let model = Model::new().add(RepeatVector::new(2)).add(Spy);
    let y = model.forward_masked(&x, &mask).unwrap();
    assert!(y[[0].as_slice()] < 0.5, "its output has other timesteps");
}

#[test]
fn a_mask_comes_from_token_zero_and_holds_the_state() {
    let table = Embedding::from_weights(array![[9.0, 9.0], [0.1, 0.2], [0.3, 0.4]]).unwrap();
    let ids = array![[1.0, 2.0, 0.0], [2.0, 0.0, 0.0]];
    let model = Model::new()
        .add(table.clone().mask_zero(true))
        .add(Layer::new(lstm()));
    let x = table.forward(&array![[1, 2, 0], [2, 0, 0]]).unwrap();
    assert_eq!(
        model.forward(&ids).unwrap(),
        lstm().run(&x).lengths(&[2, 1]).last().unwrap().into_dyn()
    );
    let unmasked = Model::new().add(table).add(Layer::new(lstm()));
    assert_eq!(
        unmasked.forward(&ids).unwrap(),
        lstm().run(&x).last().unwrap().into_dyn()
    );
    let given = Model::new().add(Layer::new(lstm()));
    let mask = array![[true, true, false], [true, false, false]];
    assert_eq!(
        given.forward_masked(&x, &mask).unwrap(),
        lstm().run(&x).lengths(&[2, 1]).last().unwrap().into_dyn()
    );
}

#[test]
fn masking_needs_all_features_and_zeroes_the_step() {
    let (y, mask) =
        Masking::new(-1.0).forward(&array![[[-1.0, 0.0], [-1.0, -1.0], [f64::NAN, -1.0]]]);
    assert_eq!(mask, array![[true, false, true]]);
    assert_eq!(y.slice(s![0, ..2, ..]), array![[-1.0, 0.0], [0.0, 0.0]]);
    assert!(y[[0, 2, 0]].is_nan());
}

#[test]
fn the_mask_behind_a_backwards_layer_is_not_turned() {
    let x = array![[[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]];
    let back = Layer::new(lstm()).go_backwards(true).return_sequences(true);
    let upper = || SimpleRnn::<f64>::builder(3, 2).seed(0).build().unwrap();
    let model = Model::new()
        .add(Masking::new(0.0))
        .add(back)
        .add(Layer::new(upper()));
    let mask = array![[true, true, false]];
    let mid = lstm()
        .run(&x)
        .mask(&mask)
        .go_backwards()
        .sequences()
        .unwrap();
    assert_eq!(
        model.forward(&x).unwrap(),
        upper().run(&mid).mask(&mask).last().unwrap().into_dyn()
    );
}

#[test]
fn dense_works_on_the_last_axis_row_by_row() {
    let kernel = Array2::from_shape_fn((5, 70), |(i, j)| (i * 70 + j) as f64 / 100.0 - 1.0);
    let bias = Array1::linspace(-1.0, 1.0, 70);
    let dense = Dense::from_weights(kernel.clone(), bias.clone()).unwrap();
    assert_eq!(
        (dense.kernel(), dense.bias()),
        (kernel.clone(), Some(bias.clone()))
    );
    let x = Array3::from_shape_fn((9, 17, 5), |(n, t, f)| {
        ((n * 31 + t * 7 + f) % 13) as f64 / 13.0
    });
    let y = dense.forward(&x).unwrap();
    assert_eq!(y.dim(), (9, 17, 70));
    for n in 0..9 {
        for t in 0..17 {
            let row: ArrayView1<f64> = x.slice(s![n, t, ..]);
            assert_eq!(dense.forward(&row).unwrap(), y.slice(s![n, t, ..]));
            let expected = kernel.t().dot(&row) + &bias;
            assert!(
                (&y.slice(s![n, t, ..]) - &expected)
                    .iter()
                    .all(|d| d.abs() < 1e-13)
            );
        }
    }
    assert_eq!(
        dense.forward(&x.slice(s![.., ..;-2, ..])).unwrap(),
        y.slice(s![.., ..;-2, ..])
    );
    assert_eq!(
        dense.forward(&Array2::zeros((0, 5))).unwrap().dim(),
        (0, 70)
    );
    let model = Model::new().add(TimeDistributed::new(dense.clone()));
    assert_eq!(model.forward(&x).unwrap(), y.into_dyn());
    let softmax = dense
        .with_activation(Activation::Softmax)
        .unwrap()
        .forward(&x)
        .unwrap();
    assert!(
        softmax
            .rows()
            .into_iter()
            .all(|row| (row.sum() - 1.0).abs() < 1e-12)
    );
}

#[test]
fn softmax_goes_over_the_last_axis_and_refuses_masks() {
    let y = Softmax::new()
        .forward(&array![[0.0, 0.0, 0.0_f64.ln_1p()], [1000.0, 0.0, -1000.0]])
        .unwrap();
    assert!(
        y.rows()
            .into_iter()
            .all(|row| (row.sum() - 1.0).abs() < 1e-12)
    );
    let model = Model::new().add(Masking::new(0.0)).add(Softmax::new());
    let error = model.forward(&array![[[1.0, 2.0]]]).unwrap_err();
    assert!(
        matches!(error, Error::Layer { index: 1, ref name, .. } if name == "softmax"),
        "{error}"
    );
}

#[test]
fn recurrent_layers_may_stand_inside_time_distributed() {
    let x = ArrayD::from_shape_fn(vec![2, 3, 4, 2], |at| {
        (at[0] + 2 * at[1] + 3 * at[2] + at[3]) as f64 / 10.0
    });
    let model = Model::new().add(TimeDistributed::new(Layer::new(lstm())));
    let y = model.forward(&x).unwrap();
    assert_eq!(y.shape(), [2, 3, 3]);
    for t in 0..3 {
        let inner = x.slice(s![.., t, .., ..]);
        assert_eq!(y.slice(s![.., t, ..]), lstm().run(&inner).last().unwrap());
    }
}

#[test]
fn an_encoder_hands_its_last_output_to_a_decoder() {
    let decoder = Gru::<f64>::builder(3, 2).seed(0).build().unwrap();
    let x = Array3::ones((2, 4, 2));
    let model = Model::new()
        .add(Layer::new(lstm()))
        .add(RepeatVector::new(5))
        .add(Layer::new(decoder.clone()).return_sequences(true));
    let repeated = RepeatVector::new(5)
        .forward(&lstm().run(&x).last().unwrap())
        .unwrap();
    assert_eq!(
        model.forward(&x).unwrap(),
        decoder.run(&repeated).sequences().unwrap().into_dyn()
    );
    assert_eq!(format!("{model:?}"), r#"["lstm", "repeat_vector", "gru"]"#);
    assert_eq!(Model::<f64>::new().forward(&x).unwrap(), x.into_dyn());
}

#[test]
fn layers_of_one_kind_have_names_of_their_own() {
    let lstm = |features| Layer::new(Lstm::<f32>::builder(features, 2).build().unwrap());
    let model = Model::new().add(lstm(3)).add(lstm(2)).add(lstm(2));
    for name in ["lstm", "lstm_1", "lstm_2"] {
        assert!(model.layer(name).is_some(), "{name}");
    }
    assert!(model.layer("lstm_3").is_none());
}
