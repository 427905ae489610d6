//! How the models run: sample by sample, in blocks, from their initial state, in other threads, saved and loaded.

use crate::files::{path, tensor};
use crate::forms::cases;
use crate::made::Numbers;
use ndarray::{ArrayD, Axis, array, s};
use recurrent::{Element, Model, ModelStream, Session, amp};
use std::sync::Arc;

fn bits<A: Element>(what: &str, model: &Model<A>, inputs: usize) {
    let x = tensor(&Numbers::new(3).input(60, inputs)).mapv(A::from_f64);
    let whole = model.forward(&x).unwrap();
    let mut live = model.stream(1).unwrap();
    let mut pushed = |x: &[A]| live.push_slice(x).unwrap().to_vec();
    let one_by_one = x
        .axis_iter(Axis(1))
        .flat_map(|x| pushed(x.as_slice().unwrap()));
    let one_by_one: Vec<A> = one_by_one.collect();
    assert_eq!(whole.as_slice().unwrap(), one_by_one, "{what}");
    // A convolution starts every call anew, as in Keras; a stream keeps what it has read.
    let is_kept = model.layers().all(|layer| layer.name() != "conv1d");
    for size in [1, 7, 32, 59].into_iter().filter(|_| is_kept) {
        let mut session = Session::new(model);
        let mut blocks: Vec<A> = Vec::new();
        for start in (0..60).step_by(size) {
            let block = x.slice(s![.., start..60.min(start + size), ..]);
            blocks.extend(session.forward(&block).unwrap());
        }
        assert_eq!(blocks, one_by_one, "{what}, blocks of {size}");
    }
    live.reset();
    let again = x
        .axis_iter(Axis(1))
        .map(|x| live.push_slice(x.as_slice().unwrap()).unwrap()[0]);
    let again: Vec<A> = again.take(3).collect();
    let outputs = whole.len() / 60;
    let first: Vec<A> = one_by_one
        .iter()
        .copied()
        .step_by(outputs)
        .take(3)
        .collect();
    assert_eq!(again, first, "{what} after a reset");
}

#[test]
fn blocks_of_any_size_have_the_bits_of_single_samples() {
    for case in cases().iter().step_by(3) {
        bits::<f32>(
            &case.name,
            &amp::read(&case.bytes()).unwrap().model,
            case.inputs,
        );
        bits::<f64>(
            &case.name,
            &amp::read(&case.bytes()).unwrap().model,
            case.inputs,
        );
    }
    for name in [
        "nam_lstm.nam",
        "rtneural_lstm_1d.json",
        "rtneural_gru_torch.json",
    ] {
        bits::<f32>(name, &amp::load(path(name)).unwrap().model, 1);
    }
}

/// Streams, sessions and whole calls, of several channels and of those that are reset alone.
#[test]
fn a_trained_initial_state_is_where_everything_starts() {
    let model: Model<f64> = amp::load(path("nam_lstm.nam")).unwrap().model;
    let silence = ArrayD::zeros(vec![2, 1, 1]);
    let first = model.forward(&silence).unwrap();
    assert_ne!(
        first.as_slice().unwrap()[..1],
        model.get("dense/bias").unwrap().as_slice().unwrap()[..1]
    );
    let mut live = model.stream(2).unwrap();
    let push =
        |live: &mut ModelStream<f64, &Model<f64>>| live.push_slice(&[0.0; 2]).unwrap().to_vec();
    assert_eq!(push(&mut live), first.as_slice().unwrap());
    let second = push(&mut live);
    assert_ne!(second, first.as_slice().unwrap());
    live.reset_samples(&[1]).unwrap();
    let third = push(&mut live);
    let first_of_each = first.as_slice().unwrap();
    assert_eq!(third[1..], first_of_each[1..]);
    assert_ne!(third[..1], first_of_each[..1]);
    let mut session = Session::new(&model);
    assert_eq!(session.forward(&silence).unwrap(), first);
    assert_ne!(session.forward(&silence).unwrap(), first);
    session.reset_samples(&[0, 1]).unwrap();
    assert_eq!(session.forward(&silence).unwrap(), first);
    session.reset();
    assert_eq!(
        session
            .step(&ArrayD::zeros(vec![2, 1]))
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        first.into_raw_vec_and_offset().0
    );
}

/// Gains, knobs and the way past the layers pass a mask on.
#[test]
fn masked_timesteps_are_passed_over() {
    let mut found = 0;
    for case in cases() {
        // Of an LSTM and a Dense.
        if !case.name.starts_with("AIDA-X") || !case.name.ends_with("RTNeural 0, 2 inputs") {
            continue;
        }
        let model: Model<f64> = amp::read(&case.bytes()).unwrap().model;
        let x = tensor(&Numbers::new(3).input(6, 2));
        let mask = array![[true, false, true, true, false, true]];
        let whole = model.forward_masked(&x, &mask).unwrap();
        found += usize::from(whole != model.forward(&x).unwrap());
        let mut live = model.stream(1).unwrap();
        for (t, &real) in mask.iter().enumerate() {
            let y = live
                .push_masked(&x.index_axis(Axis(1), t), &[real])
                .unwrap();
            assert_eq!(y, whole.index_axis(Axis(1), t), "{}, {t}", case.name);
        }
    }
    assert_eq!(found, 5, "all but the one that is silent");
}

#[test]
fn knobs_move_while_the_model_plays() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "LSTM, 2, 1, 1, true")
        .unwrap();
    let model: Arc<Model<f32>> = Arc::new(amp::read(&case.bytes()).unwrap().model);
    let mut channels = [0, 1].map(|_| ModelStream::new(Arc::clone(&model), 1).unwrap());
    let mut differ = false;
    for t in 0..50_u8 {
        let (x, knob) = (0.1, f32::from(t) / 50.0);
        let [moved, still] = &mut channels;
        let moved = moved.push_slice(&[x, knob]).unwrap();
        differ |= moved != still.push_slice(&[x, 0.0]).unwrap();
    }
    assert!(differ);
    let mut live = ModelStream::new(model, 1).unwrap();
    let there = std::thread::spawn(move || live.push_slice(&[0.1, 0.5]).map(<[f32]>::to_vec));
    assert!(there.join().unwrap().is_ok());
}

#[cfg(feature = "saved")]
#[test]
fn what_was_saved_plays_the_same() {
    use recurrent::saved;
    let all = cases();
    for case in all.iter().step_by(5) {
        let model: Model<f32> = amp::read(&case.bytes()).unwrap().model;
        let bytes = saved::write(&model).unwrap();
        let back: Model<f32> = saved::read(&bytes).unwrap();
        assert_eq!(saved::write(&back).unwrap(), bytes, "{}", case.name);
        let x = tensor(&Numbers::new(3).input(20, case.inputs)).mapv(f32::from_f64);
        assert_eq!(
            back.forward(&x).unwrap(),
            model.forward(&x).unwrap(),
            "{}",
            case.name
        );
    }
    let model: Model<f64> = amp::load(path("nam_lstm.nam")).unwrap().model;
    let back: Model<f64> = saved::read(&saved::write(&model).unwrap()).unwrap();
    bits("saved", &back, 1);
    let x = ArrayD::zeros(vec![1, 3, 1]);
    assert_eq!(back.forward(&x).unwrap(), model.forward(&x).unwrap());
}
