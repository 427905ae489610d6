//! Initialisers: their distributions, their seeds, and what they refuse.

use ndarray::Array2;
use recurrent::{Gru, Initializer, Lstm, SimpleRnn};

fn moments(initializer: Initializer) -> (f64, f64, f64) {
    let w = initializer.matrix::<f64>(200, 300, 5).unwrap();
    let mean = w.mean().unwrap();
    let variance = w.mapv(|w| (w - mean) * (w - mean)).mean().unwrap();
    (mean, variance, w.fold(0.0, |m: f64, w| m.max(w.abs())))
}

#[test]
fn distributions_have_their_moments_and_bounds() {
    let stddev = 2.0_f64.sqrt();
    let cases: [(Initializer, f64, f64); 9] = [
        (
            Initializer::RandomUniform {
                min: -3.0,
                max: 3.0,
            },
            3.0,
            3.0,
        ),
        (Initializer::RandomNormal { mean: 0.0, stddev }, 2.0, 10.0),
        (
            Initializer::TruncatedNormal { mean: 0.0, stddev },
            2.0 * 0.7737,
            2.0 * stddev,
        ),
        (
            Initializer::GlorotUniform,
            2.0 / 500.0,
            (6.0_f64 / 500.0).sqrt(),
        ),
        (
            Initializer::GlorotNormal,
            2.0 / 500.0,
            2.0 * (2.0_f64 / 500.0).sqrt() / 0.8796,
        ),
        (
            Initializer::HeUniform,
            2.0 / 200.0,
            (6.0_f64 / 200.0).sqrt(),
        ),
        (
            Initializer::HeNormal,
            2.0 / 200.0,
            2.0 * (2.0_f64 / 200.0).sqrt() / 0.8796,
        ),
        (
            Initializer::LecunUniform,
            1.0 / 200.0,
            (3.0_f64 / 200.0).sqrt(),
        ),
        (
            Initializer::LecunNormal,
            1.0 / 200.0,
            2.0 * (1.0_f64 / 200.0).sqrt() / 0.8796,
        ),
    ];
    for (initializer, variance, bound) in cases {
        let (mean, found, largest) = moments(initializer);
        assert!(
            mean.abs() < 0.02 * variance.sqrt(),
            "{initializer:?}: mean {mean}"
        );
        assert!(
            (found / variance - 1.0).abs() < 0.02,
            "{initializer:?}: {found} {variance}"
        );
        assert!(
            largest <= bound && largest > 0.95 * bound.min(4.0 * variance.sqrt()),
            "{initializer:?}: {largest}"
        );
    }
}

#[test]
fn orthogonal_rows_or_columns_are_orthonormal() {
    for (rows, columns) in [(5, 20), (20, 5), (7, 7), (1, 4), (64, 256), (0, 3), (3, 0)] {
        let q = Initializer::Orthogonal { gain: 2.0 }
            .matrix::<f64>(rows, columns, 3)
            .unwrap();
        let product = if rows <= columns {
            q.dot(&q.t())
        } else {
            q.t().dot(&q)
        };
        let expected = Array2::<f64>::eye(rows.min(columns)) * 4.0;
        assert!(
            (product - expected).iter().all(|d| d.abs() < 1e-13),
            "{rows} {columns}"
        );
    }
}

#[test]
fn seeds_decide() {
    let draw = |seed| Initializer::GlorotUniform.vector::<f64>(50, seed).unwrap();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn the_plain_ones() {
    assert_eq!(
        Initializer::Ones.vector::<f32>(2, 0).unwrap().to_vec(),
        [1.0, 1.0]
    );
    assert_eq!(
        Initializer::Constant(0.1)
            .vector::<f32>(1, 0)
            .unwrap()
            .to_vec(),
        [0.1]
    );
    let eye = Initializer::Identity { gain: 2.0 }
        .matrix::<f32>(2, 3, 0)
        .unwrap();
    assert_eq!(eye, ndarray::array![[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]);
}

#[test]
fn what_cannot_be_is_refused() {
    assert!(
        Initializer::Orthogonal { gain: 1.0 }
            .vector::<f32>(3, 0)
            .is_err()
    );
    assert!(
        Initializer::RandomUniform { min: 1.0, max: 0.0 }
            .vector::<f32>(3, 0)
            .is_err()
    );
    assert!(
        Initializer::RandomNormal {
            mean: 0.0,
            stddev: -1.0
        }
        .matrix::<f32>(3, 3, 0)
        .is_err()
    );
    assert!(
        Initializer::TruncatedNormal {
            mean: f64::NAN,
            stddev: 1.0
        }
        .vector::<f32>(3, 0)
        .is_err()
    );
    assert!(Initializer::Zeros.matrix::<f32>(usize::MAX, 2, 0).is_err());
}

/// Two layers that nobody gave a seed would learn the same, if they started the same.
#[test]
fn layers_without_a_seed_differ() {
    let build = || Lstm::<f32>::builder(2, 3).build().unwrap();
    let (one, other) = (build(), build());
    assert_ne!(one.kernel(), other.kernel());
    assert_ne!(one.recurrent_kernel(), other.recurrent_kernel());
    let (one, other) = (one.kernel(), other.kernel());
    let again = one
        .iter()
        .filter(|x| other.iter().any(|y| y.to_bits() == x.to_bits()))
        .count();
    assert_eq!(again, 0, "numbers that both have");
    let builder = Gru::<f64>::builder(2, 3);
    assert_ne!(
        builder.clone().build().unwrap().kernel(),
        builder.build().unwrap().kernel()
    );
    let seeded = || SimpleRnn::<f32>::builder(2, 3).seed(0).build().unwrap();
    assert_eq!(seeded().kernel(), seeded().kernel());
}
