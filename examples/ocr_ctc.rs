//! `cargo run --release --features keras,npz --example ocr_ctc`: reads pictures of lines of handwritten digits.
//!
//! A CRNN (Shi et al., 2015): two convolutions with pooling look at the picture of a line, its columns become timesteps, and
//! a bidirectional LSTM and a dense layer say at each of them which digit is there, or none: the blank of CTC (Graves et al.,
//! 2006). It was trained in Keras by `examples/train/ocr_ctc.py`, with other digits than those here, and is read from the
//! `.keras` file that it wrote. Model and digits: `examples/data/ocr`, see the NOTICE there.

use ndarray::{Array2, Array4, ArrayView1, Axis, Ix3, concatenate, s};
use recurrent::{Model, Softmax, keras, npz};
use std::collections::BTreeMap;
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LINES: usize = 300;
const BATCH: usize = 50;
/// How many readings the beam search keeps.
pub const BEAMS: usize = 8;
/// The number of rows in the picture of a line.
pub const HEIGHT: usize = 8;
/// The number of its columns: twelve of the widest digits fit.
pub const WIDTH: usize = 136;

fn main() -> Result<()> {
    let model = model()?;
    println!("{}", model.summary());
    let lines = lines(&held_back_digits()?, LINES);
    let (mut digits, mut wrong) = (0, [0, 0]);
    for batch in lines.chunks(BATCH) {
        for (line, y) in batch.iter().zip(read(&model, batch)?) {
            let readings = [greedy(&y), beam(&y, BEAMS).swap_remove(0).0];
            digits += line.digits.len();
            for (wrong, reading) in wrong.iter_mut().zip(&readings) {
                *wrong += edits(&line.digits, reading);
            }
            if digits < 40 {
                show(line, &readings);
            }
        }
    }
    let accuracy = wrong.map(|wrong| 100.0 * (1.0 - f64::from(wrong) / digits as f64));
    println!(
        "{LINES} lines, {digits} digits that the model never saw: 100 % less the edits that each reading needs"
    );
    println!("  greedy        {:.1} %", accuracy[0]);
    println!("  beam search   {:.1} %", accuracy[1]);
    if accuracy.iter().all(|&percent| percent >= 97.0) {
        return Ok(());
    }
    Err("this model reads 97 % and more".into())
}

/// The picture, darkest `@`, and what was read in it.
fn show(line: &Line, [greedy, beam]: &[Vec<usize>; 2]) {
    let ink = |&column: &usize| line.columns.row(column).sum() > 0.0;
    let end = (0..WIDTH).rfind(ink).map_or(0, |last| last + 2);
    for row in line.columns.slice(s![..end.min(WIDTH), ..]).columns() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 1
        let shade = |&dark: &f32| b" ..::--==++**##%@"[(16.0 * dark) as usize] as char;
        println!("  {}", row.iter().map(shade).collect::<String>());
    }
    let text = |digits: &[usize]| digits.iter().map(ToString::to_string).collect::<String>();
    println!(
        "  greedy {}   beam {}   written {}\n",
        text(greedy),
        text(beam),
        text(&line.digits)
    );
}

// ---- lines ---------------------------------------------------------------------------------------------------------

/// A line and what it says.
pub struct Line {
    /// (columns, `HEIGHT`), from 0 to 1
    pub columns: Array2<f32>,
    /// The digits in it, each itself.
    pub digits: Vec<usize>,
}

/// The path of a file in `examples/data/ocr`.
pub fn path(name: &str) -> Result<String> {
    let path = format!("{}/examples/data/ocr/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::fs::exists(&path)? {
        return Ok(path);
    }
    Err(format!("{path} is missing: it is in the repository, not in the published package").into())
}

/// The digits that `examples/train/ocr_ctc.py` held back, every fifth, without the empty columns at both sides.
pub fn held_back_digits() -> Result<Vec<Line>> {
    let file = npz::File::load(path("digits.npz")?)?;
    let images = file.array::<f32>("images")?.into_dimensionality::<Ix3>()?;
    let targets = file.integers("targets")?;
    let mut digits = Vec::new();
    for (image, &target) in images.outer_iter().zip(&targets).skip(4).step_by(5) {
        let ink = |x: &usize| image.column(*x).sum() > 0.0;
        let (Some(first), Some(last)) = ((0..8).find(ink), (0..8).rfind(ink)) else {
            continue;
        };
        digits.push(Line {
            columns: image
                .slice(s![.., first..=last])
                .t()
                .mapv(|dark| dark / 16.0),
            digits: vec![usize::try_from(target)?],
        });
    }
    Ok(digits)
}

/// Lines of 5 to 12 digits with one to three empty columns around each, and empty ones to the end; always the same lines.
pub fn lines(digits: &[Line], count: usize) -> Vec<Line> {
    let mut seed = 2006_u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap_or(0) % below
    };
    let mut lines = Vec::new();
    for _ in 0..count {
        let mut line = Line {
            columns: Array2::zeros((1 + random(3), HEIGHT)),
            digits: Vec::new(),
        };
        for _ in 0..5 + random(8) {
            let Line { columns, digits } = &digits[random(digits.len())];
            line.columns = concatenate![
                Axis(0),
                line.columns,
                *columns,
                Array2::zeros((1 + random(3), HEIGHT))
            ];
            line.digits.extend(digits);
        }
        let empty = Array2::zeros((WIDTH - line.columns.nrows(), HEIGHT));
        line.columns = concatenate![Axis(0), line.columns, empty];
        lines.push(line);
    }
    lines
}

// ---- reading -------------------------------------------------------------------------------------------------------

/// 0 is the blank, the digits follow.
const BLANK: usize = 0;

/// Reads the model.
pub fn model() -> Result<Model<f32>> {
    Ok(keras::load(path("model.keras")?)?)
}

/// For each line the probabilities of the blank and of every digit at its timesteps, (`WIDTH` / 2, 11).
pub fn read(model: &Model<f32>, lines: &[Line]) -> Result<Vec<Array2<f32>>> {
    let mut pictures = Array4::zeros((lines.len(), HEIGHT, WIDTH, 1));
    for (line, mut picture) in lines.iter().zip(pictures.outer_iter_mut()) {
        picture.index_axis_mut(Axis(2), 0).assign(&line.columns.t());
    }
    let y = Softmax::new().forward(&model.forward(&pictures)?)?;
    let y = y.into_dimensionality::<Ix3>()?;
    Ok(y.outer_iter().map(|y| y.to_owned()).collect())
}

/// The best class at every timestep; equal neighbours are one digit, blanks are none.
pub fn greedy(y: &Array2<f32>) -> Vec<usize> {
    let best = |row: ArrayView1<f32>| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(BLANK, |(class, _)| class)
    };
    let mut path: Vec<usize> = y.outer_iter().map(best).collect();
    path.dedup();
    path.into_iter()
        .filter(|&class| class != BLANK)
        .map(|class| class - 1)
        .collect()
}

/// The most probable readings and their probabilities: those of all paths that say the same are added up.
pub fn beam(y: &Array2<f32>, width: usize) -> Vec<(Vec<usize>, f64)> {
    // Of each beginning, how probable it is with a blank at the end, and with its last digit there.
    let mut beams = vec![(Vec::new(), [1.0_f64, 0.0])];
    for row in y.outer_iter() {
        let mut next: BTreeMap<Vec<usize>, [f64; 2]> = BTreeMap::new();
        for (said, [blank, digit]) in &beams {
            let stay = next.entry(said.clone()).or_default();
            stay[0] += (blank + digit) * f64::from(row[BLANK]);
            if let Some(&last) = said.last() {
                stay[1] += digit * f64::from(row[last + 1]);
            }
            for (new, &p) in row.iter().skip(1).enumerate() {
                // The same digit again takes a blank in between.
                let before = if said.last() == Some(&new) {
                    *blank
                } else {
                    blank + digit
                };
                let longer = said.iter().copied().chain([new]).collect();
                next.entry(longer).or_default()[1] += before * f64::from(p);
            }
        }
        beams = next.into_iter().collect();
        beams.sort_by(|a, b| (b.1[0] + b.1[1]).total_cmp(&(a.1[0] + a.1[1])));
        beams.truncate(width);
    }
    beams
        .into_iter()
        .map(|(said, [blank, digit])| (said, blank + digit))
        .collect()
}

/// How many digits have to be put in, left out or replaced to make one of the other.
pub fn edits(a: &[usize], b: &[usize]) -> u32 {
    let mut row: Vec<u32> = (0..).take(b.len() + 1).collect();
    for x in a {
        let mut diagonal = row[0];
        row[0] += 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + u32::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
