//! Frameworks that are hard to install: their equations, one number at a time, in their own layout.

use super::{Numbers, difference};
use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, concatenate, s, stack};
use recurrent::{Activation, Gru, Layout, Lstm, Recurrent};

const FEATURES: usize = 3;
const UNITS: usize = 4;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn x() -> Array3<f64> {
    Numbers(1).array((2, 6, FEATURES))
}

/// The states of all timesteps of `step`, which makes a state (h first) from x and a state.
fn scan(
    x: &Array3<f64>,
    states: usize,
    step: impl Fn(ArrayView1<f64>, &[Array1<f64>]) -> Vec<Array1<f64>>,
) -> Array3<f64> {
    let mut y = Array3::zeros((x.dim().0, x.dim().1, UNITS));
    for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
        let mut state = vec![Array1::zeros(UNITS); states];
        for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
            state = step(x, &state);
            y.assign(&state[0]);
        }
    }
    y
}

/// One number of `w @ v`, where row `row` of w has the weights.
fn row(w: ArrayView2<f64>, row: usize, v: ArrayView1<f64>) -> f64 {
    (0..v.len()).map(|k| w[[row, k]] * v[k]).sum()
}

/// One number of `v @ w`.
fn column(v: ArrayView1<f64>, w: ArrayView2<f64>, column: usize) -> f64 {
    (0..v.len()).map(|k| v[k] * w[[k, column]]).sum()
}

fn each(number: impl Fn(usize) -> f64) -> Array1<f64> {
    (0..UNITS).map(number).collect()
}

#[track_caller]
fn same(found: recurrent::Result<Array3<f64>>, expected: &Array3<f64>) {
    let difference = difference(&found.unwrap(), expected);
    assert!(difference < 1e-14, "{difference:e}");
}

/// clab/dynet, dynet/lstm.cc, `VanillaLSTMBuilder::add_input_impl`.
#[test]
fn dynet_lstm() {
    let mut numbers = Numbers(2);
    let x2i: Array2<f64> = numbers.array((4 * UNITS, FEATURES));
    let h2i: Array2<f64> = numbers.array((4 * UNITS, UNITS));
    let bi: Array1<f64> = numbers.array(4 * UNITS);
    let x = x();
    let expected = scan(&x, 2, |x, state| {
        let (h, c) = (&state[0], &state[1]);
        let tmp = |at: usize| bi[at] + row(x2i.view(), at, x) + row(h2i.view(), at, h.view());
        let i = each(|u| sigmoid(tmp(u)));
        let f = each(|u| sigmoid(tmp(UNITS + u) + 1.0));
        let o = each(|u| sigmoid(tmp(2 * UNITS + u)));
        let g = each(|u| tmp(3 * UNITS + u).tanh());
        let c = each(|u| f[u] * c[u] + i[u] * g[u]);
        vec![each(|u| o[u] * c[u].tanh()), c]
    });
    let layout = Layout::rows("ifog").forget_bias(1.0);
    let lstm = Lstm::builder(FEATURES, UNITS).from_arrays(&layout, &x2i, &h2i, &[&bi]);
    same(lstm.unwrap().run(&x).sequences(), &expected);
}

/// clab/dynet, dynet/gru.cc, `GRUBuilder::add_input_impl`: an array for each gate.
#[test]
fn dynet_gru() {
    let mut numbers = Numbers(3);
    let mut of_gate = || {
        let x2: Array2<f64> = numbers.array((UNITS, FEATURES));
        let h2: Array2<f64> = numbers.array((UNITS, UNITS));
        let b: Array1<f64> = numbers.array(UNITS);
        (x2, h2, b)
    };
    let [(x2z, h2z, bz), (x2r, h2r, br), (x2h, h2h, bh)] = [of_gate(), of_gate(), of_gate()];
    let x = x();
    let expected = scan(&x, 1, |x, state| {
        let h = &state[0];
        let z = each(|u| sigmoid(bz[u] + row(x2z.view(), u, x) + row(h2z.view(), u, h.view())));
        let f = each(|u| 1.0 - z[u]);
        let r = each(|u| sigmoid(br[u] + row(x2r.view(), u, x) + row(h2r.view(), u, h.view())));
        let reset = each(|u| r[u] * h[u]);
        let c = each(|u| (bh[u] + row(x2h.view(), u, x) + row(h2h.view(), u, reset.view())).tanh());
        vec![each(|u| f[u] * h[u] + z[u] * c[u])]
    });
    let layout = Layout::rows("zrh").update_takes_new(true);
    let gru = Gru::builder(FEATURES, UNITS)
        .reset_after(false)
        .from_arrays(
            &layout,
            &stack![Axis(0), x2z, x2r, x2h],
            &stack![Axis(0), h2z, h2r, h2h],
            &[&concatenate![Axis(0), bz, br, bh]],
        );
    same(gru.unwrap().run(&x).sequences(), &expected);
}

/// CPJKU/madmom, madmom/ml/nn/layers.py, `GRULayer`; Lasagne, lasagne/layers/recurrent.py, `GRULayer`, is the same: one
/// bias, which the reset gate does not multiply.
#[test]
fn madmom_and_lasagne_gru() {
    let mut numbers = Numbers(4);
    let mut of_gate = || {
        let weights: Array2<f64> = numbers.array((FEATURES, UNITS));
        let recurrent_weights: Array2<f64> = numbers.array((UNITS, UNITS));
        let bias: Array1<f64> = numbers.array(UNITS);
        (weights, recurrent_weights, bias)
    };
    let [reset, update, cell] = [of_gate(), of_gate(), of_gate()];
    let x = x();
    let gate = |of: &(Array2<f64>, Array2<f64>, Array1<f64>),
                x: ArrayView1<f64>,
                h: &Array1<f64>| {
        each(|u| sigmoid(column(x, of.0.view(), u) + of.2[u] + column(h.view(), of.1.view(), u)))
    };
    let expected = scan(&x, 1, |x, state| {
        let h = &state[0];
        let (rg, ug) = (gate(&reset, x, h), gate(&update, x, h));
        let cell = each(|u| {
            let of_h = rg[u] * column(h.view(), cell.1.view(), u);
            (column(x, cell.0.view(), u) + cell.2[u] + of_h).tanh()
        });
        vec![each(|u| ug[u] * cell[u] + (1.0 - ug[u]) * h[u])]
    });
    let layout = Layout::columns("ruc").update_takes_new(true);
    let gru = Gru::builder(FEATURES, UNITS).from_arrays(
        &layout,
        &stack![Axis(0), reset.0, update.0, cell.0],
        &stack![Axis(0), reset.1, update.1, cell.1],
        &[&concatenate![Axis(0), reset.2, update.2, cell.2]],
    );
    same(gru.unwrap().run(&x).sequences(), &expected);
}

/// CPJKU/madmom, madmom/ml/nn/layers.py, `LSTMLayer`, with the peepholes of its gates.
#[test]
fn madmom_lstm() {
    let mut numbers = Numbers(5);
    let mut of_gate = || {
        let weights: Array2<f64> = numbers.array((FEATURES, UNITS));
        let recurrent_weights: Array2<f64> = numbers.array((UNITS, UNITS));
        let bias: Array1<f64> = numbers.array(UNITS);
        let peephole_weights: Array1<f64> = numbers.array(UNITS);
        (weights, recurrent_weights, bias, peephole_weights)
    };
    let [i, f, c, o] = [of_gate(), of_gate(), of_gate(), of_gate()];
    let x = x();
    let sum =
        |of: &(Array2<f64>, Array2<f64>, Array1<f64>, _),
         x: ArrayView1<f64>,
         h: &Array1<f64>,
         u| { column(x, of.0.view(), u) + of.2[u] + column(h.view(), of.1.view(), u) };
    let expected = scan(&x, 2, |x, state| {
        let (out, before) = (&state[0], &state[1]);
        let ig = each(|u| sigmoid(sum(&i, x, out, u) + before[u] * i.3[u]));
        let fg = each(|u| sigmoid(sum(&f, x, out, u) + before[u] * f.3[u]));
        let cell = each(|u| sum(&c, x, out, u).tanh());
        let state = each(|u| cell[u] * ig[u] + before[u] * fg[u]);
        let og = each(|u| sigmoid(sum(&o, x, out, u) + state[u] * o.3[u]));
        vec![each(|u| state[u].tanh() * og[u]), state]
    });
    let lstm = Lstm::builder(FEATURES, UNITS)
        .peepholes(stack![Axis(0), i.3, f.3, o.3])
        .from_arrays(
            &Layout::columns("ifco"),
            &stack![Axis(0), i.0, f.0, c.0, o.0],
            &stack![Axis(0), i.1, f.1, c.1, o.1],
            &[&concatenate![Axis(0), i.2, f.2, c.2, o.2]],
        );
    same(lstm.unwrap().run(&x).sequences(), &expected);
}

/// Paddle, paddle/fluid/operators/gru_op.cc with `origin_mode` false and true. A dense layer before it makes (3·units)
/// of x. The memory of its weight, (units, 3·units), has that of two gates, (units, 2·units), and then that of the
/// candidate, (units, units).
#[test]
fn paddle_dynamic_gru() {
    let mut numbers = Numbers(6);
    let dense: Array2<f64> = numbers.array((FEATURES, 3 * UNITS));
    let weight: Array2<f64> = numbers.array((UNITS, 3 * UNITS));
    let bias: Array1<f64> = numbers.array(3 * UNITS);
    let memory = weight.as_slice().unwrap();
    let (gates, candidate) = memory.split_at(2 * UNITS * UNITS);
    let x = x();
    for origin_mode in [false, true] {
        let expected = scan(&x, 1, |x, state| {
            let h = &state[0];
            let input = |at| column(x, dense.view(), at) + bias[at];
            let of_gates = |h: &Array1<f64>, at| -> f64 {
                (0..UNITS).map(|k| h[k] * gates[k * 2 * UNITS + at]).sum()
            };
            let u = each(|k| sigmoid(input(k) + of_gates(h, k)));
            let r = each(|k| sigmoid(input(UNITS + k) + of_gates(h, UNITS + k)));
            let reset = each(|k| r[k] * h[k]);
            let of_candidate = |at| -> f64 {
                (0..UNITS)
                    .map(|k| reset[k] * candidate[k * UNITS + at])
                    .sum()
            };
            let c = each(|k| (input(2 * UNITS + k) + of_candidate(k)).tanh());
            let new = |k: usize| {
                if origin_mode {
                    u[k] * h[k] + (1.0 - u[k]) * c[k]
                } else {
                    (1.0 - u[k]) * h[k] + u[k] * c[k]
                }
            };
            vec![each(new)]
        });
        let gates = ArrayView2::from_shape((UNITS, 2 * UNITS), gates).unwrap();
        let candidate = ArrayView2::from_shape((UNITS, UNITS), candidate).unwrap();
        let recurrent = concatenate![Axis(1), gates, candidate];
        let layout = Layout::columns("urc").update_takes_new(!origin_mode);
        let gru = Gru::builder(FEATURES, UNITS)
            .reset_after(false)
            .from_arrays(&layout, &dense, &recurrent, &[&bias]);
        same(gru.unwrap().run(&x).sequences(), &expected);
    }
}

/// Paddle, lstm_cpu_kernel.h with `old_api_version`, which `dynamic_lstm` is: c i f o, and the peepholes i f o behind the
/// bias. A dense layer before it makes (4·units) of x.
#[test]
fn paddle_dynamic_lstm() {
    let mut numbers = Numbers(11);
    let dense: Array2<f64> = numbers.array((FEATURES, 4 * UNITS));
    let weight: Array2<f64> = numbers.array((UNITS, 4 * UNITS));
    let bias: Array1<f64> = numbers.array(7 * UNITS);
    let x = x();
    let expected = scan(&x, 2, |x, state| {
        let (h, before) = (&state[0], &state[1]);
        let gate = |k: usize, u: usize| {
            let at = k * UNITS + u;
            column(x, dense.view(), at) + column(h.view(), weight.view(), at) + bias[at]
        };
        let check = |k: usize, u: usize, c: &Array1<f64>| bias[(4 + k) * UNITS + u] * c[u];
        let ig = each(|u| sigmoid(gate(1, u) + check(0, u, before)));
        let fg = each(|u| sigmoid(gate(2, u) + check(1, u, before)));
        let new = each(|u| gate(0, u).tanh() * ig[u] + before[u] * fg[u]);
        let og = each(|u| sigmoid(gate(3, u) + check(2, u, &new)));
        vec![each(|u| og[u] * new[u].tanh()), new]
    });
    let (bias, peepholes) = bias.view().split_at(Axis(0), 4 * UNITS);
    let peepholes = peepholes.into_shape_with_order((3, UNITS)).unwrap();
    let lstm = Lstm::builder(FEATURES, UNITS)
        .peepholes(peepholes.to_owned())
        .from_arrays(&Layout::columns("cifo"), &dense, &weight, &[&bias]);
    same(lstm.unwrap().run(&x).sequences(), &expected);
}

/// apache/mxnet, python/mxnet/gluon/rnn/rnn_cell.py, `LSTMCell` and `GRUCell`.
#[test]
fn mxnet() {
    let mut numbers = Numbers(7);
    let x = x();
    let i2h: Array2<f64> = numbers.array((4 * UNITS, FEATURES));
    let h2h: Array2<f64> = numbers.array((4 * UNITS, UNITS));
    let [i2h_bias, h2h_bias]: [Array1<f64>; 2] =
        [numbers.array(4 * UNITS), numbers.array(4 * UNITS)];
    let of_x = |x: ArrayView1<f64>, at| row(i2h.view(), at, x) + i2h_bias[at];
    let of_h = |h: &Array1<f64>, at| row(h2h.view(), at, h.view()) + h2h_bias[at];
    let expected = scan(&x, 2, |x, state| {
        let gate = |k: usize, u: usize| of_x(x, k * UNITS + u) + of_h(&state[0], k * UNITS + u);
        let c =
            each(|u| sigmoid(gate(1, u)) * state[1][u] + sigmoid(gate(0, u)) * gate(2, u).tanh());
        vec![each(|u| sigmoid(gate(3, u)) * c[u].tanh()), c]
    });
    let biases = [&*i2h_bias, &*h2h_bias];
    let lstm =
        Lstm::builder(FEATURES, UNITS).from_arrays(&Layout::rows("ifco"), &i2h, &h2h, &biases);
    same(lstm.unwrap().run(&x).sequences(), &expected);

    let expected = scan(&x, 1, |x, state| {
        let h = &state[0];
        let reset = each(|u| sigmoid(of_x(x, u) + of_h(h, u)));
        let update = each(|u| sigmoid(of_x(x, UNITS + u) + of_h(h, UNITS + u)));
        let new = each(|u| (of_x(x, 2 * UNITS + u) + reset[u] * of_h(h, 2 * UNITS + u)).tanh());
        vec![each(|u| (1.0 - update[u]) * new[u] + update[u] * h[u])]
    });
    let three = s![..3 * UNITS, ..];
    let (b_i, b_h) = (
        i2h_bias.slice(s![..3 * UNITS]),
        h2h_bias.slice(s![..3 * UNITS]),
    );
    let gru = Gru::builder(FEATURES, UNITS).from_arrays(
        &Layout::rows("rzh"),
        &i2h.slice(three),
        &h2h.slice(three),
        &[&b_i, &b_h],
    );
    same(gru.unwrap().run(&x).sequences(), &expected);
}

/// The operators of ONNX, `LSTM` (i o f c, with peepholes P in the order i o f) and `GRU` with `linear_before_reset` 0,
/// whose biases are two halves of `B`.
#[test]
fn onnx() {
    let mut numbers = Numbers(8);
    let x = x();
    let w: Array2<f64> = numbers.array((4 * UNITS, FEATURES));
    let r: Array2<f64> = numbers.array((4 * UNITS, UNITS));
    let b: Array1<f64> = numbers.array(8 * UNITS);
    let p: Array1<f64> = numbers.array(3 * UNITS);
    let sum = |k: usize, u: usize, x: ArrayView1<f64>, h: &Array1<f64>| {
        let at = k * UNITS + u;
        row(w.view(), at, x) + row(r.view(), at, h.view()) + b[at] + b[4 * UNITS + at]
    };
    let expected = scan(&x, 2, |x, state| {
        let (h, c) = (&state[0], &state[1]);
        let i = each(|u| sigmoid(sum(0, u, x, h) + p[u] * c[u]));
        let f = each(|u| sigmoid(sum(2, u, x, h) + p[2 * UNITS + u] * c[u]));
        let new = each(|u| f[u] * c[u] + i[u] * sum(3, u, x, h).tanh());
        let o = each(|u| sigmoid(sum(1, u, x, h) + p[UNITS + u] * new[u]));
        vec![each(|u| o[u] * new[u].tanh()), new]
    });
    let (b_w, b_r) = b.view().split_at(Axis(0), 4 * UNITS);
    let of_gate = |k: usize| p.slice(s![k * UNITS..(k + 1) * UNITS]);
    let lstm = Lstm::builder(FEATURES, UNITS)
        .peepholes(stack![Axis(0), of_gate(0), of_gate(2), of_gate(1)])
        .from_arrays(&Layout::rows("iofc"), &w, &r, &[&b_w, &b_r]);
    same(lstm.unwrap().run(&x).sequences(), &expected);

    let (w, r) = (w.slice(s![..3 * UNITS, ..]), r.slice(s![..3 * UNITS, ..]));
    let (b_w, b_r) = (b.slice(s![..3 * UNITS]), b.slice(s![3 * UNITS..6 * UNITS]));
    let expected = scan(&x, 1, |x, state| {
        let h = &state[0];
        let gate = |k: usize, u: usize, h: &Array1<f64>| {
            let at = k * UNITS + u;
            row(w, at, x) + row(r, at, h.view()) + b_w[at] + b_r[at]
        };
        let reset = each(|u| sigmoid(gate(1, u, h)) * h[u]);
        let z = each(|u| sigmoid(gate(0, u, h)));
        vec![each(|u| {
            (1.0 - z[u]) * gate(2, u, &reset).tanh() + z[u] * h[u]
        })]
    });
    let gru = Gru::builder(FEATURES, UNITS)
        .reset_after(false)
        .from_arrays(&Layout::rows("zrh"), &w, &r, &[&b_w, &b_r]);
    same(gru.unwrap().run(&x).sequences(), &expected);
}

/// The update gate that takes the new value, with the hard sigmoids of Keras and TensorFlow, and without a bias.
#[test]
fn an_update_gate_that_takes_the_new_value() {
    let mut numbers = Numbers(9);
    let x = x();
    let w: Array2<f64> = numbers.array((FEATURES, 3 * UNITS)) * 3.0;
    let r: Array2<f64> = numbers.array((UNITS, 3 * UNITS)) * 3.0;
    for activation in [
        Activation::HARD_SIGMOID,
        Activation::HARD_SIGMOID_KERAS2,
        Activation::SparseSigmoid,
    ] {
        let s = |x: f64| {
            let mut y = [x];
            activation.apply(&mut y);
            y[0]
        };
        let expected = scan(&x, 1, |x, state| {
            let h = &state[0];
            let (of_x, of_h) = (
                |at| column(x, w.view(), at),
                |at| column(h.view(), r.view(), at),
            );
            let z = each(|u| s(of_x(u) + of_h(u)));
            let reset = each(|u| s(of_x(UNITS + u) + of_h(UNITS + u)));
            let new = each(|u| (of_x(2 * UNITS + u) + reset[u] * of_h(2 * UNITS + u)).tanh());
            vec![each(|u| z[u] * new[u] + (1.0 - z[u]) * h[u])]
        });
        let layout = Layout::columns("zrh").update_takes_new(true);
        let gru = Gru::builder(FEATURES, UNITS)
            .recurrent_activation(activation)
            .from_arrays(&layout, &w, &r, &[]);
        same(gru.unwrap().run(&x).sequences(), &expected);
    }
}

/// A projection, as PyTorch's `proj_size`: the recurrent kernel has as many columns as the projection.
#[test]
fn a_projection() {
    let mut numbers = Numbers(10);
    let (w_ih, w_hh) = (
        numbers.array((4 * UNITS, FEATURES)),
        numbers.array((4 * UNITS, 2)),
    );
    let w_hr: Array2<f64> = numbers.array((2, UNITS));
    let lstm = Lstm::builder(FEATURES, UNITS)
        .projection(w_hr.t().to_owned())
        .from_arrays(&Layout::rows("ifgo"), &w_ih, &w_hh, &[])
        .unwrap();
    assert_eq!(
        lstm.kernel().slice(s![.., ..2 * UNITS]),
        w_ih.t().slice(s![.., ..2 * UNITS])
    );
    assert_eq!(lstm.recurrent_kernel(), w_hh.t());
}
