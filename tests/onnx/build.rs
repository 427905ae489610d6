//! Models in ONNX from their parts, as Protocol Buffers: for what no exporter writes.

/// A field of bytes.
pub fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(bytes.len() as u64), bytes].concat()
}

/// A field that is a whole number.
pub fn int(number: u8, value: i64) -> Vec<u8> {
    [&key(number, 0)[..], &varint(value.cast_unsigned())].concat()
}

fn key(number: u8, wire: u8) -> Vec<u8> {
    varint(u64::from(number) << 3 | u64::from(wire))
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// An option of a node.
pub enum Attribute {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<&'static str>),
    Tensor(Vec<u8>),
    Graph(Vec<u8>),
}

impl Attribute {
    fn bytes(&self, name: &str) -> Vec<u8> {
        let float = |number, x: &f32| [&key(number, 5)[..], &x.to_le_bytes()].concat();
        let (kind, value) = match self {
            Attribute::Float(x) => (1, float(2, x)),
            Attribute::Int(n) => (2, int(3, *n)),
            Attribute::Text(text) => (3, field(4, text.as_bytes())),
            Attribute::Tensor(tensor) => (4, field(5, tensor)),
            Attribute::Graph(graph) => (5, field(6, graph)),
            Attribute::Floats(list) => (6, list.iter().flat_map(|x| float(7, x)).collect()),
            Attribute::Ints(list) => (7, list.iter().flat_map(|&n| int(8, n)).collect()),
            Attribute::Texts(list) => (
                8,
                list.iter().flat_map(|t| field(9, t.as_bytes())).collect(),
            ),
        };
        let kind = [&key(20, 0)[..], &varint(kind)].concat();
        [field(1, name.as_bytes()), value, kind].concat()
    }
}

/// A node: the operator, its name, inputs, outputs, options.
pub fn node(
    op: &str,
    name: &str,
    inputs: &[&str],
    outputs: &[&str],
    options: &[(&str, Attribute)],
) -> Vec<u8> {
    let list = |number, names: &[&str]| -> Vec<u8> {
        names
            .iter()
            .flat_map(|name| field(number, name.as_bytes()))
            .collect()
    };
    let options = options
        .iter()
        .map(|(name, value)| field(5, &value.bytes(name)));
    let options: Vec<u8> = options.flatten().collect();
    let names = [field(3, name.as_bytes()), field(4, op.as_bytes())].concat();
    [list(1, inputs), list(2, outputs), names, options].concat()
}

fn tensor_of(name: &str, dims: &[usize], kind: i64, raw: Vec<u8>) -> Vec<u8> {
    let dims = dims
        .iter()
        .flat_map(|&n| int(1, i64::try_from(n).unwrap()))
        .collect();
    [
        dims,
        int(2, kind),
        field(8, name.as_bytes()),
        field(9, &raw),
    ]
    .concat()
}

/// An array of floating-point numbers in another file: the keys that tell where.
pub fn external(name: &str, dims: &[usize], keys: &[(&str, &str)]) -> Vec<u8> {
    let dims = dims.iter().flat_map(|&n| int(1, i64::try_from(n).unwrap()));
    let entry = |(key, value): &(&str, &str)| {
        let entry = [field(1, key.as_bytes()), field(2, value.as_bytes())].concat();
        field(13, &entry)
    };
    let keys: Vec<u8> = keys.iter().flat_map(entry).collect();
    let name = field(8, name.as_bytes());
    [dims.collect(), int(2, 1), name, keys, int(14, 1)].concat()
}

/// An array of bytes: of int8 if they are signed, of uint8 if not.
pub fn bytes(name: &str, dims: &[usize], is_signed: bool, raw: &[u8]) -> Vec<u8> {
    tensor_of(name, dims, if is_signed { 3 } else { 2 }, raw.to_vec())
}

/// The node as one of another domain.
pub fn of_domain(node: &[u8], domain: &str) -> Vec<u8> {
    [node, &field(7, domain.as_bytes())].concat()
}

/// An array of floating-point numbers.
pub fn floats(name: &str, dims: &[usize], numbers: &[f32]) -> Vec<u8> {
    tensor_of(
        name,
        dims,
        1,
        numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
    )
}

/// An array of whole numbers.
pub fn ints(name: &str, dims: &[usize], numbers: &[i64]) -> Vec<u8> {
    tensor_of(
        name,
        dims,
        7,
        numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
    )
}

/// A graph of nodes, initialisers, and the names of its inputs.
pub fn graph(nodes: &[Vec<u8>], initializers: &[Vec<u8>], inputs: &[&str]) -> Vec<u8> {
    let nodes = nodes.iter().map(|node| field(1, node));
    let initializers = initializers.iter().map(|array| field(5, array));
    let inputs = inputs
        .iter()
        .map(|name| field(11, &field(1, name.as_bytes())));
    nodes.chain(initializers).chain(inputs).flatten().collect()
}

/// A model of this graph.
pub fn model(graph: &[u8]) -> Vec<u8> {
    [int(1, 8), field(7, graph)].concat()
}
