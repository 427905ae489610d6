//! Tests the layers against the equations of their cells, written as the papers have them: slow, and obviously right.
//!
//! Each sum is one chain of fused multiply-adds: the bias first, then x and h in ascending order. Kernels keep this order.

use crate::{
    Activation, Element, Gru, GruBias, Initializer, LayerNorm, Lstm, LstmState, Recurrent,
    SimpleRnn,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayView1, ArrayView3, Axis};

/// `start + x @ matrix[:, column]`.
fn dot<A: Element>(start: A, x: ArrayView1<A>, matrix: &Array2<A>, column: usize) -> A {
    x.iter()
        .zip(matrix.column(column))
        .fold(start, |sum, (&x, &w)| x.mul_add(w, sum))
}

/// Computes one timestep of one sample: h in, h' out.
fn simple_rnn<A: Element>(of: &SimpleRnn<A>, x: ArrayView1<A>, h: &mut [A]) {
    let (kernel, recurrent_kernel, bias) = (of.kernel(), of.recurrent_kernel(), of.bias());
    let before = h.to_vec();
    for (unit, h) in h.iter_mut().enumerate() {
        let bias = bias.as_ref().map_or(A::zero(), |b| b[unit]);
        let z = dot(bias, x, &kernel, unit);
        *h = of
            .activation()
            .elementwise(dot(z, before[..].into(), &recurrent_kernel, unit));
    }
}

/// Computes one timestep of one sample: h and c in, h' and c' out.
fn lstm<A: Element>(of: &Lstm<A>, x: ArrayView1<A>, h: &mut [A], c: &mut [A]) {
    let (kernel, recurrent_kernel, bias) = (of.kernel(), of.recurrent_kernel(), of.bias());
    let clipped = |x: A| {
        let most = A::from_f64(of.clip().unwrap_or(f64::INFINITY));
        x.min(most).max(-most)
    };
    let s = |x: A| of.recurrent_activation().elementwise(clipped(x));
    let a = |x: A| of.activation().elementwise(clipped(x));
    let peepholes = of.peepholes();
    let (before, units) = (h.to_vec(), c.len());
    let mut hidden = vec![A::zero(); units];
    for unit in 0..units {
        let seen = |row: usize, c: A, z: A| match &peepholes {
            Some(peepholes) => peepholes[[row, unit]].mul_add(c, z),
            None => z,
        };
        let z = |gate: usize| {
            let column = gate * units + unit;
            let bias = bias.as_ref().map_or(A::zero(), |b| b[column]);
            dot(
                dot(bias, x, &kernel, column),
                before[..].into(),
                &recurrent_kernel,
                column,
            )
        };
        let i = s(seen(0, c[unit], z(0)));
        let f = if of.input_forget() {
            A::one() - i
        } else {
            s(seen(1, c[unit], z(1)))
        };
        c[unit] = f.mul_add(c[unit], i * a(z(2)));
        let o = s(seen(2, c[unit], z(3)));
        hidden[unit] = o * of.output_activation().elementwise(c[unit]);
    }
    match of.projection() {
        None => h.copy_from_slice(&hidden),
        Some(projection) => h.iter_mut().enumerate().for_each(|(column, h)| {
            *h = dot(A::zero(), hidden[..].into(), &projection, column);
        }),
    }
}

/// Computes one timestep of one sample: h in, h' out.
fn gru<A: Element>(of: &Gru<A>, x: ArrayView1<A>, h: &mut [A]) {
    let (kernel, recurrent_kernel) = (of.kernel(), of.recurrent_kernel());
    let (s, a) = (of.recurrent_activation(), of.activation());
    let (before, units) = (h.to_vec(), of.units());
    let before: ArrayView1<A> = before[..].into();
    let zero = A::zero();
    let bias = |row: usize, column: usize| match of.bias() {
        GruBias::None => zero,
        GruBias::ResetBefore(bias) => {
            if row == 0 {
                bias[column]
            } else {
                zero
            }
        }
        GruBias::ResetAfter(bias) => bias[[row, column]],
    };
    let gate = |gate: usize, unit: usize| {
        let column = gate * units + unit;
        let input = dot(bias(0, column) + bias(1, column), x, &kernel, column);
        s.elementwise(dot(input, before, &recurrent_kernel, column))
    };
    let reset: Vec<A> = (0..units).map(|unit| gate(1, unit)).collect();
    let held: Vec<A> = reset.iter().zip(before).map(|(&r, &h)| r * h).collect();
    for unit in 0..units {
        let column = 2 * units + unit;
        let input = dot(bias(0, column), x, &kernel, column);
        let sum = if of.reset_after() {
            reset[unit].mul_add(
                dot(bias(1, column), before, &recurrent_kernel, column),
                input,
            )
        } else {
            dot(input, held[..].into(), &recurrent_kernel, column)
        };
        let (z, g) = (gate(0, unit), a.elementwise(sum));
        h[unit] = z.mul_add(before[unit], (A::one() - z) * g);
    }
}

/// `gamma (z - mean) / √(variance + epsilon) + beta`.
fn norm<A: Element>(z: &[A], gamma: ArrayView1<A>, beta: ArrayView1<A>, epsilon: f64) -> Vec<A> {
    let count = A::from_f64(z.len() as f64);
    let mean = z.iter().fold(A::zero(), |sum, &z| sum + z) / count;
    let square = |z: A| (z - mean) * (z - mean);
    let variance = z.iter().fold(A::zero(), |sum, &z| sum + square(z)) / count;
    let deviation = (variance + A::from_f64(epsilon)).sqrt();
    let normed = z.iter().zip(gamma).zip(beta);
    normed
        .map(|((&z, &gamma), &beta)| gamma * (z - mean) / deviation + beta)
        .collect()
}

/// Computes one timestep of an LSTM and of a GRU with layer normalisation, from its weights by their names.
struct Book<A> {
    kernels: [Array2<A>; 2],
    gamma: Array2<A>,
    beta: Array2<A>,
    bias: Array2<A>,
    state: Option<[Array2<A>; 2]>,
    carry: bool,
    epsilon: f64,
}

impl<A: Element> Book<A> {
    fn random(features: usize, units: usize, gates: usize) -> Self {
        let columns = gates * units;
        let random = |rows, columns, seed| SPREAD.matrix(rows, columns, seed).unwrap();
        Book {
            kernels: [random(features, columns, 31), random(units, columns, 32)],
            gamma: random(2, columns, 33),
            beta: random(2, columns, 34),
            bias: random(2, columns, 35),
            state: None,
            carry: false,
            epsilon: 1e-5,
        }
    }

    fn sums(&self, x: ArrayView1<A>, h: &[A]) -> [Vec<A>; 2] {
        let parts = [x, h.into()];
        [0, 1].map(|row| {
            let (kernel, x) = (&self.kernels[row], parts[row]);
            let columns = 0..kernel.ncols();
            let z: Vec<A> = columns.map(|at| dot(A::zero(), x, kernel, at)).collect();
            norm(&z, self.gamma.row(row), self.beta.row(row), self.epsilon)
        })
    }

    fn lstm(&self, x: ArrayView1<A>, h: &mut [A], c: &mut [A]) {
        let [of_x, of_h] = self.sums(x, h);
        let units = c.len();
        let z = |gate: usize, unit: usize| {
            let at = gate * units + unit;
            of_x[at] + of_h[at] + self.bias[[0, at]]
        };
        let s = |x: A| Activation::Sigmoid.elementwise(x);
        let a = |x: A| Activation::Tanh.elementwise(x);
        for (unit, c) in c.iter_mut().enumerate() {
            *c = s(z(1, unit)) * *c + s(z(0, unit)) * a(z(2, unit));
        }
        let seen = match &self.state {
            Some([gamma, beta]) => norm(c, gamma.row(0), beta.row(0), self.epsilon),
            None => c.to_vec(),
        };
        if self.carry {
            c.copy_from_slice(&seen);
        }
        for (unit, h) in h.iter_mut().enumerate() {
            *h = s(z(3, unit)) * a(seen[unit]);
        }
    }

    fn gru(&self, x: ArrayView1<A>, h: &mut [A]) {
        let [of_x, of_h] = self.sums(x, h);
        let units = h.len();
        let z = |row: usize, gate: usize, unit: usize| {
            let at = gate * units + unit;
            [&of_x, &of_h][row][at] + self.bias[[row, at]]
        };
        let s = |x: A| Activation::Sigmoid.elementwise(x);
        for (unit, h) in h.iter_mut().enumerate() {
            let update = s(z(0, 0, unit) + z(1, 0, unit));
            let reset = s(z(0, 1, unit) + z(1, 1, unit));
            let g = z(0, 2, unit) + reset * z(1, 2, unit);
            let g = Activation::Tanh.elementwise(g);
            *h = update * *h + (A::one() - update) * g;
        }
    }
}

fn check_normed<A: Element>(tolerance: f64) {
    for (samples, timesteps, features, units) in lattice() {
        let x = input::<A>(samples, timesteps, features);
        let zeros = vec![vec![A::zero(); units]; samples];
        let random = |seed| SPREAD.matrix(1, units, seed).unwrap();
        for (with_state, carry) in [(false, false), (true, false), (true, true)] {
            let mut book = Book::<A>::random(features, units, 4);
            let mut normed = LayerNorm::new(book.gamma.clone(), book.beta.clone())
                .epsilon(0.01)
                .carry_normalised(carry);
            book.epsilon = 0.01;
            book.carry = carry;
            if with_state {
                let (gamma, beta) = (random(36), random(37));
                normed = normed.state(gamma.row(0).to_owned(), beta.row(0).to_owned());
                book.state = Some([gamma, beta]);
            }
            let of = Lstm::<A>::builder(features, units).layer_norm(normed);
            let [kernel, recurrent] = book.kernels.clone();
            let bias = book.bias.row(0).to_owned();
            let of = of.from_weights(kernel, recurrent, bias).unwrap();
            let (mut h, mut c) = (zeros.clone(), zeros.clone());
            let (hs, state) = of.run(&x).sequences_and_state().unwrap();
            let mut worst = distance(hs.view(), x.view(), |row, x| {
                book.lstm(x, &mut h[row], &mut c[row]);
                h[row].clone()
            });
            for (&a, &b) in state.c.iter().zip(c.iter().flatten()) {
                worst = worst.max((a - b).abs().as_f64());
            }
            assert!(
                worst <= tolerance,
                "Lstm {with_state} {carry} {samples} {timesteps} {features} {units}: {worst:e}"
            );
        }
        let book = Book::<A>::random(features, units, 3);
        let normed = LayerNorm::new(book.gamma.clone(), book.beta.clone());
        let [kernel, recurrent] = book.kernels.clone();
        let of = Gru::<A>::builder(features, units).layer_norm(normed);
        let of = of.from_weights(kernel, recurrent, book.bias.clone());
        let of = of.unwrap();
        let mut h = zeros.clone();
        let hs = of.run(&x).sequences().unwrap();
        let worst = distance(hs.view(), x.view(), |row, x| {
            book.gru(x, &mut h[row]);
            h[row].clone()
        });
        assert!(
            worst <= tolerance,
            "Gru {samples} {timesteps} {features} {units}: {worst:e}"
        );
    }
}

#[test]
fn normalised_cells_agree_with_the_books() {
    // A small variance makes much of little.
    check_normed::<f32>(1e-3);
    check_normed::<f64>(1e-11);
}

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -1.0,
    max: 1.0,
};

/// (samples, timesteps, features, units): 0, 1, lanes ± 1, primes.
fn lattice() -> impl Iterator<Item = (usize, usize, usize, usize)> {
    let units = [1, 2, 3, 7, 8, 9, 15, 16, 17, 20, 23, 31, 33, 40, 53, 65];
    let features = [0, 1, 2, 3, 7, 9, 16, 17];
    let samples = [0, 1, 2, 3, 5, 7, 8];
    let all = units.into_iter().enumerate().flat_map(move |(i, units)| {
        features.into_iter().enumerate().map(move |(j, features)| {
            (
                samples[(i + j) % samples.len()],
                1 + (i + 2 * j) % 4,
                features,
                units,
            )
        })
    });
    // Miri takes a second for a microsecond of work.
    all.filter(|&(.., features, units)| !cfg!(miri) || [11, 22].contains(&(features + units)))
}

fn input<A: Element>(samples: usize, timesteps: usize, features: usize) -> Array3<A> {
    let flat = SPREAD.matrix(samples * timesteps, features, 7).unwrap();
    flat.into_shape_with_order((samples, timesteps, features))
        .unwrap()
}

/// Keras' LSTM, and one LSTM for each extension that Keras does not have.
fn lstms<A: Element>(features: usize, units: usize) -> Vec<(&'static str, Lstm<A>)> {
    let lstm = || Lstm::<A>::builder(features, units).bias_initializer(SPREAD);
    let peepholes = || SPREAD.matrix(3, units, 5).unwrap();
    let projection = |size| SPREAD.matrix(units, size, 6).unwrap();
    let softsign = Activation::Softsign;
    let all = lstm().peepholes(peepholes()).input_forget(true).clip(0.7);
    [
        ("plain", lstm()),
        ("peepholes", lstm().peepholes(peepholes())),
        ("input_forget", lstm().input_forget(true)),
        ("clip", lstm().clip(0.3)),
        ("output_activation", lstm().output_activation(softsign)),
        (
            "projection",
            lstm().projection(projection(units.div_ceil(2))),
        ),
        ("all", all.projection(projection(units + 1))),
    ]
    .map(|(name, builder)| (name, builder.build().unwrap()))
    .into()
}

/// The largest difference between a run and the equations over the same input.
fn distance<A: Element>(
    hs: ArrayView3<A>,
    x: ArrayView3<A>,
    mut step: impl FnMut(usize, ArrayView1<A>) -> Vec<A>,
) -> f64 {
    let mut worst = 0.0_f64;
    for (row, (x, hs)) in x.axis_iter(Axis(0)).zip(hs.axis_iter(Axis(0))).enumerate() {
        for (x, h) in x.rows().into_iter().zip(hs.rows()) {
            for (&a, b) in h.iter().zip(step(row, x)) {
                worst = worst.max((a - b).abs().as_f64());
            }
        }
    }
    worst
}

fn check<A: Element>(tolerance: f64) {
    for (samples, timesteps, features, units) in lattice() {
        let x = input::<A>(samples, timesteps, features);
        let zeros = vec![vec![A::zero(); units]; samples];

        let of = SimpleRnn::<A>::builder(features, units)
            .bias_initializer(SPREAD)
            .build()
            .unwrap();
        let mut h = zeros.clone();
        let worst = distance(
            of.run(&x).sequences().unwrap().view(),
            x.view(),
            |row, x| {
                simple_rnn(&of, x, &mut h[row]);
                h[row].clone()
            },
        );
        assert!(
            worst <= tolerance,
            "SimpleRnn {samples} {timesteps} {features} {units}: {worst:e}"
        );

        for (name, of) in lstms::<A>(features, units) {
            let (mut h, mut c) = (vec![vec![A::zero(); of.units()]; samples], zeros.clone());
            let (hs, state): (_, LstmState<A>) = of.run(&x).sequences_and_state().unwrap();
            let mut worst = distance(hs.view(), x.view(), |row, x| {
                lstm(&of, x, &mut h[row], &mut c[row]);
                h[row].clone()
            });
            for (&a, &b) in state.c.iter().zip(c.iter().flatten()) {
                worst = worst.max((a - b).abs().as_f64());
            }
            assert!(
                worst <= tolerance,
                "Lstm {name} {samples} {timesteps} {features} {units}: {worst:e}"
            );
        }

        for reset_after in [true, false] {
            let of = Gru::<A>::builder(features, units).bias_initializer(SPREAD);
            let of = of.reset_after(reset_after).build().unwrap();
            let mut h = zeros.clone();
            let worst = distance(
                of.run(&x).sequences().unwrap().view(),
                x.view(),
                |row, x| {
                    gru(&of, x, &mut h[row]);
                    h[row].clone()
                },
            );
            assert!(
                worst <= tolerance,
                "Gru {reset_after} {samples} {timesteps} {features} {units}: {worst:e}"
            );
        }
    }
}

#[test]
fn cells_agree_with_the_books_in_f32() {
    check::<f32>(3e-6);
}

#[test]
fn cells_agree_with_the_books_in_f64() {
    check::<f64>(1e-14);
}
