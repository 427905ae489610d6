//! States as PyTorch has them, and back.

use crate::file;
use crate::says::says;
use ndarray::{Array, Array3, Axis};
use recurrent::torch::{c_n, h_n, initial_state};
use recurrent::{Bidirectional, Deep, Gru, Lstm, Recurrent};

#[test]
fn the_order_is_that_of_layers_and_then_directions() {
    let both = |features| {
        let lstm = |seed| {
            Lstm::<f32>::builder(features, 2)
                .seed(seed)
                .build()
                .unwrap()
        };
        Bidirectional::new(lstm(1), lstm(2))
    };
    let deep = Deep::new([both(3), both(4)]).unwrap();
    let numbers = |from: f32| {
        let all = Array::range(from, from + 24.0, 1.0);
        all.into_shape_with_order((4, 3, 2)).unwrap()
    };
    let (h_0, c_0) = (numbers(0.0), numbers(100.0));
    let state = initial_state(&deep, &[h_0.view(), c_0.view()]).unwrap();
    assert_eq!(state[0].forward.h, h_0.index_axis(Axis(0), 0));
    assert_eq!(state[0].backward.c, c_0.index_axis(Axis(0), 1));
    assert_eq!(state[1].forward.c, c_0.index_axis(Axis(0), 2));
    assert_eq!(state[1].backward.h, h_0.index_axis(Axis(0), 3));
    assert_eq!((h_n(&state).unwrap(), c_n(&state).unwrap()), (h_0, c_0));
}

#[test]
fn one_layer_has_one_array_of_each() {
    let gru: Gru<f64> = Gru::builder(3, 2).build().unwrap();
    let h_0 = Array3::from_elem((1, 4, 2), 0.5);
    let state = initial_state(&gru, &[h_0.view()]).unwrap();
    assert_eq!(
        (&state.h, h_n(&state).unwrap()),
        (&h_0.index_axis(Axis(0), 0).to_owned(), h_0)
    );
}

#[test]
fn arrays_that_are_no_state() {
    let cell = [("weight_ih_l0", &[8, 3][..]), ("weight_hh_l0", &[8, 2])];
    let lstm: Lstm<f32> = file(&cell).lstm("").unwrap();
    let zeros = |layers, samples, units| Array3::<f32>::zeros((layers, samples, units));
    let (one, two) = (zeros(1, 4, 2), zeros(2, 4, 2));
    says(
        initial_state(&lstm, &[one.view()]),
        &["initial state has 1 array (h_0, c_0), expected 2"],
    );
    says(
        initial_state(&lstm, &[one.view(), two.view()]),
        &["h_0 or c_0 has 2 layers x directions, expected 1"],
    );
    // What is left is a call's to refuse, which knows its samples.
    let state = initial_state(&lstm, &[one.view(), zeros(1, 4, 3).view()]).unwrap();
    let x = zeros(4, 1, 3);
    says(
        lstm.run(&x).initial_state(state).last(),
        &["state.c has 3 units, expected 2"],
    );
}
