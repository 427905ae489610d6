//! States and configurations in serde's formats: one for people, one of bytes.

use crate::numbers;
use crate::says::says;
use ndarray::{Array2, Ix2, array};
use recurrent::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// What a snapshot holds.
type Arrays = Vec<Option<Vec<Array2<f64>>>>;

/// CBOR.
pub fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    ciborium::from_reader(bytes).ok()
}

/// Through both formats.
#[track_caller]
fn both<T: Serialize + DeserializeOwned>(value: &T) -> [T; 2] {
    let text = serde_json::to_string(value).unwrap();
    let bytes = to_bytes(value);
    let back = [
        serde_json::from_str(&text).unwrap(),
        from_bytes(&bytes).unwrap(),
    ];
    for back in &back {
        assert_eq!(serde_json::to_string(back).unwrap(), text);
        assert_eq!(to_bytes(back), bytes);
    }
    back
}

#[track_caller]
fn equal<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    both(value).iter().for_each(|back| assert_eq!(back, value));
}

#[test]
fn configurations() {
    let hard_sigmoid = |alpha, beta| Activation::HardSigmoid { alpha, beta };
    for activation in [
        Activation::Tanh,
        Activation::Softmax,
        hard_sigmoid(1.0 / 6.0, -0.0),
        Activation::Gelu { approximate: true },
    ] {
        equal(&activation);
    }
    let text = serde_json::to_string(&hard_sigmoid(0.2, 0.5)).unwrap();
    assert_eq!(text, r#"{"hard_sigmoid":{"alpha":0.2,"beta":0.5}}"#);
    equal(&Initializer::TruncatedNormal {
        mean: 0.1,
        stddev: 2.0,
    });
    equal(&Initializer::Orthogonal { gain: 1e300 });
    for merge in [
        MergeMode::Concat,
        MergeMode::Sum,
        MergeMode::Mul,
        MergeMode::Ave,
    ] {
        equal(&merge);
    }
    equal(&Padding::Causal);
    equal(&Merge::Subtract);
    equal(&Returns {
        sequences: true,
        state: false,
    });
    equal(&Shape::from([None, Some(3)]));
    equal(&Shape::unknown());
}

/// A builder that comes back builds the same layer.
#[test]
fn builders() {
    let matrix = |rows, columns| {
        numbers::<f32>(&[rows, columns], 3)
            .into_dimensionality::<Ix2>()
            .unwrap()
    };
    let lstm = Lstm::builder(3, 4)
        .activation(Activation::Softsign)
        .recurrent_activation(Activation::HARD_SIGMOID)
        .output_activation(Activation::Relu)
        .clip(0.5)
        .input_forget(true)
        .unit_forget_bias(false)
        .use_bias(true)
        .kernel_initializer(Initializer::HeNormal)
        .recurrent_initializer(Initializer::Identity { gain: 0.5 })
        .bias_initializer(Initializer::Constant(0.25))
        .seed(u64::MAX)
        .peepholes(matrix(3, 4))
        .projection(matrix(4, 2))
        .initial_state(LstmState {
            h: matrix(1, 2),
            c: matrix(1, 4),
        });
    for back in both(&lstm) {
        assert_eq!(format!("{back:?}"), format!("{lstm:?}"));
        let [back, lstm] =
            [back, lstm.clone()].map(|builder| saved::write(&builder.build().unwrap()).unwrap());
        assert!(back == lstm);
    }
    let gru = Gru::<f64>::builder(3, 4).reset_after(false).clip(0.1);
    let rnn = SimpleRnn::<f64>::builder(3, 4).use_bias(false).seed(5);
    let conv = Conv1d::<f64>::builder().groups(2).padding(Padding::Causal);
    both(&gru)
        .into_iter()
        .for_each(|back| assert_eq!(format!("{back:?}"), format!("{gru:?}")));
    both(&rnn)
        .into_iter()
        .for_each(|back| assert_eq!(format!("{back:?}"), format!("{rnn:?}")));
    both(&conv)
        .into_iter()
        .for_each(|back| assert_eq!(format!("{back:?}"), format!("{conv:?}")));
}

#[test]
fn states_keep_every_bit() {
    let odd = [
        0x7f80_0001,
        0xffc1_2345,
        0x7f80_0000,
        0x8000_0000,
        1,
        0x007f_ffff,
    ]
    .map(f32::from_bits);
    let h = Array2::from_shape_vec((2, 3), odd.into()).unwrap();
    let bits = |array: &Array2<f32>| array.mapv(f32::to_bits);
    for back in both(&HiddenState { h: h.clone() }) {
        assert_eq!(bits(&back.h), bits(&h));
    }
    let c = array![[1.0, 2.0], [3.0, 4.0]];
    // An array in another order of memory.
    equal(&LstmState {
        h: c.t().to_owned(),
        c: c.clone(),
    });
    let hidden = HiddenState { h: c };
    equal(&BiState {
        forward: hidden.clone(),
        backward: vec![(hidden.clone(), LstmState::<f64>::zeros(0, 3))],
    });
    let text = serde_json::to_string(&HiddenState {
        h: array![[1.0_f32, -0.5]],
    })
    .unwrap();
    assert_eq!(text, r#"{"h":{"shape":[1,2],"bits":"3f800000 bf000000"}}"#);
}

#[test]
fn states_that_cannot_be() {
    let refused = |text: &str, words: &[&str]| {
        let hidden =
            serde_json::from_str::<HiddenState<f32>>(text).map_err(|error| error.to_string());
        let message = hidden.unwrap_err();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    refused(
        r#"{"h":{"shape":[1,2],"bits":"3f800000"}}"#,
        &["an array of shape [1, 2]"],
    );
    refused(
        r#"{"h":{"shape":[2],"bits":"3f800000 3f800000"}}"#,
        &["an array of shape [2]"],
    );
    refused(
        r#"{"h":{"shape":[18446744073709551615,18446744073709551615],"bits":""}}"#,
        &["shape"],
    );
    // Of an f64, of no number, of a sign.
    for bits in ["3f8000003f800000", "3f80000g", "+f800000"] {
        refused(
            &format!(r#"{{"h":{{"shape":[1,1],"bits":"{bits}"}}}}"#),
            &["the bits of numbers, 4 bytes each"],
        );
    }
    refused(
        r#"{"h":{"shape":[1,1],"bits":"3f800000"},"c":1}"#,
        &["unknown field `c`"],
    );
    let ragged = LstmState {
        h: Array2::<f32>::zeros((2, 3)),
        c: Array2::zeros((1, 3)),
    };
    let text = serde_json::to_string(&ragged).unwrap();
    let error = serde_json::from_str::<LstmState<f32>>(&text).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("state.c has 1 sample, expected 2"),
        "{error}"
    );
    // Bytes that end within a number, and all that are cut or changed.
    let bytes = to_bytes(&LstmState::<f32>::zeros(2, 3));
    for at in 0..bytes.len() {
        assert!(from_bytes::<LstmState<f32>>(&bytes[..at]).is_none());
        for change in 1..=255 {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            if let Some(state) = from_bytes::<LstmState<f32>>(&bytes) {
                assert_eq!((state.h.dim(), state.c.dim()), ((2, 3), (2, 3)));
            }
        }
    }
}

#[test]
fn snapshots_of_streams() {
    let lstm = Lstm::<f32>::builder(2, 3).build().unwrap();
    let x = |t| {
        numbers::<f32>(&[3, 2], t)
            .into_dimensionality::<Ix2>()
            .unwrap()
    };
    for zeros in [false, true] {
        let stream = || lstm.stream(3);
        let mut live = if zeros {
            stream().zero_output_for_mask()
        } else {
            stream()
        };
        // A state from elsewhere: the first masked outputs of samples 1 and 2 are 0, not its h.
        let given = LstmState {
            h: Array2::ones((3, 3)),
            c: Array2::ones((3, 3)),
        };
        live.set_state(given).unwrap();
        live.push_masked(&x(0), &[true, false, false]).unwrap();
        for snapshot in both(&live.snapshot()) {
            let (mut live, mut other) = (live.clone(), stream());
            other.push(&x(9)).unwrap();
            other.resume(snapshot).unwrap();
            for (t, mask) in [(1, [false, false, true]), (2, [true; 3]), (3, [false; 3])] {
                let expected = live.push_masked(&x(t), &mask).unwrap();
                assert_eq!(other.push_masked(&x(t), &mask).unwrap(), expected);
            }
            assert_eq!(other.snapshot(), live.snapshot());
        }
    }
    let mut other = lstm.stream(2);
    let before = other.snapshot();
    says(
        other.resume(lstm.stream(3).snapshot()),
        &["snapshot has 3 samples, expected 2"],
    );
    let mut narrow = before.clone();
    narrow.state = LstmState::zeros(2, 2);
    says(other.resume(narrow), &["state.h has 2 units, expected 3"]);
    assert_eq!(other.snapshot(), before);
}

/// A model with everything that a session keeps; masks go as far as the convolution, which sees what masked steps repeat.
pub fn live_model() -> Model<f32> {
    let gru = |features, units| Gru::builder(features, units).build().unwrap();
    let sequences = |layer| Layer::new(layer).return_sequences(true);
    let kernel = numbers(&[3, 4, 2], 5).into_dimensionality().unwrap();
    let conv = Conv1d::builder().padding(Padding::Causal).dilation_rate(2);
    let conv = conv.from_weights(kernel, None).unwrap();
    let lstm = Layer::new(Lstm::builder(2, 3).build().unwrap()).return_sequences(true);
    let deep = Layer::new(Deep::new([gru(4, 4), gru(4, 4)]).unwrap()).return_sequences(true);
    Model::new()
        .add(Model::new().add(lstm).add(Activation::Relu))
        .add(sequences(gru(3, 4)).stateful(false))
        .add(deep)
        .add(Model::new().add(conv))
}

#[test]
fn snapshots_of_sessions() {
    let model = live_model();
    let loaded = crate::again(&model);
    let x = |t| {
        numbers::<f32>(&[3, 2], t)
            .into_dimensionality::<Ix2>()
            .unwrap()
    };
    let mut live = Session::new(&model);
    assert_eq!(live.snapshot().unwrap(), None);
    for t in 0..6 {
        let mask = [t % 2 == 0, t % 3 == 0, t > 3];
        if let Some(snapshot) = live.snapshot().unwrap() {
            for snapshot in both(&snapshot) {
                let mut other = Session::new(&loaded);
                other.resume(snapshot).unwrap();
                let mut same = Session::new(&model);
                same.set_state(live.state().unwrap().clone()).unwrap();
                let expected = same.step_masked(&x(t), &mask).unwrap();
                assert_eq!(other.step_masked(&x(t), &mask).unwrap(), expected);
            }
        }
        live.step_masked(&x(t), &mask).unwrap();
    }
    // Behind a whole call the layers that are not stateful have nothing.
    let whole = numbers::<f32>(&[3, 4, 2], 8);
    let mut session = Session::new(&model);
    session.forward(&whole).unwrap();
    let snapshot = session.snapshot().unwrap().unwrap();
    assert_eq!(
        snapshot
            .arrays()
            .iter()
            .map(Option::is_some)
            .collect::<Vec<_>>(),
        [true, false, true, false]
    );
    let mut other = Session::new(&loaded);
    other.resume(snapshot.clone()).unwrap();
    assert_eq!(
        other.forward(&whole).unwrap(),
        session.forward(&whole).unwrap()
    );

    let refused = |change: &dyn Fn(&mut Arrays), words: &[&str]| {
        let mut arrays = snapshot.clone().into_arrays();
        change(&mut arrays);
        let snapshot = ModelState::from_arrays(arrays);
        says(Session::new(&loaded).resume(snapshot), words);
    };
    refused(&|s| drop(s.pop()), &["state is that of another"]);
    refused(&|s| s.push(None), &["state is that of another"]);
    let arrays = |s: &mut Arrays, change: &dyn Fn(&mut Vec<Array2<f64>>)| {
        change(s[0].as_mut().unwrap());
    };
    refused(
        &|s| arrays(s, &|a| drop(a.pop())),
        &["state has 2 arrays, expected 3"],
    );
    refused(
        &|s| arrays(s, &|a| a[2] = Array2::zeros((3, 2))),
        &["state has 2 units, expected 1"],
    );
    refused(
        &|s| arrays(s, &|a| a[2] = Array2::zeros((2, 1))),
        &["state has 2 samples, expected 3"],
    );
    // All of one layer for fewer samples: the next call says so.
    let mut fewer = snapshot.clone().into_arrays();
    fewer[0]
        .as_mut()
        .unwrap()
        .iter_mut()
        .for_each(|a| *a = Array2::zeros((2, a.ncols())));
    let mut other = Session::new(&loaded);
    other.resume(ModelState::from_arrays(fewer)).unwrap();
    says(
        other.forward(&whole),
        &["3 samples, expected of 2, since the session keeps"],
    );
    says(
        Session::new(&Model::<f32>::new().add(Flatten)).resume(snapshot.clone()),
        &["state is that of another"],
    );
}
