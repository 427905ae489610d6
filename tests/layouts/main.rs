//! Layers from arrays in the layouts of other frameworks: against what the frameworks make of them, against their equations
//! as their sources have them, and with arrays that cannot be right.
//!
//! `tests/data/make_layouts.py` makes the data. The calls are those of the page `doc::layouts`.

mod equations;
mod golden;
mod refused;

use ndarray::{Array, Array3, Dimension, ShapeBuilder};

/// Numbers between -1 and 1 that are always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn array<D: Dimension, S: ShapeBuilder<Dim = D>>(&mut self, shape: S) -> Array<f64, D> {
        Array::from_shape_simple_fn(shape, || self.next())
    }
}

/// The largest difference of two arrays of one shape.
#[track_caller]
fn difference(found: &Array3<f64>, expected: &Array3<f64>) -> f64 {
    assert_eq!(found.dim(), expected.dim());
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(
        0.0,
        |most, of| if of > most || of.is_nan() { of } else { most },
    )
}
