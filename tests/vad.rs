//! `examples/vad.rs`: its stream against what the original model says, and the sound files that it reads and refuses.

#[allow(dead_code)] // its `main`
#[path = "../examples/vad.rs"]
mod vad;

use hound::{SampleFormat, WavSpec, WavWriter};
use ndarray::{Array1, ArrayView1};
use recurrent::torch::File;
use std::path::{Path, PathBuf};
use vad::{Speech, Vad, data, plot, read, run, timeline};

fn reference() -> File<'static> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    File::load(tests.join("data/silero-vad/reference.safetensors")).unwrap()
}

fn array(name: &str) -> Array1<f64> {
    reference().array(name).unwrap()
}

fn differs(got: ArrayView1<f32>, want: &Array1<f64>) -> f64 {
    assert_eq!(got.len(), want.len());
    let differences = got
        .iter()
        .zip(want)
        .map(|(&got, want)| (f64::from(got) - want).abs());
    differences
        .inspect(|d| assert!(!d.is_nan()))
        .fold(0.0, f64::max)
}

#[test]
fn every_frame_is_heard_as_by_the_original() {
    let mut vad = Vad::load().unwrap();
    let sound = read(&data("speech16k.wav").unwrap()).unwrap();
    let heard: Array1<f32> = sound
        .chunks(512)
        .map(|frame| vad.push(frame).unwrap())
        .collect();
    assert_eq!(heard.len(), 275);
    let speech = heard.iter().filter(|&&p| p > 0.5).count();
    assert_eq!(speech, 181);
    let worst = differs(heard.view(), &array("prob"));
    println!("275 frames differ by {worst:.1e}");
    assert!(worst <= 2e-6, "{worst:e}");
    let [h, c] = [&vad.state().h, &vad.state().c].map(|state| state.row(0));
    let [h, c] = [differs(h, &array("h")), differs(c, &array("c"))];
    assert!(h <= 2e-6 && c <= 4e-5, "h {h:e}, c {c:e}"); // c is up to 14
    let error = vad.push(&[0.0; 513]).unwrap_err();
    assert_eq!(error.to_string(), "513 samples, expected at most 512");
}

#[test]
fn speech_begins_soon_and_ends_late() {
    for (heard, expected) in [
        (vec![(0.0, 20)], vec![]),
        (vec![(0.0, 5), (0.5, 8), (0.0, 9)], vec![(5, 13)]),
        (vec![(0.0, 5), (0.9, 7), (0.0, 9)], vec![]), // too short
        (vec![(0.9, 8), (0.34, 3), (0.9, 1)], vec![(0, 12)]), // a short pause
        (vec![(0.9, 8), (0.34, 4), (0.9, 1)], vec![(0, 8)]),
        (vec![(0.9, 8), (0.4, 9)], vec![(0, 17)]), // neither
        (vec![(0.4, 9), (0.9, 8)], vec![(9, 17)]),
        (
            vec![(0.9, 8), (0.1, 4), (0.4, 9), (0.9, 8), (0.1, 2)],
            vec![(0, 8), (21, 29)],
        ),
        (vec![(0.9, 8), (0.1, 2), (0.4, 1), (0.1, 1)], vec![(0, 8)]),
    ] {
        let mut speech = Speech::default();
        for &(probability, frames) in &heard {
            (0..frames).for_each(|_| speech.hear(probability));
        }
        speech.end();
        assert_eq!(speech.segments, expected, "{heard:?}");
    }
}

// ---- files ---------------------------------------------------------------------------------------------------------

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("recurrent-vad-{}-{name}", std::process::id()))
}

/// A file of the samples that `write` puts in, gone when the test ends.
struct Sound(PathBuf);

impl Sound {
    fn new(
        name: &str,
        spec: WavSpec,
        write: impl Fn(&mut WavWriter<std::io::BufWriter<std::fs::File>>),
    ) -> Self {
        let path = path(name);
        let mut writer = WavWriter::create(&path, spec).unwrap();
        write(&mut writer);
        writer.finalize().unwrap();
        Sound(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec {
        channels,
        sample_rate: 16_000,
        bits_per_sample,
        sample_format,
    }
}

#[test]
fn samples_of_every_kind_are_read() {
    for bits in [8, 16, 24, 32] {
        let sound = Sound::new(
            &format!("{bits}"),
            spec(2, bits, SampleFormat::Int),
            |writer| {
                for eighths in [0, 4, -8, -8, 2, 4] {
                    writer.write_sample(eighths << (bits - 4)).unwrap();
                }
            },
        );
        assert_eq!(
            read(sound.name()).unwrap(),
            [0.25, -1.0, 0.375],
            "{bits} bits"
        );
    }
    let sound = Sound::new("float", spec(1, 32, SampleFormat::Float), |writer| {
        [0.1, -1.0]
            .into_iter()
            .for_each(|x: f32| writer.write_sample(x).unwrap());
    });
    assert_eq!(read(sound.name()).unwrap(), [0.1, -1.0]);
}

#[test]
fn files_that_cannot_be_heard_are_refused() {
    let telephone = WavSpec {
        sample_rate: 8000,
        ..spec(1, 16, SampleFormat::Int)
    };
    let telephone = Sound::new("8000", telephone, |writer| {
        writer.write_sample(0_i16).unwrap();
    });
    let no_sound = Sound(path("text"));
    std::fs::write(&no_sound.0, "speech").unwrap();
    let short = Sound::new("short", spec(1, 16, SampleFormat::Int), |writer| {
        (0..99).for_each(|x: i16| writer.write_sample(x).unwrap());
    });
    let bytes = std::fs::read(&short.0).unwrap();
    std::fs::write(&short.0, &bytes[..bytes.len() - 5]).unwrap();
    let missing = Sound(path("missing"));
    for (sound, expected) in [
        (&telephone, "8000 samples a second, expected 16000"),
        (&no_sound, "no RIFF tag found"),
        (&short, "Failed to read enough bytes"),
        (&missing, "(os error 2)"),
    ] {
        let error = run(&[sound.name().to_string()]).unwrap_err().to_string();
        assert!(
            error.starts_with(sound.name()) && error.contains(expected),
            "{error}"
        );
    }
    for wrong in [&["--loud"][..], &["a.wav", "b.wav"], &["--svg"]] {
        let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(
            run(&wrong).unwrap_err().to_string().contains("--svg"),
            "{wrong:?}"
        );
    }
}

#[test]
fn what_was_heard_is_shown() {
    let svg = Sound(path("svg"));
    let report = run(&["--svg".to_string(), svg.name().to_string()]).unwrap();
    assert!(
        report.starts_with("speech    0.80 s – 3.94 s\nspeech    5.02 s – 7.78 s\n"),
        "{report}"
    );
    assert!(report.contains("\n275 frames of 32 ms, "), "{report}");
    let picture = std::fs::read_to_string(&svg.0).unwrap();
    assert!(picture.contains("viewBox=\"0 0 1100 120\"") && picture.ends_with("</svg>\n"));
    assert_eq!(picture.matches("#dcefdc").count(), 2);

    // Nothing at all is no error.
    let nothing = Sound::new("nothing", spec(1, 16, SampleFormat::Int), |_| ());
    assert_eq!(
        run(&[nothing.name().to_string()]).unwrap().lines().count(),
        1
    );
    assert!(plot(&[], &[], &[]).ends_with("</svg>\n"));
    let lines = timeline(&[0.0, 0.0, 1.0, 0.0, 0.49].repeat(100));
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.starts_with("   0.00 s │█"), "{lines}");
    assert!(
        lines.lines().all(|line| line.chars().count() <= 11 + 64),
        "{lines}"
    );
}
