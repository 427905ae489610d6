//! State dicts of PyTorch: what is refused, states, files that lie. What layers compute is held in `golden`.
#![cfg(feature = "safetensors")]

mod adversarial;
mod refused;
mod states;

use ndarray::{ArrayD, ArrayViewD};
use recurrent::format::safetensors::write;
use recurrent::torch::File;

/// A file of zeros of these shapes.
fn file(arrays: &[(&str, &[usize])]) -> File<'static> {
    let arrays: Vec<(&str, ArrayD<f32>)> = arrays
        .iter()
        .map(|&(name, shape)| (name, ArrayD::zeros(shape)))
        .collect();
    let views: Vec<(&str, ArrayViewD<f32>)> = arrays
        .iter()
        .map(|(name, array)| (*name, array.view()))
        .collect();
    File::read(write(&views, &[]).unwrap()).unwrap()
}

/// Asserts that an error says all of these.
#[track_caller]
fn says<T>(result: recurrent::Result<T>, words: &[&str]) {
    let message = match result {
        Ok(_) => panic!("no error, expected one with {words:?}"),
        Err(error) => error.to_string(),
    };
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
}
