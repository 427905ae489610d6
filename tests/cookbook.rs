//! The trained examples of the cookbook: what they compute against what Keras computed, and how good they are at it.
#![cfg(all(feature = "keras", feature = "npz"))]

#[allow(dead_code)] // its `main`
#[path = "../examples/forecast.rs"]
mod forecast;

use ndarray::ArrayD;
use recurrent::npz;

/// An array that the training script left, and how far ours may be from it.
fn expected(file: &str, name: &str) -> ArrayD<f32> {
    let path = format!("{}/examples/data/{file}", env!("CARGO_MANIFEST_DIR"));
    npz::File::load(path).unwrap().array(name).unwrap()
}

fn close<'a>(found: impl IntoIterator<Item = &'a f32>, expected: &ArrayD<f32>, within: f32) {
    let found: Vec<f32> = found.into_iter().copied().collect();
    assert_eq!(found.len(), expected.len());
    for (at, (y, expected)) in found.iter().zip(expected).enumerate() {
        assert!((y - expected).abs() < within, "{at}: {y} for {expected}");
    }
}

#[test]
fn forecast_says_what_keras_says_in_any_chunks() {
    let (model, months) = (forecast::model().unwrap(), forecast::months().unwrap());
    let said = forecast::listen(&model, [&months[..]]).unwrap();
    close(&said, &expected("sunspots/sunspots.npz", "says"), 1e-5);
    for size in [1, 7, 12, 1000] {
        let chunks = forecast::listen(&model, months.chunks(size)).unwrap();
        assert_eq!(chunks, said, "{size}");
    }
    let (forecasts, truth) = forecast::yearly(&months, &said);
    assert_eq!(truth.len(), 89);
    let rms = forecast::error(&forecasts, &truth);
    assert!((rms - 13.5).abs() < 0.05, "{rms}");
}
