//! Backwards, time-major, both ways, and stacks; all equalities are of bits.

mod support;

use ndarray::{Array2, Array3, Axis, concatenate, s};
use recurrent::{BiState, Bidirectional, Element, MergeMode, Recurrent};
use support::{input, mask, some_state};

fn turned<A: Clone>(hs: &Array3<A>) -> Array3<A> {
    hs.slice(s![.., ..;-1, ..]).to_owned()
}

property!(backwards_is_the_run_of_the_turned_input, |layer, of| {
    let (x, mask) = (input(of, 1), mask(of, 2));
    let back = layer
        .run(&x)
        .mask(&mask)
        .go_backwards()
        .sequences_and_state()
        .unwrap();
    let (turned_x, turned_mask) = (turned(&x), mask.slice(s![.., ..;-1]).to_owned());
    assert_eq!(
        back,
        layer
            .run(&turned_x)
            .mask(&turned_mask)
            .sequences_and_state()
            .unwrap()
    );
    let in_order = layer
        .run(&x)
        .mask(&mask)
        .go_backwards()
        .in_time_order()
        .sequences()
        .unwrap();
    assert_eq!(in_order, turned(&back.0));
    // Turned twice is not turned at all; a view with a negative stride is an input like any other.
    let twice = layer
        .run(&x.slice(s![.., ..;-1, ..]))
        .go_backwards()
        .sequences()
        .unwrap();
    assert_eq!(twice, layer.run(&x).sequences().unwrap());
});

property!(time_major_is_the_transposed_run, |layer, of| {
    let (x, mask) = (input(of, 3), mask(of, 4));
    let lengths: Vec<usize> = (0..of.samples)
        .map(|row| row % (of.timesteps + 1))
        .collect();
    let x_t = x.view().permuted_axes([1, 0, 2]);
    let start = some_state(layer, of);
    let (hs, state) = layer
        .run(&x)
        .mask(&mask)
        .initial_state(start.clone())
        .sequences_and_state()
        .unwrap();
    let mask_t = mask.t();
    let major = layer
        .run(&x_t)
        .mask(&mask_t)
        .initial_state(start)
        .time_major();
    let (hs_t, state_t) = major.sequences_and_state().unwrap();
    assert_eq!(hs_t.permuted_axes([1, 0, 2]), hs);
    assert_eq!(state_t, state);
    assert_eq!(
        layer
            .run(&x_t.as_standard_layout())
            .lengths(&lengths)
            .time_major()
            .last()
            .unwrap(),
        layer.run(&x).lengths(&lengths).last().unwrap()
    );
});

fn merged<A: Element>(merge: MergeMode, f: &Array3<A>, b: &Array3<A>) -> Array3<A> {
    match merge {
        MergeMode::Concat => concatenate![Axis(2), f.view(), b.view()],
        MergeMode::Sum => f + b,
        MergeMode::Mul => f * b,
        MergeMode::Ave => (f + b) * A::from_f64(0.5),
    }
}

property!(bidirectional_is_both_runs, |layer, of| {
    let x = input(of, 5);
    let mask = mask(of, 6);
    let start = some_state(layer, of);
    let both = BiState {
        forward: start.clone(),
        backward: start.clone(),
    };
    let one = || layer.run(&x).mask(&mask).initial_state(start.clone());
    // Sequences: masked steps are 0. Last: held.
    let (f, end_f) = one().zero_output_for_mask().sequences_and_state().unwrap();
    let back = one().go_backwards().in_time_order().zero_output_for_mask();
    let (b, end_b) = back.sequences_and_state().unwrap();
    let (last_f, last_b) = (one().last().unwrap(), one().go_backwards().last().unwrap());
    for merge in [
        MergeMode::Concat,
        MergeMode::Sum,
        MergeMode::Mul,
        MergeMode::Ave,
    ] {
        let bi = Bidirectional::new(layer, layer).merge_mode(merge);
        let run = || bi.run(&x).mask(&mask).initial_state(both.clone());
        let (hs, end) = run().sequences_and_state().unwrap();
        assert_eq!(hs, merged(merge, &f, &b), "{merge:?} {of:?}");
        assert_eq!(
            end,
            BiState {
                forward: end_f.clone(),
                backward: end_b.clone()
            }
        );
        let last = |y: &Array2<R::Elem>| y.clone().insert_axis(Axis(1));
        let expected = merged(merge, &last(&last_f), &last(&last_b)).remove_axis(Axis(1));
        assert_eq!(run().last().unwrap(), expected);
        // Whatever the call says about masked outputs.
        assert_eq!(run().zero_output_for_mask().last().unwrap(), expected);

        let apart = bi.run_apart(&x).mask(&mask).initial_state(both.clone());
        assert_eq!(apart.sequences().unwrap(), (f.clone(), b.clone()));
        let apart = bi.run_apart(&x).mask(&mask).initial_state(both.clone());
        assert_eq!(apart.last().unwrap(), (last_f.clone(), last_b.clone()));

        let turned_back = run().go_backwards().in_time_order().sequences().unwrap();
        let other = Bidirectional::new(layer, layer).merge_mode(merge);
        let other = other
            .run_apart(&x)
            .mask(&mask)
            .initial_state(both.clone())
            .sequences()
            .unwrap();
        assert_eq!(turned_back, merged(merge, &other.1, &other.0));
        assert_eq!(
            run().go_backwards().sequences().unwrap(),
            turned(&turned_back)
        );
    }
});

property!(
    a_stack_is_one_layer_on_the_output_of_the_other,
    |layer, of| {
        let x = input(of, 7);
        let mask = mask(of, 8);
        let upper = recurrent::Gru::<R::Elem>::builder(layer.units(), 4)
            .seed(3)
            .build()
            .unwrap();
        let net = layer.then(&upper);
        let (mid, s0) = layer.run(&x).mask(&mask).sequences_and_state().unwrap();
        let (top, s1) = upper.run(&mid).mask(&mask).sequences_and_state().unwrap();
        let (hs, state) = net.run(&x).mask(&mask).sequences_and_state().unwrap();
        assert_eq!((hs, &state.0, &state.1), (top, &s0, &s1));
        // Backwards the whole stack is turned around, once.
        let mid = layer
            .run(&x)
            .go_backwards()
            .in_time_order()
            .sequences()
            .unwrap();
        let top = upper.run(&mid).go_backwards().sequences().unwrap();
        assert_eq!(net.run(&x).go_backwards().sequences().unwrap(), top);
        // A bidirectional layer can be below.
        let below = Bidirectional::new(layer, layer).merge_mode(MergeMode::Sum);
        let mid = below.run(&x).mask(&mask).sequences().unwrap();
        let top = upper.run(&mid).mask(&mask).last().unwrap();
        assert_eq!(below.then(&upper).run(&x).mask(&mask).last().unwrap(), top);
    }
);

#[test]
fn directions_of_different_units_lie_side_by_side() {
    let forward = recurrent::Gru::<f64>::builder(2, 3).build().unwrap();
    let backward = recurrent::Lstm::<f64>::builder(2, 4).build().unwrap();
    let (f, b) = (forward.parameter_count(), backward.parameter_count());
    assert_ne!(f, b);
    let both = Bidirectional::new(forward, backward);
    assert_eq!(both.parameter_count(), f + b);
    // Side by side they need not have the same units.
    let h = both.run(&Array3::ones((1, 2, 2))).last().unwrap();
    let (f, b) = (both.forward_layer(), both.backward_layer());
    let f = f.run(&Array3::ones((1, 2, 2))).last().unwrap();
    let b = b.run(&Array3::ones((1, 2, 2))).last().unwrap();
    assert_eq!(h, concatenate![Axis(1), f, b]);
}
