//! A sample has the same bits alone or in any batch and row, whatever the others hold; whatever memory the call gets.

mod support;

use ndarray::{Array2, Array3, Axis, s};
use num_traits::Float;
use recurrent::{Output, Recurrent, Returns, State};
use support::{input, mask, numbers, some_state};

property!(a_row_of_a_batch_is_that_sample_alone, |layer, of| {
    let mut x = input::<R::Elem>(of, 1);
    if of.samples > 2 {
        x.index_axis_mut(Axis(0), 0).fill(Float::nan());
        x.index_axis_mut(Axis(0), 1).fill(Float::infinity());
    }
    let (hs, state) = layer.run(&x).sequences_and_state().unwrap();
    for row in (0..of.samples).skip(if of.samples > 2 { 2 } else { 0 }) {
        let (alone, end) = layer
            .run(&x.slice(s![row..row + 1, .., ..]))
            .sequences_and_state()
            .unwrap();
        assert_eq!(
            hs.slice(s![row..row + 1, .., ..]),
            alone,
            "{of:?} row {row}"
        );
        assert_eq!(state.select(&[row]).unwrap(), end);
    }
});

property!(nan_goes_through_its_own_sample, |layer, of| {
    if of.samples == 0 || of.timesteps == 0 || of.features == 0 {
        return;
    }
    let mut x = input::<R::Elem>(of, 2);
    x[[0, 0, 0]] = Float::nan();
    let hs = layer.run(&x).sequences().unwrap();
    assert!(hs.index_axis(Axis(0), 0).iter().all(|h| h.is_nan()));
    assert!(hs.slice(s![1.., .., ..]).iter().all(|h| h.is_finite()));
});

property!(views_of_any_stride_are_read_alike, |layer, of| {
    let (n, t, f) = (of.samples, of.timesteps, of.features);
    let wide = numbers::<R::Elem>((2 * n, t, 3 * f), 3);
    let strided = wide.slice(s![..;2, .., ..;3]);
    let owned = strided.to_owned();
    let expected = layer.run(&owned).sequences().unwrap();
    assert_eq!(layer.run(&strided).sequences().unwrap(), expected);
    let fortran = owned.t().as_standard_layout().into_owned();
    assert_eq!(layer.run(&fortran.t()).sequences().unwrap(), expected);
});

property!(dirty_memory_is_written_wholly, |layer, of| {
    let (x, mask) = (input(of, 4), mask(of, 5));
    let nan: R::Elem = Float::nan();
    let (hs, state) = layer.run(&x).mask(&mask).sequences_and_state().unwrap();
    let mut out = Array3::from_elem((of.samples, of.timesteps, layer.units()), nan);
    let end = layer
        .run(&x)
        .mask(&mask)
        .sequences_and_state_into(out.view_mut())
        .unwrap();
    assert_eq!((&out, &end), (&hs, &state));
    layer
        .run(&x)
        .mask(&mask)
        .sequences_into(out.view_mut())
        .unwrap();
    let mut wide = Array3::from_elem((of.timesteps, of.samples, 2 * layer.units()), nan);
    let view = wide.slice_mut(s![.., .., ..;2]).permuted_axes([1, 0, 2]);
    layer.run(&x).mask(&mask).sequences_into(view).unwrap();
    assert_eq!(wide.slice(s![.., .., ..;2]).permuted_axes([1, 0, 2]), hs);
    assert!(
        wide.slice(s![.., .., 1..;2]).iter().all(|w| w.is_nan()),
        "only what was handed out is written"
    );
    let mut last = Array2::from_elem((of.samples, layer.units()), nan);
    layer
        .run(&x)
        .mask(&mask)
        .last_into(last.view_mut())
        .unwrap();
    assert_eq!(last, layer.run(&x).mask(&mask).last().unwrap());
    last.fill(nan);
    assert_eq!(
        layer
            .run(&x)
            .mask(&mask)
            .last_and_state_into(last.view_mut())
            .unwrap(),
        state
    );
    assert_eq!(last, layer.run(&x).mask(&mask).last().unwrap());
});

property!(flags_choose_the_variant_and_the_shape, |layer, of| {
    let x = input(of, 6);
    let (n, t, u) = (of.samples, of.timesteps, layer.units());
    for sequences in [false, true] {
        for state in [false, true] {
            let returns = Returns { sequences, state };
            let output = layer.run(&x).returning(returns).unwrap();
            assert_eq!(output.returns(), returns);
            match output {
                Output::Last(h) => assert_eq!(h.dim(), (n, u)),
                Output::LastAndState(h, s) => assert_eq!((h.dim(), s.samples()), ((n, u), n)),
                Output::Sequences(h) => assert_eq!(h.dim(), (n, t, u)),
                Output::SequencesAndState(h, s) => {
                    assert_eq!((h.dim(), s.samples()), ((n, t, u), n));
                }
            }
        }
    }
});

property!(without_timesteps_the_state_stays, |layer, of| {
    let nothing = numbers((of.samples, 0, of.features), 7);
    let start = some_state(layer, of);
    let (last, state) = layer
        .run(&nothing)
        .initial_state(start.clone())
        .last_and_state()
        .unwrap();
    assert!(last.iter().all(|&y| y == num_traits::zero()));
    assert_eq!(state, start);
    assert_eq!(
        layer.run(&nothing).sequences().unwrap().dim(),
        (of.samples, 0, layer.units())
    );
});

property!(states_are_taken_apart_and_put_together, |layer, of| {
    let state = some_state(layer, of);
    let turned: Vec<usize> = (0..of.samples).rev().collect();
    let back = state.select(&turned).unwrap().select(&turned).unwrap();
    assert_eq!(back, state);
    assert!(state.select(&[of.samples]).is_err());
    let first = layer.zero_state(of.samples);
    assert_eq!(state.zeros_like(of.samples), first.zeros_like(of.samples));
});

#[test]
fn a_state_in_columns_is_brought_into_rows() {
    use recurrent::{Causal, Lstm, LstmState};
    let lstm = Lstm::<f64>::builder(2, 3).build().unwrap();
    let x = numbers((4, 3, 2), 1);
    let (_, rows) = lstm.run(&x).last_and_state().unwrap();
    let columns = |a: &Array2<f64>| a.t().as_standard_layout().into_owned().reversed_axes();
    let state = LstmState {
        h: columns(&rows.h),
        c: columns(&rows.c),
    };
    assert!(!state.h.is_standard_layout());
    assert_eq!(
        lstm.run(&x).initial_state(state.clone()).last().unwrap(),
        lstm.run(&x).initial_state(rows.clone()).last().unwrap()
    );
    let (mut a, mut b) = (lstm.stream(4), lstm.stream(4));
    a.set_state(state).unwrap();
    b.set_state(rows).unwrap();
    let x = x.index_axis(Axis(1), 0);
    assert_eq!(a.push(x).unwrap(), b.push(x).unwrap());
    assert_eq!(
        a.push_slice(&[0.5; 8]).unwrap(),
        b.push_slice(&[0.5; 8]).unwrap()
    );
}
