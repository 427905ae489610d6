//! One number, however it is run: streamed, whole, in chunks; all equalities are of bits.

mod support;

use ndarray::{Array2, Axis, s};
use recurrent::{Causal, Lstm, Recurrent, State};
use std::sync::Arc;
use support::{input, mask, some_state};

property!(every_push_gives_the_output_of_that_timestep, |layer, of| {
    let x = input(of, 1);
    let (hs, state) = layer.run(&x).sequences_and_state().unwrap();
    let mut live = layer.stream(of.samples);
    for t in 0..of.timesteps {
        assert_eq!(
            live.push(x.index_axis(Axis(1), t)).unwrap(),
            hs.index_axis(Axis(1), t)
        );
    }
    assert_eq!(live.state(), &state);
});

property!(slices_are_the_same_as_arrays, |layer, of| {
    let x = input(of, 2);
    let (mut arrays, mut slices) = (layer.stream(of.samples), layer.stream(of.samples));
    for t in 0..of.timesteps {
        let x = x.index_axis(Axis(1), t).as_standard_layout().into_owned();
        let h = slices.push_slice(x.as_slice().unwrap()).unwrap().to_vec();
        assert_eq!(
            h,
            arrays.push(&x).unwrap().iter().copied().collect::<Vec<_>>()
        );
    }
});

property!(masked_pushes_are_a_masked_run, |layer, of| {
    let (x, mask) = (input(of, 3), mask(of, 4));
    for zero in [false, true] {
        let start = some_state(layer, of);
        let run = layer.run(&x).mask(&mask).initial_state(start.clone());
        let run = if zero {
            run.zero_output_for_mask()
        } else {
            run
        };
        let (hs, state) = run.sequences_and_state().unwrap();
        let live = layer.stream(of.samples);
        let mut live = if zero {
            live.zero_output_for_mask()
        } else {
            live
        };
        live.set_state(start).unwrap();
        for t in 0..of.timesteps {
            let row = mask.column(t).to_vec();
            let h = live.push_masked(x.index_axis(Axis(1), t), &row).unwrap();
            assert_eq!(h, hs.index_axis(Axis(1), t), "{of:?} t = {t}");
        }
        assert_eq!(live.state(), &state);
    }
});

property!(masked_and_plain_pushes_mix, |layer, of| {
    let x = input(of, 5);
    let mut mask = mask(of, 6);
    for t in (0..of.timesteps).step_by(2) {
        mask.column_mut(t).fill(true);
    }
    let hs = layer.run(&x).mask(&mask).sequences().unwrap();
    let mut live = layer.stream(of.samples);
    for t in 0..of.timesteps {
        let x = x.index_axis(Axis(1), t);
        let h = match t % 2 {
            0 => live.push(x).unwrap().to_owned(),
            _ => live
                .push_masked(x, &mask.column(t).to_vec())
                .unwrap()
                .to_owned(),
        };
        assert_eq!(h, hs.index_axis(Axis(1), t));
    }
});

property!(chunks_joined_by_their_state_are_the_whole, |layer, of| {
    let x = input(of, 7);
    let (hs, end) = layer.run(&x).sequences_and_state().unwrap();
    for cut in 0..=of.timesteps {
        let (a, state) = layer
            .run(&x.slice(s![.., ..cut, ..]))
            .sequences_and_state()
            .unwrap();
        let (b, state) = layer
            .run(&x.slice(s![.., cut.., ..]))
            .initial_state(state)
            .sequences_and_state()
            .unwrap();
        assert_eq!(a, hs.slice(s![.., ..cut, ..]));
        assert_eq!(b, hs.slice(s![.., cut.., ..]));
        assert_eq!(state, end);
    }
});

property!(a_reset_stream_is_a_new_one, |layer, of| {
    let x = input(of, 8);
    let mut live = layer.stream(of.samples);
    let mut first = Vec::new();
    for round in 0..2 {
        for t in 0..of.timesteps {
            let h = live.push(x.index_axis(Axis(1), t)).unwrap().to_owned();
            if round == 0 {
                first.push(h);
            } else {
                assert_eq!(h, first[t]);
            }
        }
        live.reset();
        assert_eq!(live.state(), &layer.zero_state(of.samples));
    }
});

property!(one_row_starts_anew_and_the_others_go_on, |layer, of| {
    let x = input(of, 9);
    if of.samples < 2 || of.timesteps < 2 {
        return;
    }
    let row = of.samples - 1;
    let mut live = layer.stream(of.samples);
    let mut untouched = layer.stream(of.samples);
    let mut alone = layer.stream(1);
    for t in 0..of.timesteps {
        if t == 1 {
            live.reset_samples(&[row]).unwrap();
            assert!(live.reset_samples(&[0, of.samples]).is_err());
        }
        let x_t = x.index_axis(Axis(1), t);
        let h = live.push(x_t).unwrap().to_owned();
        let others = untouched.push(x_t).unwrap();
        assert_eq!(h.slice(s![..row, ..]), others.slice(s![..row, ..]));
        if t >= 1 {
            assert_eq!(
                h.slice(s![row..row + 1, ..]),
                alone.push(x_t.slice(s![row..row + 1, ..])).unwrap()
            );
        }
    }
});

property!(a_row_that_was_reset_has_no_carried_output, |layer, of| {
    if of.samples == 0 || of.timesteps == 0 {
        return;
    }
    let x = input(of, 10);
    let x = x.index_axis(Axis(1), 0);
    let mut live = layer.stream(of.samples);
    live.push(x).unwrap();
    live.reset_samples(&[0]).unwrap();
    let h = live.push_masked(x, &vec![false; of.samples]).unwrap();
    assert_eq!(h.row(0), Array2::zeros((1, layer.units())).row(0));
});

#[test]
fn owned_shared_and_boxed_weights_stream_alike() {
    let lstm = Lstm::<f32>::builder(2, 3).build().unwrap();
    let (shared, boxed) = (Arc::new(lstm.clone()), Box::new(lstm.clone()));
    let x = [0.25, -0.5];
    let expected = lstm.stream(1).push_slice(&x).unwrap().to_vec();
    assert_eq!(
        lstm.clone().into_stream(1).push_slice(&x).unwrap(),
        expected
    );
    assert_eq!(
        Arc::clone(&shared).into_stream(1).push_slice(&x).unwrap(),
        expected
    );
    assert_eq!(boxed.into_stream(1).push_slice(&x).unwrap(), expected);
    let mut twin = shared.stream(1);
    twin.push_slice(&x).unwrap();
    let mut copy = twin.clone();
    assert_eq!(copy.push_slice(&x).unwrap(), twin.push_slice(&x).unwrap());
}

property!(stacks_stream_as_they_run, |layer, of| {
    let upper = Lstm::<R::Elem>::builder(layer.units(), 3).build().unwrap();
    let net = layer
        .then(&upper)
        .then(Lstm::<R::Elem>::builder(3, 2).build().unwrap());
    let x = input(of, 11);
    let (hs, state) = net.run(&x).sequences_and_state().unwrap();
    let mut live = net.stream(of.samples);
    for t in 0..of.timesteps {
        assert_eq!(
            live.push(x.index_axis(Axis(1), t)).unwrap(),
            hs.index_axis(Axis(1), t)
        );
    }
    assert_eq!(live.state().samples(), state.samples());
    assert_eq!(live.into_state().1, state.1);
});

/// Inputs are projected some timesteps ahead, about a thousand of this layer: each stretch goes on where the one before ended.
#[test]
fn a_sequence_longer_than_what_is_projected_ahead() {
    let timesteps = 2500;
    let lstm = Lstm::<f32>::builder(5, 16).build().unwrap();
    let number = |(_, t, f): (usize, usize, usize)| ((t * 5 + f) as f32 * 0.37).sin();
    let x = ndarray::Array3::from_shape_fn((1, timesteps, 5), number);
    let (hs, state) = lstm.run(&x).sequences_and_state().unwrap();
    let mut live = lstm.stream(1);
    for (t, h) in hs.axis_iter(Axis(1)).enumerate() {
        assert_eq!(live.push(x.index_axis(Axis(1), t)).unwrap(), h, "t = {t}");
    }
    assert_eq!(live.state(), &state);
    let (last, end) = lstm.run(&x).last_and_state().unwrap();
    assert_eq!((&last, &end), (&state.h, &state));

    let turned = x.slice(s![.., ..;-1, ..]);
    let (processed, end) = lstm
        .run(&turned)
        .go_backwards()
        .sequences_and_state()
        .unwrap();
    assert_eq!((&processed, &end), (&hs, &state));
    let in_order = lstm
        .run(&turned)
        .go_backwards()
        .in_time_order()
        .sequences()
        .unwrap();
    assert_eq!(in_order, hs.slice(s![.., ..;-1, ..]));
}
