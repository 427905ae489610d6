//! ONNX: golden models, and messages made here.

use crate::says::says;
use crate::support::{json, read};
use recurrent::Limits;
use recurrent::format::onnx::{Alone, Initializers, Model, Source, Value};
use recurrent::format::{Arrays, Number};

#[test]
fn golden_models() {
    let limits = Limits::default();
    let cases = json("golden/onnx/cases.json");
    assert!(cases.as_array().unwrap().len() > 20);
    for case in cases.as_array().unwrap() {
        let bytes = read(&format!("golden/onnx/{}", case["file"].as_str().unwrap()));
        let model = Model::open((&bytes).into(), &limits).unwrap();
        assert_eq!(model.opsets, [(String::new(), 14)]);
        assert!(model.ir_version > 6);
        let [node] = &model.graph.nodes[..] else {
            panic!("{}: {} nodes", case["id"], model.graph.nodes.len());
        };
        assert_eq!(node.op_type, case["cell"]);
        check_attributes(&case["config"], node);
        for (index, name) in [
            "X",
            "W",
            "R",
            "B",
            "sequence_lens",
            "initial_h",
            "initial_c",
            "P",
        ]
        .iter()
        .enumerate()
        {
            let given = case["inputs"]
                .get(name)
                .is_some_and(|input| !input.is_null());
            assert_eq!(node.input(index).is_some(), given, "{}: {name}", case["id"]);
        }
        check_inputs(case, &model, &bytes);
    }
}

fn check_attributes(config: &serde_json::Value, node: &recurrent::format::onnx::Node) {
    for attribute in &node.attributes {
        let expected = &config[&attribute.name];
        match &attribute.value {
            Value::Int(n) => assert_eq!(expected.as_i64(), Some(*n), "{}", attribute.name),
            Value::Float(x) => {
                let expected = expected.as_f64().unwrap();
                assert!(
                    (f64::from(*x) - expected).abs() < 1e-7,
                    "{}",
                    attribute.name
                );
            }
            Value::Text(text) => assert_eq!(expected.as_str().map(str::as_bytes), Some(&text[..])),
            Value::Floats(xs) => {
                let expected = expected
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|x| x.as_f64().unwrap());
                for (x, expected) in xs.iter().zip(expected) {
                    assert!(
                        (f64::from(*x) - expected).abs() < 1e-7,
                        "{}",
                        attribute.name
                    );
                }
            }
            Value::Texts(texts) => {
                let expected = expected
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|x| x.as_str().unwrap().as_bytes());
                assert!(
                    texts.iter().map(Vec::as_slice).eq(expected),
                    "{}",
                    attribute.name
                );
            }
            _ => panic!("{} has an unknown type", attribute.name),
        }
    }
    assert!(matches!(
        node.attribute("hidden_size"),
        Some(Value::Int(1..))
    ));
    assert!(node.attribute("none").is_none());
}

/// The arrays of a model that was read from these bytes.
fn arrays<'s>(model: &'s Model, bytes: &'s [u8]) -> Initializers<'s> {
    Initializers {
        graph: &model.graph,
        source: Source {
            bytes: bytes.into(),
            beside: &Alone,
        },
    }
}

fn check_inputs(case: &serde_json::Value, model: &Model, bytes: &[u8]) {
    let tensors = read("golden/onnx/tensors.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&tensors).unwrap();
    for (name, input) in case["inputs"].as_object().unwrap() {
        let Some(golden) = input.as_str() else {
            continue;
        };
        let golden = tensors.tensor(golden).unwrap();
        if ["W", "R", "B", "P"].contains(&name.as_str()) {
            let array = arrays(model, bytes).get::<f32>(name).unwrap();
            assert_eq!(array.shape(), golden.shape(), "{name}");
            let bytes: Vec<_> = array.iter().flat_map(|x| x.to_le_bytes()).collect();
            assert_eq!(bytes, golden.data(), "{name}");
        } else {
            let info = model
                .graph
                .inputs
                .iter()
                .find(|info| info.name == *name)
                .unwrap();
            let lengths = info.shape.as_ref().unwrap();
            assert_eq!(lengths.len(), golden.shape().len(), "{name}");
            let number = if name == "sequence_lens" {
                Number::I32
            } else {
                Number::F32
            };
            assert_eq!(info.number, Some(number), "{name}");
        }
    }
    for output in case["outputs"].as_array().unwrap() {
        let name = output["name"].as_str().unwrap();
        assert!(
            model.graph.outputs.iter().any(|info| info.name == name),
            "{name}"
        );
    }
}

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap());
    field.extend(bytes);
    field
}

/// A model with this initialiser "W" of type `data_type` and shape (2,).
fn with_initializer(data_type: u8, data: &[u8]) -> Vec<u8> {
    let tensor = [&[0x08, 2, 0x10, data_type][..], &field(8, b"W"), data].concat();
    field(7, &field(5, &tensor))
}

#[test]
fn numbers_are_read_from_the_field_of_their_kind() {
    let limits = Limits::default();
    let get = |bytes: Vec<u8>| {
        let model = Model::open((&bytes).into(), &limits).unwrap();
        let numbers = arrays(&model, &bytes)
            .tensor("W")
            .and_then(|tensor| tensor.numbers::<f64>());
        numbers.map(|numbers| numbers.into_iter().collect::<Vec<_>>())
    };
    let floats: Vec<_> = [1.5f32, -2.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let doubles: Vec<_> = [1.5f64, -2.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let minus_two = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    let packed = [&[3][..], &minus_two].concat();
    let plain = |number: u8| [&[number << 3, 3, number << 3][..], &minus_two].concat();
    // Packed, one field each, and raw.
    assert_eq!(
        get(with_initializer(1, &field(4, &floats))).unwrap(),
        [1.5, -2.0]
    );
    let each = [&[4 << 3 | 5][..], &floats[..4], &[4 << 3 | 5], &floats[4..]].concat();
    assert_eq!(get(with_initializer(1, &each)).unwrap(), [1.5, -2.0]);
    assert_eq!(
        get(with_initializer(1, &field(9, &floats))).unwrap(),
        [1.5, -2.0]
    );
    assert_eq!(
        get(with_initializer(11, &field(10, &doubles))).unwrap(),
        [1.5, -2.0]
    );
    assert_eq!(
        get(with_initializer(7, &field(7, &packed))).unwrap(),
        [3.0, -2.0]
    );
    assert_eq!(get(with_initializer(7, &plain(7))).unwrap(), [3.0, -2.0]);
    for small in [3, 5, 6] {
        assert_eq!(
            get(with_initializer(small, &plain(5))).unwrap(),
            [3.0, -2.0]
        );
    }
    assert_eq!(
        get(with_initializer(9, &field(5, &[0, 2]))).unwrap(),
        [0.0, 1.0]
    );
    // 1 and 2 as float16, by their bits.
    assert_eq!(
        get(with_initializer(
            10,
            &field(5, &[0x80, 0x78, 0x80, 0x80, 1])
        ))
        .unwrap(),
        [1.0, 2.0]
    );
    assert_eq!(
        get(with_initializer(13, &field(11, &[1, 2]))).unwrap(),
        [1.0, 2.0]
    );
    says(
        get(with_initializer(1, &field(9, &floats[..5]))),
        &["W", "8 bytes for the shape [2]", "5 bytes"],
    );
    says(get(with_initializer(1, &[])), &["8 bytes", "0 bytes"]);
    says(get(with_initializer(8, &[])), &["W", "data type 8"]);
    says(
        get(with_initializer(1, &[3 << 3 | 2, 0])),
        &["one piece", "a segment"],
    );
    let bytes = with_initializer(7, &field(7, &[1, 2]));
    let model = Model::open((&bytes).into(), &limits).unwrap();
    says(
        arrays(&model, &bytes).get::<f32>("W"),
        &["W", "floating-point", "int64"],
    );
}

#[test]
fn data_elsewhere_is_refused() {
    let bytes = read("golden/adversarial/external_data.onnx");
    let model = Model::open((&bytes).into(), &Limits::default()).unwrap();
    says(
        arrays(&model, &bytes).get::<f32>("W"),
        &["W", "external data", "etc/passwd", "a step out of a folder"],
    );
}

#[test]
fn limits_hold() {
    let limits = Limits::default();
    let open = |bytes: &[u8]| Model::open(bytes.into(), &limits).map(drop);
    says(
        open(b""),
        &["found an empty file, expected a model in ONNX"],
    );
    says(open(&[8, 7]), &["ONNX model", "a graph", "none"]);
    says(open(&[0x83, 1]), &["wire type", "3"]);
    says(
        open(&[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]),
        &["64 bits"],
    );
    says(
        open(&[
            0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ]),
        &["more bytes"],
    );
    // A graph in an attribute of a node of a graph …
    let mut deep = Vec::new();
    for _ in 0..100 {
        deep = field(
            1,
            &field(5, &[&[0xa0, 1, 5][..], &field(6, &deep)].concat()),
        );
    }
    says(open(&field(7, &deep)), &["nested at most 64 deep"]);
    let many = field(7, &field(1, b"").repeat(70_000));
    says(open(&many), &["ONNX node", "a node counts 16"]);
    let twice = field(5, &field(8, b"W")).repeat(2);
    says(open(&field(7, &twice)), &["two of \"W\""]);
}

/// A large file stays on disk: what is read of it is packed array by array. The layer takes what the node has.
#[test]
#[cfg(all(
    feature = "std",
    feature = "keras",
    feature = "npz",
    feature = "safetensors"
))]
fn arrays_of_a_large_file_are_in_memory_once() {
    const N: usize = 256;
    let rows = 4 * N;
    let array = |name: &[u8]| {
        let numbers: Vec<u8> = (0..rows * N).flat_map(|_| 0.5_f32.to_le_bytes()).collect();
        let dims = [0x08, 1, 0x08, 0x80, 8, 0x08, 0x80, 2, 0x10, 1];
        field(
            5,
            &[&dims[..], &field(8, name), &field(9, &numbers)].concat(),
        )
    };
    let names = [&b"X"[..], b"W", b"R"].map(|name| field(1, name));
    let node = [names.concat(), field(2, b"Y"), field(4, b"LSTM")].concat();
    let model = [field(1, &node), array(b"W"), array(b"R")].concat();
    let path = std::env::temp_dir().join(format!("recurrent-peak-{}.onnx", std::process::id()));
    std::fs::write(&path, field(7, &model)).unwrap();
    let arrays = 2 * rows * N * 4;
    let (opening, file) = crate::memory::peak(|| recurrent::onnx::File::load(&path).unwrap());
    assert!(opening < arrays / 4, "opening took {opening}");
    let (reading, node) = crate::memory::peak(|| file.only::<f32>().unwrap());
    assert!(
        reading < arrays / 10 * 17,
        "a node of {arrays} bytes took {reading}"
    );
    let (making, layer) = crate::memory::peak(|| node.lstm::<recurrent::Lstm<f32>>().unwrap());
    assert!(making < 4096, "a layer of {arrays} bytes took {making}");
    drop((file, layer));
    std::fs::remove_file(&path).unwrap();
}
