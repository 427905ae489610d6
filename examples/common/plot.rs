//! What the examples that train have in common: their arguments, a progress bar, and a picture of the loss.

use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, error::Error, fs};

/// Whether `--quick` is among the arguments, and where the picture goes: the other one, or a file in the folder for
/// temporary files.
pub fn arguments(name: &str) -> (bool, PathBuf) {
    let (quick, path): (Vec<_>, Vec<_>) = env::args().skip(1).partition(|word| word == "--quick");
    let path = path.first().map(PathBuf::from);
    let path = path.unwrap_or_else(|| env::temp_dir().join(format!("{name}.svg")));
    (!quick.is_empty(), path)
}

/// A progress bar with a message after it. Where there is no terminal, it draws nothing.
pub fn bar(steps: usize) -> Result<ProgressBar, Box<dyn Error>> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left, {msg}")?;
    Ok(ProgressBar::new(steps as u64).with_style(style))
}

/// Writes the losses of all steps as an SVG file, on a logarithmic axis: each one in grey, their running mean in blue.
pub fn write(path: &PathBuf, title: &str, losses: &[f64]) -> Result<(), Box<dyn Error>> {
    let (width, height, left, top) = (640.0, 360.0, 60.0, 30.0);
    let logs: Vec<f64> = losses.iter().map(|loss| loss.max(1e-12).log10()).collect();
    let low = logs.iter().copied().fold(f64::INFINITY, f64::min).floor();
    let high = logs.iter().copied().fold(low + 1.0, f64::max).ceil();
    let y = |log: f64| top + height * (high - log) / (high - low);
    let line = |color: &str, logs: &[f64]| {
        let mut points = String::new();
        for (step, &log) in logs.iter().enumerate() {
            let x = left + width * step as f64 / losses.len() as f64;
            let _ = write!(points, "{x:.1},{:.1} ", y(log)); // a String takes everything
        }
        format!("<polyline fill=\"none\" stroke=\"{color}\" points=\"{points}\"/>\n")
    };
    let mut mean = logs.first().copied().unwrap_or(0.0);
    let means: Vec<f64> = logs
        .iter()
        .map(|log| {
            mean += 0.05 * (log - mean);
            mean
        })
        .collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 430\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"720\" height=\"430\" fill=\"white\"/>\n<text x=\"{left}\" y=\"20\">{title}</text>\n"
    );
    let mut power = low;
    while power <= high {
        let at = y(power);
        writeln!(
            svg,
            "<path stroke=\"#ddd\" d=\"M{left} {at:.1}h{width}\"/><text x=\"10\" y=\"{:.1}\">1e{power}</text>",
            at + 4.0
        )?;
        power += 1.0;
    }
    svg += &line("#bbb", &logs);
    svg += &line("#15c", &means);
    writeln!(
        svg,
        "<text x=\"{}\" y=\"412\">{} steps</text>\n</svg>",
        left + width - 70.0,
        losses.len()
    )?;
    fs::write(path, svg)?;
    println!("the loss of every step: {}", path.display());
    Ok(())
}
