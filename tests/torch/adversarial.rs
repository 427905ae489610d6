//! The golden files that lie, and golden files changed byte by byte.

use crate::data::ours;
use crate::liars::{check, liars};
use ndarray::{ArrayD, IxDyn};
use recurrent::torch::File;
use recurrent::{Deep, Lstm};

#[test]
fn golden_files_that_lie() {
    check("torch", &liars(&[".safetensors"]), 10, |liar| {
        let file = File::read(&liar.bytes)?;
        let names = file.names()?;
        let arrays = names.iter().map(|name| file.array::<f32, IxDyn>(name));
        let arrays: Vec<ArrayD<f32>> = arrays.collect::<recurrent::Result<_>>()?;
        // Whole arrays are not yet the weights of an LSTM.
        assert!(file.lstm::<f32, Lstm<f32>>("").is_err());
        Ok(arrays.iter().flatten().any(|x| x.is_nan()))
    });
}

#[test]
fn changed_files() {
    let models = ours("torch").join("models");
    let bytes = std::fs::read(models.join("t05_lstm.safetensors")).unwrap();
    let (mut loaded, mut refused) = (0, 0);
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            match File::read(bytes).and_then(|file| file.lstm::<f32, Deep<Lstm<f32>>>("")) {
                Ok(_) => loaded += 1,
                Err(_) => refused += 1,
            }
        }
    }
    // Weights may be anything, names and shapes may not.
    assert!(
        loaded > 1000 && refused > 1000,
        "{loaded} loaded, {refused} refused"
    );
}
