//! What one process leaves, another goes on with: the test starts itself once more.

use crate::numbers;
use crate::states::{from_bytes, live_model, to_bytes};
use ndarray::{Array2, Ix2};
use recurrent::{Causal, Lstm, LstmState, Model, ModelState, Session, StreamState, saved};
use std::path::{Path, PathBuf};
use std::process::Command;

const DIRECTORY: &str = "RECURRENT_TEST_SAVED";
const SAMPLES: usize = 3;

fn x(t: u64) -> Array2<f32> {
    numbers(&[SAMPLES, 2], t)
        .into_dimensionality::<Ix2>()
        .unwrap()
}

fn mask(t: u64) -> [bool; SAMPLES] {
    [0, 1, 2].map(|sample| !(t + sample).is_multiple_of(3))
}

/// The bits of all outputs of some timesteps.
fn outputs(
    lstm: &Lstm<f32>,
    model: &Model<f32>,
    before: Option<(StreamState<LstmState<f32>>, ModelState)>,
    times: std::ops::Range<u64>,
) -> (Vec<u32>, StreamState<LstmState<f32>>, ModelState) {
    let (mut live, mut session) = (lstm.stream(SAMPLES), Session::new(model));
    if let Some((stream, state)) = before {
        live.resume(stream).unwrap();
        session.resume(state).unwrap();
    }
    let mut bits = Vec::new();
    for t in times {
        let y = live.push_masked(&x(t), &mask(t)).unwrap();
        bits.extend(y.iter().map(|y| y.to_bits()));
        let y = session.step_masked(&x(t), &mask(t)).unwrap();
        bits.extend(y.iter().map(|y| y.to_bits()));
    }
    (bits, live.snapshot(), session.snapshot().unwrap().unwrap())
}

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(name)
}

#[test]
fn another_process_goes_on() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return in_the_other(Path::new(&directory));
    }
    let directory = std::env::temp_dir().join(format!("recurrent-saved-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (lstm, model) = (Lstm::builder(2, 5).build().unwrap(), live_model());
    let (all, ..) = outputs(&lstm, &model, None, 0..9);
    let (first, stream, state) = outputs(&lstm, &model, None, 0..4);
    saved::save(file(&directory, "lstm"), &lstm).unwrap();
    saved::save(file(&directory, "model"), &model).unwrap();
    std::fs::write(
        file(&directory, "stream"),
        serde_json::to_string(&stream).unwrap(),
    )
    .unwrap();
    std::fs::write(file(&directory, "state"), to_bytes(&state)).unwrap();
    let other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::another_process_goes_on"])
        .env(DIRECTORY, &directory)
        .output()
        .unwrap();
    assert!(
        other.status.success(),
        "{}",
        String::from_utf8_lossy(&other.stdout)
    );
    let bytes = std::fs::read(file(&directory, "bits")).unwrap();
    let bits = bytes
        .as_chunks()
        .0
        .iter()
        .map(|bits| u32::from_le_bytes(*bits));
    assert_eq!(first.into_iter().chain(bits).collect::<Vec<_>>(), all);
    std::fs::remove_dir_all(&directory).unwrap();
}

fn in_the_other(directory: &Path) {
    let read = |name| std::fs::read(file(directory, name)).unwrap();
    let lstm = saved::load(file(directory, "lstm")).unwrap();
    let model = saved::load(file(directory, "model")).unwrap();
    let stream = serde_json::from_slice(&read("stream")).unwrap();
    let state = from_bytes(&read("state")).unwrap();
    let (bits, ..) = outputs(&lstm, &model, Some((stream, state)), 4..9);
    let bytes: Vec<u8> = bits.into_iter().flat_map(u32::to_le_bytes).collect();
    std::fs::write(file(directory, "bits"), bytes).unwrap();
}
