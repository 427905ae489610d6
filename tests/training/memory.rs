//! What a recorded pass keeps changes no bit of a gradient, and kernels go back over steps as plain loops do.

use ndarray::{Array1, Array2, Array3, Axis, s};
use recurrent::train::{Adam, Batch, Gradient, Loss, Noise, Training, Upstream};
use recurrent::{
    Activation, Bidirectional, Dense, Element, Gru, GruBias, Initializer, Isa, Layer, Lstm, Model,
    Recurrent, Run, SimpleRnn,
};

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -1.0,
    max: 1.0,
};

fn matrix<A: Element>(rows: usize, columns: usize, seed: u64) -> Array2<A> {
    SPREAD.matrix(rows, columns, seed).unwrap()
}

fn tensor<A: Element>(dim: (usize, usize, usize), seed: u64) -> Array3<A> {
    let flat = matrix(dim.0 * dim.1, dim.2, seed);
    flat.into_shape_with_order(dim).unwrap()
}

/// Makes a pass keep something.
type Kept<'a, R> = &'a dyn Fn(Run<'a, R>) -> Run<'a, R>;

/// The gradients are the same, bit for bit, whatever the pass keeps.
fn check<R: Recurrent>(name: &str, of: &R)
where
    R::State: PartialEq + core::fmt::Debug,
{
    const DIM: (usize, usize, usize) = (3, 7, 2);
    let x = tensor::<R::Elem>(DIM, 1);
    let d = tensor::<R::Elem>((DIM.0, DIM.1, of.units()), 2);
    let last = matrix::<R::Elem>(DIM.0, of.units(), 3);
    let mask = Array2::from_shape_fn((DIM.0, DIM.1), |(row, t)| row == 0 || (row + t) % 3 != 0);
    let ways: [Kept<R>; 6] = [
        &|run| run,
        &|run| run.recompute(),
        &|run| run.checkpoints(1),
        &|run| run.checkpoints(3),
        &|run| run.checkpoints(7),
        &|run| run.checkpoints(100),
    ];
    let start = [false, true];
    for (masked, backwards) in start.into_iter().flat_map(|m| start.map(|b| (m, b))) {
        let mut first: Option<Gradient<R::Elem, R::State>> = None;
        for way in ways {
            let mut run = of.run(&x);
            if masked {
                run = run.mask(&mask);
            }
            if backwards {
                run = run.go_backwards();
            }
            let pass = way(run).record_with(Noise::seed(5)).unwrap();
            let up = Upstream::sequences(&d)
                .and_last(&last)
                .state(pass.state().clone());
            let found = pass.backward(&up).unwrap();
            let Some(first) = &first else {
                first = Some(found);
                continue;
            };
            assert_eq!(first.weights, found.weights, "{name}");
            assert_eq!(first.x, found.x, "{name}");
            assert_eq!(first.initial_state, found.initial_state, "{name}");
        }
    }
}

#[test]
fn what_is_kept_changes_no_bit() {
    let relu = Activation::Relu;
    let gelu = Activation::Gelu { approximate: false };
    for isa in Isa::all() {
        let lstm = || Lstm::<f32>::builder(2, 9).seed(1).with_isa(isa);
        check("lstm", &lstm().build().unwrap());
        check("lstm, relu", &lstm().activation(relu).build().unwrap());
        check("lstm, gelu", &lstm().activation(gelu).build().unwrap());
        check("lstm, clip", &lstm().clip(0.1).build().unwrap());
        let peepholes = matrix(3, 9, 4);
        check(
            "lstm, peepholes",
            &lstm().peepholes(peepholes).build().unwrap(),
        );
        let projection = matrix(9, 5, 4);
        check(
            "lstm, projection",
            &lstm().projection(projection).build().unwrap(),
        );
        let dropping = lstm().dropout(0.3).recurrent_dropout(0.3);
        check("lstm, dropout", &dropping.build().unwrap());
        let gru = || Gru::<f64>::builder(2, 5).seed(1).with_isa(isa);
        check("gru", &gru().build().unwrap());
        check("gru, before", &gru().reset_after(false).build().unwrap());
        check("gru, relu", &gru().activation(relu).build().unwrap());
        check("gru, dropout", &gru().dropout(0.3).build().unwrap());
        let rnn = || SimpleRnn::<f32>::builder(2, 17).seed(1).with_isa(isa);
        check("rnn", &rnn().build().unwrap());
        check("rnn, gelu", &rnn().activation(gelu).build().unwrap());
    }
}

#[test]
fn a_stack_keeps_what_it_is_told() {
    let lstm = |f| Lstm::<f64>::builder(f, 3).seed(1).build().unwrap();
    check("stack", &lstm(2).then(lstm(3)));
    check("both", &Bidirectional::new(lstm(2), lstm(2)));
}

#[test]
fn a_training_gives_the_same_weights() {
    let weights = |keep: &dyn Fn() -> Option<usize>, recompute: bool| {
        let lstm = Lstm::<f32>::builder(2, 6)
            .seed(3)
            .dropout(0.2)
            .build()
            .unwrap();
        let gru = Gru::builder(6, 5).seed(4).build().unwrap();
        let model = Model::new()
            .add(Layer::new(lstm).return_sequences(true))
            .add(Layer::new(gru))
            .add(Dense::from_weights(matrix(5, 1, 5), None).unwrap());
        let mut builder = Training::of(model).loss(Loss::mean_squared_error());
        builder = builder.optimizer(Adam::keras(1e-2));
        if recompute {
            builder = builder.recompute();
        }
        if let Some(steps) = keep() {
            builder = builder.checkpoints(steps);
        }
        let mut training = builder.build().unwrap();
        for seed in 0..3 {
            let (x, y) = (tensor((4, 9, 2), seed), matrix(4, 1, seed));
            training.step(&Batch::new(&x, &y)).unwrap();
        }
        let model = training.into_model();
        let weights = model.weights();
        let weights = weights.iter();
        weights
            .map(|weight| model.get(&weight.path).unwrap())
            .collect::<Vec<_>>()
    };
    let all = weights(&|| None, false);
    assert_eq!(all, weights(&|| None, true));
    assert_eq!(all, weights(&|| Some(4), false));
}

#[test]
fn no_checkpoint_at_all_is_refused() {
    let lstm = Lstm::<f32>::builder(2, 3).build().unwrap();
    let x = tensor((1, 2, 2), 1);
    let error = lstm
        .run(&x)
        .checkpoints(0)
        .record()
        .err()
        .unwrap()
        .to_string();
    assert_eq!(error, "checkpoints is 0, expected at least 1");
}

/// The gradients of a loss Σ d · sequences by plain loops over (kernel, recurrent kernel, bias, x), and the states before
/// them.
type Naive = (Array2<f64>, Array2<f64>, Array1<f64>, Array3<f64>);

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `x @ matrix`, of one row.
fn times(x: &Array1<f64>, matrix: &Array2<f64>) -> Array1<f64> {
    x.dot(matrix)
}

fn naive_lstm(of: &Lstm<f64>, x: &Array3<f64>, d: &Array3<f64>) -> Naive {
    let (k, r, b) = (of.kernel(), of.recurrent_kernel(), of.bias().unwrap());
    let (units, timesteps) = (of.units(), x.dim().1);
    let (mut dk, mut dr, mut db) = (k.clone() * 0.0, r.clone() * 0.0, b.clone() * 0.0);
    let mut dx = x.clone() * 0.0;
    for row in 0..x.dim().0 {
        let (mut h, mut c) = (vec![Array1::zeros(units)], vec![Array1::zeros(units)]);
        let mut gates = Vec::new();
        for t in 0..timesteps {
            let now = x.slice(s![row, t, ..]).to_owned();
            let z = times(&now, &k) + times(&h[t], &r) + &b;
            let part = |q: usize| z.slice(s![q * units..(q + 1) * units]);
            let (i, f) = (part(0).mapv(sigmoid), part(1).mapv(sigmoid));
            let (g, o) = (part(2).mapv(f64::tanh), part(3).mapv(sigmoid));
            c.push(&f * &c[t] + &i * &g);
            h.push(&o * &c[t + 1].mapv(f64::tanh));
            gates.push([i, f, g, o]);
        }
        let (mut dh, mut dc) = (Array1::zeros(units), Array1::zeros(units));
        for t in (0..timesteps).rev() {
            let [i, f, g, o] = &gates[t];
            let out = c[t + 1].mapv(f64::tanh);
            dh = dh + d.slice(s![row, t, ..]);
            dc = dc + &dh * o * (1.0 - &out * &out);
            let mut dz = Array1::zeros(4 * units);
            let s = |y: &Array1<f64>| y * (1.0 - y);
            let parts = [
                &dc * g * s(i),
                &dc * &c[t] * s(f),
                &dc * i * (1.0 - g * g),
                &dh * &out * s(o),
            ];
            for (q, part) in parts.iter().enumerate() {
                dz.slice_mut(s![q * units..(q + 1) * units]).assign(part);
            }
            dc *= f;
            dh = dz.dot(&r.t());
            dx.slice_mut(s![row, t, ..]).assign(&dz.dot(&k.t()));
            let column = |x: &Array1<f64>| x.clone().insert_axis(Axis(1));
            let row_of = dz.clone().insert_axis(Axis(0));
            dk = dk + column(&x.slice(s![row, t, ..]).to_owned()).dot(&row_of);
            dr = dr + column(&h[t]).dot(&row_of);
            db = db + dz;
        }
    }
    (dk, dr, db, dx)
}

fn naive_gru(of: &Gru<f64>, x: &Array3<f64>, d: &Array3<f64>) -> Naive {
    let (k, r) = (of.kernel(), of.recurrent_kernel());
    let GruBias::ResetAfter(b) = of.bias() else {
        panic!("reset_after")
    };
    let (units, timesteps) = (of.units(), x.dim().1);
    let (mut dk, mut dr) = (k.clone() * 0.0, r.clone() * 0.0);
    let (mut db, mut dx) = (Array1::zeros(3 * units), x.clone() * 0.0);
    for row in 0..x.dim().0 {
        let mut h = vec![Array1::zeros(units)];
        let mut gates = Vec::new();
        for t in 0..timesteps {
            let now = x.slice(s![row, t, ..]).to_owned();
            let (zx, zh) = (times(&now, &k) + b.row(0), times(&h[t], &r) + b.row(1));
            let part =
                |of: &Array1<f64>, q: usize| of.slice(s![q * units..(q + 1) * units]).to_owned();
            let z = (part(&zx, 0) + part(&zh, 0)).mapv(sigmoid);
            let reset = (part(&zx, 1) + part(&zh, 1)).mapv(sigmoid);
            let m = part(&zh, 2);
            let g = (part(&zx, 2) + &reset * &m).mapv(f64::tanh);
            h.push(&z * &h[t] + (1.0 - &z) * &g);
            gates.push([z, reset, g, m]);
        }
        let mut dh = Array1::<f64>::zeros(units);
        for t in (0..timesteps).rev() {
            let [z, reset, g, m] = &gates[t];
            dh = dh + d.slice(s![row, t, ..]);
            let s = |y: &Array1<f64>| y * (1.0 - y);
            let d_z = &dh * (&h[t] - g) * s(z);
            let d_g = &dh * (1.0 - z) * (1.0 - g * g);
            let (d_r, d_m) = (&d_g * m * s(reset), &d_g * reset);
            let (mut of_x, mut of_h) = (Array1::zeros(3 * units), Array1::zeros(3 * units));
            for (q, [of_x_part, of_h_part]) in [[&d_z, &d_z], [&d_r, &d_r], [&d_g, &d_m]]
                .iter()
                .enumerate()
            {
                of_x.slice_mut(s![q * units..(q + 1) * units])
                    .assign(of_x_part);
                of_h.slice_mut(s![q * units..(q + 1) * units])
                    .assign(of_h_part);
            }
            dh = dh * z + of_h.dot(&r.t());
            dx.slice_mut(s![row, t, ..]).assign(&of_x.dot(&k.t()));
            let column = |x: &Array1<f64>| x.clone().insert_axis(Axis(1));
            let now = x.slice(s![row, t, ..]).to_owned();
            dk = dk + column(&now).dot(&of_x.clone().insert_axis(Axis(0)));
            dr = dr + column(&h[t]).dot(&of_h.insert_axis(Axis(0)));
            db = db + of_x;
        }
    }
    (dk, dr, db, dx)
}

fn near(name: &str, found: impl IntoIterator<Item = f64>, expected: impl IntoIterator<Item = f64>) {
    let mut expected = expected.into_iter();
    for y in found {
        let e = expected.next().expect("as many numbers");
        assert!(
            (y - e).abs() <= 1e-11 * e.abs().max(1.0),
            "{name}: {y}, expected {e}"
        );
    }
    assert!(expected.next().is_none(), "{name}");
}

/// Of the two biases of a GRU the first is compared.
fn agree<S>(name: &str, found: &Gradient<f64, S>, (dk, dr, db, dx): Naive) {
    let of = |path: &str| found.weights.get(path).unwrap();
    near(name, of("kernel").iter().copied(), dk);
    near(name, of("recurrent_kernel").iter().copied(), dr);
    let bias = match of("bias").ndim() {
        1 => of("bias").view(),
        _ => of("bias").index_axis(Axis(0), 0),
    };
    near(name, bias.iter().copied(), db);
    near(name, found.x.iter().copied(), dx);
}

#[test]
fn kernels_go_back_as_plain_loops_do() {
    for isa in Isa::all() {
        for units in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33] {
            for (samples, timesteps, features) in
                [(1, 1, 1), (1, 5, 3), (2, 3, 8), (7, 2, 9), (13, 11, 2)]
            {
                let name = format!("{isa:?}, {units} units, {samples} x {timesteps} x {features}");
                let x = tensor::<f64>((samples, timesteps, features), 1);
                let d = tensor::<f64>((samples, timesteps, units), 2);
                let up = Upstream::sequences(&d);
                let lstm = Lstm::builder(features, units).with_isa(isa).from_weights(
                    matrix(features, 4 * units, 3),
                    matrix(units, 4 * units, 4),
                    matrix(1, 4 * units, 5).remove_axis(Axis(0)),
                );
                let lstm = lstm.unwrap();
                let found = lstm.run(&x).record().unwrap().backward(&up).unwrap();
                agree(&name, &found, naive_lstm(&lstm, &x, &d));
                let gru = Gru::builder(features, units).with_isa(isa).from_weights(
                    matrix(features, 3 * units, 3),
                    matrix(units, 3 * units, 4),
                    matrix(2, 3 * units, 5),
                );
                let gru = gru.unwrap();
                let up = Upstream::sequences(&d);
                let found = gru.run(&x).record().unwrap().backward(&up).unwrap();
                agree(&name, &found, naive_gru(&gru, &x, &d));
            }
        }
    }
}
