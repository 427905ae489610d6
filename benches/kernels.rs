//! What layers are made of, in `f32` and `f64`: activations, packing of weights, projection of inputs.
//!
//! Run: `cargo bench --bench kernels`, a part with `-- tanh`. Read: activations in elements, packing in bytes of weights,
//! projection in multiply-adds per second.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use recurrent::{Activation, Dense, Element, Initializer, Lstm};
use std::hint::black_box;
use std::time::Duration;

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -3.0,
    max: 3.0,
};

fn matrix<A: Element>(rows: usize, columns: usize) -> Array2<A> {
    SPREAD.matrix(rows, columns, 1).expect("a matrix")
}

fn kernels<A: Element>(c: &mut Criterion) {
    let name = std::any::type_name::<A>();
    let g = &mut c.benchmark_group(name);
    g.warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20);

    let of = matrix::<A>(1, 4096).into_raw_vec_and_offset().0;
    g.throughput(Throughput::Elements(of.len() as u64));
    for activation in [
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::HARD_SIGMOID,
        Activation::Relu,
        Activation::Softsign,
        Activation::Elu { alpha: 1.0 },
        Activation::Gelu { approximate: false },
        Activation::Softmax,
    ] {
        // Numbers in place would walk to the limit of the function.
        let mut to = of.clone();
        g.bench_function(format!("{activation:?}"), |b| {
            b.iter(|| {
                to.copy_from_slice(black_box(&of));
                activation.apply(black_box(&mut to));
            });
        });
    }

    let (kernel, recurrent, bias) = (matrix(512, 2048), matrix(512, 2048), Array1::zeros(2048));
    let numbers = 2 * 512 * 2048 + 2048;
    g.throughput(Throughput::Bytes((numbers * size_of::<A>()) as u64));
    g.bench_function("pack an LSTM of 512", |b| {
        b.iter_batched(
            || (kernel.clone(), recurrent.clone(), bias.clone()),
            |(kernel, recurrent, bias)| Lstm::<A>::from_weights(kernel, recurrent, bias),
            criterion::BatchSize::LargeInput,
        );
    });

    for (rows, features, units) in [(8, 64, 64), (256, 128, 1024)] {
        let dense = Dense::from_weights(matrix::<A>(features, units), None).expect("a layer");
        let x = matrix::<A>(rows, features);
        g.throughput(Throughput::Elements((rows * features * units) as u64));
        g.bench_function(format!("project {rows} x {features} to {units}"), |b| {
            b.iter(|| dense.forward(black_box(&x)).expect("a product"));
        });
    }
}

criterion_group!(benches, kernels::<f32>, kernels::<f64>);
criterion_main!(benches);
