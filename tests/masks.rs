//! Keras' rules for masks, against a loop of single steps; all equalities are of bits.

mod support;

use ndarray::{Array2, Array3, ArrayView2, Axis, s};
use recurrent::State;
use support::{Shape, Subject, input, mask, some_state};

/// The rules as they are written down, a sample and a step at a time.
fn by_the_book<R: Subject>(
    layer: &R,
    x: &Array3<R::Elem>,
    mask: ArrayView2<bool>,
    mut state: R::State,
    (zero, backwards): (bool, bool),
) -> (Array3<R::Elem>, R::State) {
    let (samples, timesteps, _) = x.dim();
    let mut appended = Array3::zeros((samples, timesteps, layer.units()));
    for row in 0..samples {
        let mut carried = Array2::zeros((1, layer.units()));
        for i in 0..timesteps {
            let t = if backwards { timesteps - 1 - i } else { i };
            if mask[[row, t]] {
                let step = x.slice(s![row..row + 1, t..t + 1, ..]);
                let before = state.select(&[row]).unwrap();
                let (y, after) = layer
                    .run(&step)
                    .initial_state(before)
                    .last_and_state()
                    .unwrap();
                carried = y;
                state.copy_sample(row, &after, 0).unwrap();
            } else if zero {
                carried.fill(num_traits::zero());
            }
            appended.slice_mut(s![row..row + 1, i, ..]).assign(&carried);
        }
    }
    (appended, state)
}

property!(any_mask_follows_the_book, |layer, of| {
    let (x, mask) = (input(of, 1), mask(of, 2));
    for zero in [false, true] {
        for backwards in [false, true] {
            let start = some_state(layer, of);
            let run = || {
                let run = layer.run(&x).mask(&mask).initial_state(start.clone());
                let run = if zero {
                    run.zero_output_for_mask()
                } else {
                    run
                };
                if backwards { run.go_backwards() } else { run }
            };
            let expected = by_the_book(layer, &x, mask.view(), start.clone(), (zero, backwards));
            assert_eq!(run().sequences_and_state().unwrap(), expected, "{of:?}");
            let (last, state) = run().last_and_state().unwrap();
            assert_eq!(state, expected.1);
            match of.timesteps {
                0 => assert!(last.iter().all(|&y| y == num_traits::zero())),
                n => assert_eq!(last, expected.0.index_axis(Axis(1), n - 1)),
            }
        }
    }
});

/// Every length from 0 to all, over the samples.
fn lengths(of: Shape) -> Vec<usize> {
    (0..of.samples)
        .map(|row| (row * 7 + 1) % (of.timesteps + 1))
        .collect()
}

property!(
    lengths_are_the_right_padded_mask_and_a_shorter_run,
    |layer, of| {
        let (x, lengths) = (input(of, 3), lengths(of));
        let mask = Array2::from_shape_fn((of.samples, of.timesteps), |(row, t)| t < lengths[row]);
        let (hs, state) = layer
            .run(&x)
            .lengths(&lengths)
            .sequences_and_state()
            .unwrap();
        assert_eq!(
            (hs.clone(), state.clone()),
            layer.run(&x).mask(&mask).sequences_and_state().unwrap()
        );
        let last = layer.run(&x).lengths(&lengths).last().unwrap();
        for (row, &length) in lengths.iter().enumerate() {
            let short = x.slice(s![row..row + 1, ..length, ..]);
            let (expected, end) = layer.run(&short).sequences_and_state().unwrap();
            assert_eq!(hs.slice(s![row..row + 1, ..length, ..]), expected);
            assert_eq!(state.select(&[row]).unwrap(), end);
            assert_eq!(
                last.slice(s![row..row + 1, ..]),
                layer.run(&short).last().unwrap()
            );
        }
    }
);

property!(padding_is_never_read, |layer, of| {
    let (x, mask) = (input::<R::Elem>(of, 4), mask(of, 5));
    let clean = layer.run(&x).mask(&mask).sequences_and_state().unwrap();
    let nan = num_traits::Float::nan();
    let mut dirty = x.clone();
    for ((row, t), &real) in mask.indexed_iter() {
        if !real {
            dirty.slice_mut(s![row, t, ..]).fill(nan);
        }
    }
    assert_eq!(
        layer.run(&dirty).mask(&mask).sequences_and_state().unwrap(),
        clean
    );
});

property!(
    a_first_masked_step_gives_zero_and_a_masked_row_keeps_its_state,
    |layer, of| {
        let x = input(of, 6);
        let start = some_state(layer, of);
        let nothing = Array2::from_elem((of.samples, of.timesteps), false);
        let (hs, state) = layer
            .run(&x)
            .mask(&nothing)
            .initial_state(start.clone())
            .sequences_and_state()
            .unwrap();
        assert!(hs.iter().all(|&h| h == num_traits::zero()));
        assert_eq!(state, start);
        let last = layer
            .run(&x)
            .mask(&nothing)
            .initial_state(start)
            .last()
            .unwrap();
        assert!(last.iter().all(|&h| h == num_traits::zero()));
    }
);

property!(a_mask_of_all_true_is_none, |layer, of| {
    let x = input(of, 7);
    let all = Array2::from_elem((of.samples, of.timesteps), true);
    let plain = layer.run(&x).sequences_and_state().unwrap();
    assert_eq!(
        layer.run(&x).mask(&all).sequences_and_state().unwrap(),
        plain
    );
    let full = vec![of.timesteps; of.samples];
    assert_eq!(
        layer
            .run(&x)
            .lengths(&full)
            .zero_output_for_mask()
            .sequences_and_state()
            .unwrap(),
        plain
    );
});
