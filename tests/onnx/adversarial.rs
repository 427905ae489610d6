//! The golden files that lie: each is an error, or loads, as its label says; and golden files changed byte by byte.

use crate::data::ours;
use crate::liars::{check, liars};
use recurrent::onnx::File;
use recurrent::{Lstm, Recurrent};

/// Loads the LSTM of a file and runs it.
fn run(bytes: &[u8]) -> recurrent::Result<f32> {
    let file = File::read(bytes)?;
    let lstm: Lstm<f32> = file.only()?.lstm()?;
    let x = ndarray::Array3::zeros((1, 2, lstm.features()));
    Ok(lstm.run(&x).last()?.sum())
}

#[test]
fn golden_files_that_lie() {
    check("onnx", &liars(&[".onnx"]), 12, |liar| {
        Ok(run(&liar.bytes)?.is_nan())
    });
}

#[test]
fn changed_files() {
    let models = ours("onnx").join("models");
    let (mut loaded, mut refused) = (0, 0);
    for name in [
        "o03_lstm_bidirectional",
        "o08_lstm_forward",
        "o22_rnn_bidirectional",
    ] {
        let bytes = std::fs::read(models.join(name).with_extension("onnx")).unwrap();
        for at in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= change;
                match File::read(bytes).and_then(|file| file.only::<f32>()) {
                    Ok(_) => loaded += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    // Weights may be anything; what is around them matters.
    assert!(
        loaded > 1000 && refused > 1000,
        "{loaded} loaded, {refused} refused"
    );
}
