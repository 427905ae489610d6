//! `Target`: a format, its files, and its reader.

use crate::configs;
use crate::format::{self, Arrays, hdf5, json, npy, npz, onnx, safetensors, zip};
use crate::mutate::Mutator;
use recurrent::{
    Activation, Deep, Gru, Limits, Lstm, Model, Result, SimpleRnn, amp, keras, saved, torch,
};
use std::path::Path;

#[derive(Clone, Copy)]
pub enum Target {
    Amp,
    Configs,
    Hdf5,
    Json,
    Keras,
    Kinds,
    Nodes,
    Npy,
    Npz,
    Onnx,
    Safetensors,
    Saved,
    Torch,
    Zip,
}

/// The configuration of the files in `data/field/windows_keras`.
const CONFIG: &str = include_str!("../../data/field/windows_keras/config.json");

/// Where the files of the tests are.
const DIRECTORIES: [&str; 17] = [
    "data/amps",
    "golden/adversarial",
    "golden/keras_files/models",
    "golden/onnx/models",
    "golden/torch/models",
    "data/field/conv2d_front",
    "data/field/json_nan",
    "data/field/onnx",
    "data/field/own_model",
    "data/field/same_inner_names",
    "data/field/windows_keras",
    "data/format",
    "data/format/hostile",
    "data/keras_files/models",
    "data/keras_ops/models",
    "data/onnx/models",
    "data/torch/models",
];

impl Target {
    pub fn named(name: &str) -> std::result::Result<Self, String> {
        Ok(match name {
            "amp" => Target::Amp,
            "configs" => Target::Configs,
            "hdf5" => Target::Hdf5,
            "json" => Target::Json,
            "keras" => Target::Keras,
            "kinds" => Target::Kinds,
            "nodes" => Target::Nodes,
            "npy" => Target::Npy,
            "npz" => Target::Npz,
            "onnx" => Target::Onnx,
            "safetensors" => Target::Safetensors,
            "saved" => Target::Saved,
            "torch" => Target::Torch,
            "zip" => Target::Zip,
            other => return Err(format!("no target {other:?}")),
        })
    }

    /// The files of the tests in this format.
    pub fn corpus(self) -> std::result::Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
        let ends: &[&str] = match self {
            Target::Amp => &["json", "nam"],
            Target::Configs => &[],
            // The checksums of a `.keras` archive would keep most changes from its reader.
            Target::Hdf5 | Target::Keras => &["h5"],
            Target::Json => &["keras", "json"],
            Target::Kinds => &[""],
            Target::Npy | Target::Npz => &["npz"],
            Target::Onnx | Target::Nodes => &["onnx"],
            Target::Safetensors | Target::Torch => &["safetensors"],
            Target::Saved => &["keras"],
            Target::Zip => &["keras", "npz"],
        };
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or("no parent")?;
        if let Target::Configs = self {
            return Ok(configs::corpus(&tests.join("data"), member));
        }
        let mut corpus = Vec::new();
        // Files that no reader reads are small; of the others there would be too many.
        let directories: &[&str] = match self {
            Target::Amp => &["data/amps"],
            Target::Kinds => &["data/field/not_a_model", "golden/onnx/models"],
            _ => &DIRECTORIES,
        };
        for directory in directories {
            let mut paths: Vec<_> = std::fs::read_dir(tests.join(directory))?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<std::io::Result<_>>()?;
            paths.sort();
            for path in paths {
                let is_one = |end: &std::ffi::OsStr| ends.iter().any(|e| *e == end);
                if ends == [""] || path.extension().is_some_and(is_one) {
                    let bytes = std::fs::read(&path)?;
                    self.add(&bytes, &mut corpus);
                }
            }
        }
        // Large files take the time of many small ones.
        corpus.retain(|bytes| bytes.len() < 1 << 18);
        Ok(corpus)
    }

    /// Adds a file, or what is in it.
    fn add(self, bytes: &[u8], corpus: &mut Vec<Vec<u8>>) {
        let archive = zip::Archive::open(bytes, &Limits::default());
        match (self, archive) {
            (Target::Json, Ok(archive)) => {
                corpus.extend(archive.text("config.json").ok().map(String::into_bytes))
            }
            (Target::Npy, Ok(archive)) => {
                let members = archive.names().filter_map(|name| archive.read(name).ok());
                corpus.extend(members.map(|member| member.into_owned()));
            }
            // Models of Keras as files of this crate.
            (Target::Saved, Ok(_)) => {
                let model = keras::read::<f32>(bytes);
                corpus.extend(model.and_then(|model| saved::write(&model)).ok());
            }
            _ => corpus.push(bytes.to_vec()),
        }
    }

    /// Whether files are read alone. A model that runs may need much memory, and one that does not is no step to others.
    pub fn is_frugal(self) -> bool {
        !matches!(self, Target::Configs)
    }

    /// A changed file.
    pub fn change(self, mutator: &mut Mutator, corpus: &[Vec<u8>]) -> Vec<u8> {
        match self {
            Target::Configs => configs::change(mutator, corpus),
            _ => mutator.change(corpus),
        }
    }

    /// Reads everything that is there, as far as it goes: each part even if another one is broken.
    pub fn read(self, bytes: &[u8]) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let mut limits = Limits::default();
        // There are bombs among the files, and they are sound ones.
        limits.inflated_bytes = 16 << 20;
        match self {
            Target::Amp => {
                let amp = amp::read_within::<f32>(bytes, &limits)?;
                drop(amp.model.summary().to_string());
                let x = vec![0.5; 1 + amp.knobs];
                amp.model.into_stream(1)?.push_slice(&x)?;
            }
            Target::Configs => {
                let data = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("data");
                configs::read(&data, bytes, &limits, member)?;
            }
            Target::Hdf5 => read_hdf5(&hdf5::File::open(bytes, &limits)?)?,
            Target::Keras => {
                let reader = keras::Reader::within(&limits);
                let weights = reader.read_weights(bytes);
                let weights = weights.and_then(|weights| read_layers(&weights));
                // Weights with backslashes in the names of their groups have no configuration beside them.
                let parts = reader.clone().version("2.15.0".parse()?);
                drop(parts.read_parts::<f32>(CONFIG, bytes));
                let model = reader.read::<f32>(bytes)?;
                drop(model.summary().to_string());
                weights?;
            }
            Target::Kinds => all([
                keras::read::<f32>(bytes).map(drop),
                keras::Weights::read(bytes).map(drop),
                saved::read_within::<Model<f32>>(bytes, &limits).map(drop),
                torch::File::read_within(bytes, &limits).map(drop),
                recurrent::npz::File::read_within(bytes, &limits).map(drop),
                recurrent::onnx::File::read_within(bytes, &limits).map(drop),
            ]
            .into_iter())?,
            Target::Nodes => {
                let mut file = recurrent::onnx::File::read_within(bytes, &limits)?;
                // What is beside a model is as long as the golden one's file, and has other numbers.
                let beside = vec![0x3c; 55_296];
                for name in file.external_names() {
                    file = file.external(name, beside.clone());
                }
                let nodes = all(file.names()?.iter().map(|name| read_node(&file, name)));
                nodes.and(read_initializers(&file))?;
            }
            Target::Torch => read_module(&torch::File::read_within(bytes, &limits)?)?,
            Target::Json => {
                let text = String::from_utf8_lossy(bytes);
                let python = json::parse_python(&text, "fuzz", &limits);
                drop(python.as_ref().map(json::shown));
                json::parse(&text, "fuzz", &limits).and(python).map(drop)?;
            }
            Target::Npy => npy::open(bytes, &limits)?.read::<f64>().map(drop)?,
            Target::Npz => read_arrays(&npz::File::open(bytes, &limits)?)?,
            Target::Onnx => {
                let model = onnx::Model::open(bytes.into(), &limits)?;
                let source = onnx::Source {
                    bytes: bytes.into(),
                    beside: &onnx::Alone,
                };
                read_onnx(&model.graph, source)?;
            }
            Target::Safetensors => read_arrays(&safetensors::File::open(bytes, &limits)?)?,
            Target::Saved => saved::read_within::<Model<f32>>(bytes, &limits).map(drop)?,
            Target::Zip => {
                let archive = zip::Archive::open(bytes, &limits)?;
                all(archive.names().map(|name| archive.read(name).map(drop)))?;
            }
        }
        Ok(())
    }
}

/// A file of an archive.
fn member(archive: &[u8], name: &str) -> Option<Vec<u8>> {
    let archive = zip::Archive::open(archive, &Limits::default()).ok()?;
    Some(archive.read(name).ok()?.into_owned())
}

/// Runs all of them, and returns the first error.
fn all<E>(results: impl Iterator<Item = std::result::Result<(), E>>) -> std::result::Result<(), E> {
    let mut all = Ok(());
    for result in results {
        all = all.and(result);
    }
    all
}

fn read_arrays(arrays: &impl Arrays) -> format::Result<()> {
    all(arrays.names()?.iter().map(|name| {
        let tensor = arrays.tensor(name)?;
        tensor.read::<f32>()?;
        let floats = || tensor.check_floats().and_then(|()| tensor.read::<f64>());
        let integers = tensor.read_integers().map(drop);
        integers.or_else(|_| floats().map(drop))
    }))
}

/// Every layer as every kind of layer; most refuse all kinds but one.
fn read_layers(weights: &keras::Weights) -> Result<()> {
    let names = weights.layers().iter().map(keras::LayerWeights::name);
    all(names.map(|name| {
        let arrays = weights.arrays::<f32>(name).map(drop);
        let rnn = weights.simple_rnn::<f32>(name).map(drop);
        let lstm = weights.lstm::<f32>(name).map(drop);
        let gru = weights.gru::<f32>(name).map(drop);
        let dense = weights.dense::<f32>(name).map(drop);
        let table = weights.embedding::<f32>(name).map(drop);
        arrays.and(rnn.or(lstm).or(gru).or(dense).or(table))
    }))
}

/// As every kind of layer; the module of a golden file has no prefix. Once more without its biases, and as a part.
fn read_module(file: &torch::File) -> Result<()> {
    let some = file.clone().ignore_prefix("bias_").ignore("weight_hr_l0");
    let part = file.under("module.");
    read_as_layers(file)
        .or(read_as_layers(&some))
        .or(read_as_layers(&part))
}

fn read_as_layers(file: &torch::File) -> Result<()> {
    let lstm = file.lstm::<f32, Deep<Lstm<f32>>>("").map(drop);
    let gru = file.gru::<f32, Deep<Gru<f32>>>("").map(drop);
    let rnn = file.rnn::<f32, Deep<SimpleRnn<f32>>>("", Activation::Tanh);
    lstm.or(gru).or(rnn.map(drop))
}

fn read_node(file: &recurrent::onnx::File, name: &str) -> Result<()> {
    let node = file.node::<f32>(name)?;
    let lstm = node.clone().lstm::<Deep<Lstm<f32>>>().map(drop);
    let gru = node.clone().gru::<Deep<Gru<f32>>>().map(drop);
    lstm.or(gru)
        .or(node.rnn::<Deep<SimpleRnn<f32>>>().map(drop))
}

fn read_initializers(file: &recurrent::onnx::File) -> Result<()> {
    all(file.initializers()?.iter().map(|array| {
        let floats = file.array::<f32, ndarray::IxDyn>(&array.name).map(drop);
        floats.or_else(|_| file.integers::<ndarray::IxDyn>(&array.name).map(drop))
    }))
}

fn read_onnx(graph: &onnx::Graph, source: onnx::Source) -> format::Result<()> {
    let branches = graph.nodes.iter().flat_map(|node| &node.attributes);
    let branches = branches.map(|attribute| match &attribute.value {
        onnx::Value::Graph(graph) => read_onnx(graph, source),
        onnx::Value::Tensor(tensor) => tensor.tensor(source)?.read::<f32>().map(drop),
        _ => Ok(()),
    });
    all(branches).and(read_arrays(&onnx::Initializers { graph, source }))
}

fn read_hdf5(file: &hdf5::File) -> format::Result<()> {
    let mut results = Vec::new();
    // A walk ends at the first broken object; then there are still those that Keras would ask for.
    let walk = file.walk(|object| {
        for name in object.attributes().unwrap_or_default() {
            results.push(object.texts(name).map(drop));
            if let Ok(Some(attribute)) = object.attribute(name) {
                results.push(attribute.texts().map(drop));
                results.push(
                    attribute
                        .tensor()
                        .and_then(|tensor| tensor.read::<f32>())
                        .map(drop),
                );
            }
        }
        if !object.is_group() {
            results.push(
                object
                    .tensor()
                    .and_then(|tensor| tensor.read::<f32>())
                    .map(drop),
            );
        }
        Ok(())
    });
    for path in [
        "layers/lstm/cell/vars/0",
        "layers/gru/cell/vars/1",
        "model_weights/lstm",
    ] {
        results.push(
            file.object(path)
                .and_then(|object| object.tensor())
                .map(drop),
        );
    }
    walk.and(all(results.into_iter()))
}
