//! What the property tests share: awkward shapes, seeded numbers, and every cell in both precisions.
#![allow(dead_code)] // each test file uses a part

pub mod models;

use ndarray::{Array2, Array3};
use recurrent::{Causal, Element, Gru, Initializer, Isa, Lstm, LstmState, SimpleRnn, State};
use std::fmt::Debug;

/// Samples, timesteps, features, units: 0, 1, lanes ± 1, primes.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub samples: usize,
    pub timesteps: usize,
    pub features: usize,
    pub units: usize,
}

pub const SHAPES: [(usize, usize, usize, usize); 14] = [
    (1, 1, 1, 1),
    (1, 5, 3, 7),
    (2, 4, 1, 8),
    (3, 3, 2, 9),
    (5, 6, 7, 15),
    (1, 9, 16, 16),
    (7, 2, 9, 17),
    (8, 5, 3, 3),
    (13, 3, 17, 33),
    (6, 7, 4, 31),
    (9, 4, 5, 65),
    (0, 3, 2, 4),
    (3, 0, 2, 4),
    (2, 3, 0, 5),
];

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -1.0,
    max: 1.0,
};

/// An input of this shape.
pub fn input<A: Element>(of: Shape, seed: u64) -> Array3<A> {
    let Shape {
        samples,
        timesteps,
        features,
        ..
    } = of;
    numbers((samples, timesteps, features), seed)
}

/// Numbers in [-1, 1).
pub fn numbers<A: Element>(shape: (usize, usize, usize), seed: u64) -> Array3<A> {
    let flat = SPREAD.matrix(shape.0 * shape.1, shape.2, seed).unwrap();
    flat.into_shape_with_order(shape).unwrap()
}

/// A mask with gaps; sample 1 is masked wholly, sample 2 at its first step, sample 3 at its last.
pub fn mask(of: Shape, seed: u64) -> Array2<bool> {
    let noise = SPREAD
        .matrix::<f64>(of.samples, of.timesteps, seed)
        .unwrap();
    Array2::from_shape_fn((of.samples, of.timesteps), |(row, t)| match row {
        1 => false,
        2 if t == 0 => false,
        3 if t + 1 == of.timesteps => false,
        _ => noise[[row, t]] < 0.3,
    })
}

/// Any built-in cell.
pub trait Subject: Causal<State: State + PartialEq + Debug> + Clone {}
impl<R: Causal<State: State + PartialEq + Debug> + Clone> Subject for R {}

/// Something that must hold for every cell.
pub trait Property {
    fn check<R: Subject>(&self, layer: &R, of: Shape);
}

/// Checks a property for every cell, shape, precision and instruction set of this machine.
pub fn every_cell(property: &impl Property) {
    fn cells<A: Element>(property: &impl Property, of: Shape) {
        let Shape {
            features, units, ..
        } = of;
        for isa in Isa::all() {
            let rnn = SimpleRnn::<A>::builder(features, units).bias_initializer(SPREAD);
            property.check(&rnn.with_isa(isa).build().unwrap(), of);
            let lstm = Lstm::<A>::builder(features, units).bias_initializer(SPREAD);
            let lstm = lstm.with_isa(isa);
            property.check(&lstm.clone().build().unwrap(), of);
            let matrix = |rows, columns, seed| SPREAD.matrix::<A>(rows, columns, seed).unwrap();
            let lstm = lstm.clip(0.9).input_forget(of.samples.is_multiple_of(2));
            let lstm = lstm.peepholes(matrix(3, units, 98));
            let projection = matrix(units, 1 + units / 2, 97);
            let lstm = lstm.projection(projection);
            property.check(&lstm.clone().build().unwrap(), of);
            let (h, c) = (matrix(1, 1 + units / 2, 96), matrix(1, units, 95));
            let lstm = lstm.initial_state(LstmState { h, c });
            property.check(&lstm.build().unwrap(), of);
            for reset_after in [true, false] {
                let gru = Gru::<A>::builder(features, units).bias_initializer(SPREAD);
                let gru = gru.reset_after(reset_after).with_isa(isa);
                property.check(&gru.build().unwrap(), of);
            }
        }
    }
    for (samples, timesteps, features, units) in SHAPES {
        let of = Shape {
            samples,
            timesteps,
            features,
            units,
        };
        cells::<f32>(property, of);
        cells::<f64>(property, of);
    }
}

/// A state that is not zero: what a short run ends in.
pub fn some_state<R: Subject>(layer: &R, of: Shape) -> R::State {
    layer
        .run(&numbers((of.samples, 2, of.features), 99))
        .last_and_state()
        .unwrap()
        .1
}

/// A test of one property: `property!(name, |layer, of| { … })`.
#[macro_export]
macro_rules! property {
    ($(#[$meta:meta])* $name:ident, |$layer:ident, $of:ident| $body:block) => {
        $(#[$meta])*
        #[test]
        fn $name() {
            struct This;
            impl $crate::support::Property for This {
                #[allow(unused_variables)]
                fn check<R: $crate::support::Subject>(&self, $layer: &R, $of: $crate::support::Shape) $body
            }
            $crate::support::every_cell(&This);
        }
    };
}
