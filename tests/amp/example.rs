//! `examples/amp.rs`: what it writes is what a stream of each channel puts out.

#[allow(dead_code)] // its `main`
#[path = "../../examples/amp.rs"]
mod amp;

use crate::files::path;
use crate::made::GuitarMl;
use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::json;
use std::path::PathBuf;

/// A path of this test's own.
fn own(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("recurrent-amp-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

fn run(arguments: &[&str]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    amp::run(&arguments).map_err(|error| error.to_string())
}

#[test]
fn a_sound_with_two_channels() {
    let [sound, played, model] = ["in.wav", "out.wav", "model.json"].map(own);
    let [sound, played, model] = [&sound, &played, &model].map(|path| path.to_str().unwrap());
    let of = GuitarMl {
        unit_type: "LSTM",
        inputs: 2,
        units: 5,
        layers: 1,
        outputs: 1,
        skip: json!(1),
        has_bias: true,
    };
    std::fs::write(model, of.file(1).to_string()).unwrap();
    let spec = WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(sound, spec).unwrap();
    for n in 0..300_i16 {
        writer.write_sample(n * 100).unwrap();
        writer.write_sample(-n * 50).unwrap();
    }
    writer.finalize().unwrap();
    let report = run(&[model, sound, played, "0.25"]).unwrap();
    assert!(report.ends_with(" times real time\n"), "{report}");
    let (rate, channels) = amp::read(sound).unwrap();
    assert_eq!((rate, channels.len()), (44_100, 2));
    let model_alone = recurrent::amp::load::<f32>(model).unwrap().model;
    let expected: Vec<Vec<f32>> = channels
        .iter()
        .map(|channel| {
            let mut live = model_alone.stream(1).unwrap();
            let mut push = |x: f32| live.push_slice(&[x, 0.25]).unwrap()[0];
            channel.iter().map(|&x| push(x)).collect()
        })
        .collect();
    assert_eq!(amp::read(played).unwrap(), (rate, expected));
    assert_eq!(
        run(&[model, sound, played]).unwrap_err(),
        "0 knobs, expected 1"
    );
    assert_eq!(
        run(&[model, sound, played, "x"]).unwrap_err(),
        "x: no number"
    );
    assert!(
        run(&[model, sound])
            .unwrap_err()
            .starts_with("expected [MODEL")
    );
    let other = path("nam_lstm.nam");
    let report = run(&[other.to_str().unwrap(), sound, played]).unwrap();
    assert!(
        report
            .ends_with("the model was trained at 48000 Hz, the sound has 44100 Hz: resample it\n")
    );
}

#[test]
fn without_arguments_it_plays_a_string() {
    assert!(run(&[]).unwrap().starts_with("4.0 s of one channel in "));
}
