//! The golden files that lie: each is an error, or loads, as its label says; and golden files changed byte by byte.

use recurrent::onnx::File;
use recurrent::{Lstm, Recurrent};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn golden() -> PathBuf {
    std::env::var_os("RECURRENT_GOLDEN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"),
        PathBuf::from,
    )
}

/// Loads the LSTM of a file and runs it.
fn run(bytes: &[u8]) -> recurrent::Result<f32> {
    let file = File::read(bytes)?;
    let lstm: Lstm<f32> = file.only()?.lstm()?;
    let x = ndarray::Array3::zeros((1, 2, lstm.features()));
    Ok(lstm.run(&x).last()?.sum())
}

#[test]
fn golden_files_that_lie() {
    let folder = golden().join("adversarial");
    let cases = std::fs::read(folder.join("cases.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&cases).unwrap();
    let mut seen = 0;
    for case in cases {
        let name = case["file"].as_str().unwrap();
        if Path::new(name).extension().is_none_or(|end| end != "onnx") {
            continue;
        }
        seen += 1;
        let start = Instant::now();
        let result = run(&std::fs::read(folder.join(name)).unwrap());
        assert!(start.elapsed() < Duration::from_secs(1), "{name}");
        match case["expect"].as_str().unwrap() {
            "error" => assert!(result.is_err(), "{name}"),
            "load" => assert!(
                result.unwrap().is_nan() == name.starts_with("nan"),
                "{name}"
            ),
            "either" => {}
            other => panic!("{name}: {other}"),
        }
    }
    assert!(seen >= 12, "{seen}");
}

#[test]
fn changed_files() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx/models");
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
