//! `cargo run --release --features keras,npz --example predict -- model.keras inputs.npz outputs.npz`: runs a model that
//! Keras saved on arrays that NumPy saved.
//!
//! ```python
//! np.savez("inputs.npz", **{i.name: x for i, x in zip(model.inputs, inputs)})  # or input_0=..., or by place alone
//! np.load("outputs.npz")["output_0"]                                           # what model.predict(inputs) returns
//! ```

use ndarray::ArrayD;
use recurrent::{Element, Model, Tensor, keras, npz};
use std::fmt::Write;
use std::process::ExitCode;
use std::{env, error::Error};

const USAGE: &str = "\
Runs a model of Keras on arrays of NumPy.

usage: predict [--f64] [--summary] MODEL [INPUTS OUTPUTS]

  MODEL      .keras, or .h5 of a whole model
  INPUTS     .npz with the model's inputs under their names; or input_0, input_1 ... or arr_0, arr_1 ...
             in the model's order. Token ids may be whole numbers. The first axis counts samples.
  OUTPUTS    the .npz to write: output_0, output_1 ...
  --f64      compute in and write float64 instead of float32
  --summary  print the layers of the model; then INPUTS and OUTPUTS may be left out
  -h         print this
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments say, and returns what is to be printed.
pub fn run(arguments: &[String]) -> Result<String, Box<dyn Error>> {
    let (mut wide, mut summary, mut paths) = (false, false, Vec::new());
    for argument in arguments {
        match argument.as_str() {
            "-h" | "--help" => return Ok(USAGE.into()),
            "--f64" => wide = true,
            "--summary" => summary = true,
            unknown if unknown.starts_with('-') => {
                return Err(format!("unknown argument {unknown}\n\n{USAGE}").into());
            }
            path => paths.push(path),
        }
    }
    let (model, files) = match paths[..] {
        [model] if summary => (model, None),
        [model, inputs, outputs] => (model, Some((inputs, outputs))),
        _ => {
            let found = paths.len();
            return Err(format!("expected MODEL INPUTS OUTPUTS, found {found}\n\n{USAGE}").into());
        }
    };
    Ok(if wide {
        predict::<f64>(model, summary, files)?
    } else {
        predict::<f32>(model, summary, files)?
    })
}

fn predict<A: Element>(
    path: &str,
    summary: bool,
    files: Option<(&str, &str)>,
) -> Result<String, Box<dyn Error>> {
    let model: Model<A> = keras::load(path)?;
    let mut text = String::new();
    if summary {
        text = format!("{}\n", model.summary());
    }
    let Some((inputs, outputs)) = files else {
        return Ok(text);
    };
    let file = npz::File::load(inputs)?;
    let mut flows = Vec::new();
    let names = names(&model, &file).map_err(|error| format!("{inputs}: {error}"))?;
    for (name, (of, _)) in names.iter().zip(model.inputs()) {
        let x: ArrayD<A> = file.array(name)?;
        line(&mut text, name, x.shape(), of);
        flows.push(Tensor::new(&x));
    }
    let results = model.forward_all(flows)?;
    let mut arrays = Vec::new();
    for (n, (result, (of, _))) in results.iter().zip(model.outputs()).enumerate() {
        let name = format!("output_{n}");
        line(&mut text, &name, result.values.shape(), of);
        arrays.push((name, result.values.view()));
    }
    let arrays: Vec<_> = arrays.iter().map(|(n, y)| (n.as_str(), y.view())).collect();
    npz::save(outputs, &arrays)?;
    Ok(text)
}

/// Under which names the inputs lie in the file. All are named in one manner: in a file by place, `input_1` is the second
/// array, while many a model has a first input of that name.
pub fn names<A: Element>(model: &Model<A>, file: &npz::File) -> Result<Vec<String>, String> {
    let numbered = |word: &str| {
        (0..model.inputs().len())
            .map(|n| format!("{word}_{n}"))
            .collect()
    };
    let manners: [Vec<String>; 3] = [
        model.inputs().map(|(name, _)| name.into()).collect(),
        numbered("input"),
        numbered("arr"),
    ];
    let there = |names: &&Vec<String>| names.iter().all(|name| file.names().contains(name));
    if let Some(names) = manners.iter().find(there) {
        return Ok(names.clone());
    }
    let shapes = model
        .inputs()
        .map(|(name, shape)| format!("{name} {shape}"));
    let (shapes, places) = (shapes.collect::<Vec<_>>().join(", "), manners[1].join(", "));
    let found = file.names().join(", ");
    Err(format!("found {found}; expected {shapes}, or {places}"))
}

fn line(text: &mut String, name: &str, shape: &[usize], of: &str) {
    let shape = format!("{shape:?}");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<16}{shape:<20}{of}");
}
