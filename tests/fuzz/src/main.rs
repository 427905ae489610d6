//! Changes the files of the tests at random, and reads them: nothing may panic, take long, or take much memory.
//!
//! `cargo run --release --manifest-path tests/fuzz/Cargo.toml -- TARGET SECONDS [SEED]`, TARGET one of `hdf5`, `json`,
//! `npy`, `npz`, `onnx`, `safetensors`, `zip`, which read bytes, or of `amp`, `configs` (of Keras, whose models run), `keras`, `nodes` (of ONNX), `saved` and `torch`, which
//! make models and layers of them, or `kinds`: every reader, given files of every format. A change that makes a reader say something new is kept and changed again. What goes wrong
//! is written to `TARGET.SEED.bad`, and the exit code is 1; `-- TARGET FILE` reads one file again.

extern crate alloc;

mod configs;
/// The readers of bytes, compiled once more: they are no part of the public interface.
#[allow(dead_code, unused_imports)]
#[path = "../../../src/format/mod.rs"]
mod format;
#[path = "../../../src/format/tests/memory.rs"]
mod memory;
mod mutate;
mod target;

use mutate::Mutator;
use recurrent::Limits;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use target::Target;

/// What reading may take, beside 16 times the size of the file: the limit of inflating, and half of it again.
const MEMORY: usize = 32 << 20;
const TIME: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "TARGET SECONDS [SEED], or TARGET FILE";
    let name = arguments.next().ok_or(usage)?;
    let seconds = arguments.next().ok_or(usage)?;
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let target = Target::named(&name)?;
    let Ok(seconds) = seconds.parse() else {
        let bytes = std::fs::read(&seconds)?;
        let start = Instant::now();
        let (memory, result) = memory::peak(|| target.read(&bytes));
        println!("{:?}, {memory} bytes: {result:?}", start.elapsed());
        return Ok(());
    };
    let mut corpus = target.corpus()?;
    let files = corpus.len();
    let mut mutator = Mutator::new(seed);
    let mut said = BTreeSet::new();
    let (mut runs, mut read, mut slowest, mut largest) = (0u64, 0u64, Duration::ZERO, 0);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let bytes = target.change(&mut mutator, &corpus);
        let start = Instant::now();
        let (memory, result) =
            memory::peak(|| catch_unwind(AssertUnwindSafe(|| target.read(&bytes))));
        let time = start.elapsed();
        let bad = match &result {
            Err(_) => Some("it panicked".to_owned()),
            // Once can be a pause of the machine.
            Ok(_) if time > TIME && again(target, &bytes) > TIME => {
                Some(format!("it took {time:?}"))
            }
            Ok(_) if target.is_frugal() && memory > MEMORY + 16 * bytes.len() => {
                Some(format!("it took {memory} bytes"))
            }
            Ok(_) => None,
        };
        if let Some(bad) = bad {
            let path = format!("{name}.{seed}.bad");
            std::fs::write(&path, &bytes)?;
            return Err(format!("{path}: {} bytes, after {runs} runs: {bad}", bytes.len()).into());
        }
        runs += 1;
        slowest = slowest.max(time);
        largest = largest.max(memory);
        match result {
            Ok(Ok(())) => read += 1,
            // The words without numbers and names tell which way the reader went.
            Ok(Err(error)) => {
                let error = error.to_string();
                let words = error.split(": found").last().unwrap_or_default();
                let words = words.split('"').step_by(2).flat_map(str::chars);
                let words: String = words.filter(char::is_ascii_alphabetic).take(120).collect();
                if said.len() < 5000 && said.insert(words) && target.is_frugal() {
                    corpus.push(bytes);
                }
            }
            Err(_) => {}
        }
    }
    let refused = runs - read;
    println!(
        "{name}: {runs} runs from {files} files, {read} read, {refused} refused in {} ways; at most {slowest:?}, {largest} bytes",
        said.len()
    );
    Ok(())
}

fn again(target: Target, bytes: &[u8]) -> Duration {
    let start = Instant::now();
    let _ = target.read(bytes);
    start.elapsed()
}
