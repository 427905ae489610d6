//! tanh and sigmoid, as vectors compute them, against correctly rounded values; each unit in the last place is of those.
//!
//! In `f32` the reference is the C library's function in `f64`, whose error is a billionth of what is looked for; in `f64`
//! a table with 40 digits. `cargo test --release --test activations -- --ignored` tries every `f32`, in some minutes.

#![allow(clippy::float_cmp)] // exact values are what is asked for

use recurrent::{Activation, Element};

/// The error in units of the last place of a normal reference; below the normal numbers, in units of the smallest of them.
fn ulp(found: f32, expected: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation)]
    let rounded = (expected as f32).abs().max(f32::MIN_POSITIVE);
    let unit = f64::from(f32::from_bits(rounded.to_bits() + 1) - rounded);
    let unit = if expected.abs() < f64::from(f32::MIN_POSITIVE) {
        f64::from(f32::MIN_POSITIVE)
    } else {
        unit
    };
    (f64::from(found) - expected).abs() / unit
}

struct Found {
    worst: f64,
    at: f32,
    /// Neighbours whose results are in the wrong order, and how many places they are apart at most.
    disorder: usize,
    apart: u32,
}

/// All of these bit patterns, ascending and of one sign.
fn compare(activation: Activation, bits: impl Iterator<Item = u32>) -> Found {
    let exact = |x: f64| match activation {
        Activation::Tanh => x.tanh(),
        _ => 1.0 / (1.0 + (-x).exp()),
    };
    let mut found = Found {
        worst: 0.0,
        at: 0.0,
        disorder: 0,
        apart: 0,
    };
    let mut last: Option<(f32, f32)> = None;
    let bits: Vec<u32> = bits.collect();
    for bits in bits.chunks(1 << 16) {
        let xs: Vec<f32> = bits.iter().copied().map(f32::from_bits).collect();
        let mut ys = xs.clone();
        activation.apply(&mut ys);
        for (&x, &y) in xs.iter().zip(&ys) {
            let error = ulp(y, exact(x.into()));
            if error > found.worst {
                (found.worst, found.at) = (error, x);
            }
            let low = if activation == Activation::Tanh {
                -1.0
            } else {
                0.0
            };
            assert!((low..=1.0).contains(&y), "{activation:?}({x:e}) = {y:e}");
            if let Some((x0, y0)) = last
                && ((x > x0) != (y > y0) && y != y0)
            {
                found.disorder += 1;
                found.apart = found.apart.max(y.to_bits().abs_diff(y0.to_bits()));
            }
            last = Some((x, y));
        }
    }
    found
}

fn holds(bits: impl Fn(u32) -> Vec<std::ops::Range<u32>>, step: usize) {
    let infinity = f32::INFINITY.to_bits();
    for activation in [Activation::Tanh, Activation::Sigmoid] {
        for sign in [0, 1 << 31] {
            let (mut worst, mut disorder, mut apart) = ((0.0, 0.0), 0, 0);
            for range in bits(infinity + 1) {
                let patterns = range.step_by(step).map(|bits| bits | sign);
                let found = compare(activation, patterns);
                if found.worst > worst.0 {
                    worst = (found.worst, found.at);
                }
                disorder += found.disorder;
                apart = apart.max(found.apart);
            }
            println!(
                "{activation:?}, sign {sign:x}: at most {:.3} ulp, at {:e}; {disorder} neighbours out of order, at most {apart} ulp",
                worst.0, worst.1
            );
            assert!(worst.0 <= 3.0 && apart <= 1);
        }
    }
}

#[test]
fn a_grid_of_f32_is_within_3_ulp() {
    holds(|end| std::iter::once(0..end).collect(), 4099);
}

#[test]
fn neighbours_are_in_order_or_one_ulp_apart() {
    let near = |x: f32| x.to_bits()..x.to_bits() + 100_000;
    holds(
        |_| {
            vec![
                near(0.01),
                near(0.3466),
                near(1.0),
                near(5.0),
                near(8.66),
                near(9.0),
                near(30.0),
            ]
        },
        1,
    );
}

#[test]
#[ignore = "all of 2^32 numbers: some minutes"]
fn every_f32_is_within_3_ulp() {
    let block: u32 = 1 << 22;
    let blocks = |end: u32| {
        (0..end)
            .step_by(block as usize)
            .map(|b| b..end.min(b + block))
            .collect()
    };
    holds(blocks, 1);
}

#[test]
fn f64_is_within_4_ulp() {
    let table = include_str!("data/activations.tsv");
    let mut worst = [0.0_f64; 2];
    let mut count = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<f64> = line.split('\t').map(|n| n.parse().unwrap()).collect();
        let [x, tanh, tanh_rest, sigmoid, sigmoid_rest] = numbers[..] else {
            panic!("{line}");
        };
        count += 1;
        for (i, (activation, high, rest)) in [
            (Activation::Tanh, tanh, tanh_rest),
            (Activation::Sigmoid, sigmoid, sigmoid_rest),
        ]
        .into_iter()
        .enumerate()
        {
            let mut y = [x];
            activation.apply(&mut y);
            let unit = if high.abs() < f64::MIN_POSITIVE {
                f64::MIN_POSITIVE
            } else {
                f64::from_bits(high.abs().to_bits() + 1) - high.abs()
            };
            worst[i] = worst[i].max(((y[0] - high) - rest).abs() / unit);
        }
    }
    println!(
        "{count} numbers: tanh {:.3}, sigmoid {:.3} ulp",
        worst[0], worst[1]
    );
    assert!(count > 3000 && worst.iter().all(|&w| w <= 4.0));
}

fn special<A: Element>() {
    let all = |activation: Activation, xs: [f64; 5]| {
        let mut y = xs.map(A::from_f64);
        activation.apply(&mut y);
        y.map(Element::as_f64)
    };
    let [zero, minus_zero, inf, minus_inf, nan] = all(
        Activation::Tanh,
        [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN],
    );
    assert!(zero == 0.0 && zero.is_sign_positive());
    assert!(minus_zero == 0.0 && minus_zero.is_sign_negative());
    assert!((inf, minus_inf) == (1.0, -1.0) && nan.is_nan());
    let [zero, minus_zero, inf, minus_inf, nan] = all(
        Activation::Sigmoid,
        [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN],
    );
    assert!((zero, minus_zero, inf, minus_inf) == (0.5, 0.5, 1.0, 0.0) && nan.is_nan());
    let [large, small, larger, smaller, least] = all(
        Activation::Sigmoid,
        [f64::MAX, f64::MIN, 1e5, -1e5, f64::MIN_POSITIVE],
    );
    assert!([large, small, larger, smaller, least] == [1.0, 0.0, 1.0, 0.0, 0.5]);
}

#[test]
fn special_values_are_right() {
    special::<f32>();
    special::<f64>();
}
