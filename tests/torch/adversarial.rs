//! The golden files that lie, and golden files changed byte by byte.

use recurrent::torch::File;
use recurrent::{Deep, Lstm};
use std::path::{Path, PathBuf};

fn golden() -> PathBuf {
    std::env::var_os("RECURRENT_GOLDEN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"),
        PathBuf::from,
    )
}

#[test]
fn golden_files_that_lie() {
    let folder = golden().join("adversarial");
    let cases = std::fs::read(folder.join("cases.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&cases).unwrap();
    let mut seen = 0;
    for case in cases {
        let name = case["file"].as_str().unwrap();
        if Path::new(name)
            .extension()
            .is_none_or(|end| end != "safetensors")
        {
            continue;
        }
        seen += 1;
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let read = File::read(&bytes).and_then(|file| {
            let names = file.names()?;
            names
                .iter()
                .map(|name| file.array::<f32, ndarray::IxDyn>(name))
                .collect()
        });
        let read: recurrent::Result<Vec<_>> = read;
        match case["expect"].as_str().unwrap() {
            "error" => assert!(read.is_err(), "{name}"),
            "load" => assert!(read.unwrap().iter().flatten().any(|x| x.is_nan()), "{name}"),
            other => panic!("{name}: {other}"),
        }
        let lstm = File::read(&bytes).and_then(|file| file.lstm::<f32, Lstm<f32>>(""));
        assert!(lstm.is_err(), "{name}");
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn changed_files() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torch/models");
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
