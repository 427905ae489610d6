//! `Family`: the cases and the tensors of one directory of golden data.

use super::Outcome;
use super::data;
use ndarray::{Array2, Array3, ArrayD, IxDyn};
use recurrent::Element;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

pub struct Family {
    pub cases: Vec<Value>,
    folder: PathBuf,
    tensors: HashMap<String, ArrayD<f64>>,
}

impl Family {
    /// Reads the family that is to run: see [`data::chosen`].
    pub fn chosen(name: &str) -> Outcome<Option<Self>> {
        data::chosen(name).map(Self::open).transpose()
    }

    #[allow(dead_code)] // not every test program has one
    /// Reads a family that `tests/data/make_NAME.py` made.
    pub fn made(name: &str) -> Outcome<Self> {
        Self::open(data::tests().join("data").join(name))
    }

    fn open(folder: PathBuf) -> Outcome<Self> {
        let mut family = Family {
            cases: Vec::new(),
            folder,
            tensors: HashMap::new(),
        };
        family.cases = serde_json::from_slice(&family.read("cases.json")?)?;
        if family.cases.is_empty() {
            return Err(format!("{} has no cases", family.folder.display()).into());
        }
        let bytes = family.read("tensors.safetensors")?;
        for (name, view) in SafeTensors::deserialize(&bytes)?.tensors() {
            let data = view.data();
            let numbers: Vec<f64> = match view.dtype() {
                Dtype::F32 => data
                    .as_chunks()
                    .0
                    .iter()
                    .map(|b| f32::from_le_bytes(*b).into())
                    .collect(),
                Dtype::F64 => data
                    .as_chunks()
                    .0
                    .iter()
                    .map(|b| f64::from_le_bytes(*b))
                    .collect(),
                other => return Err(format!("tensor {name} is {other:?}").into()),
            };
            let array = ArrayD::from_shape_vec(IxDyn(view.shape()), numbers)?;
            family.tensors.insert(name, array);
        }
        Ok(family)
    }

    /// A file of the family.
    pub fn read(&self, file: &str) -> Outcome<Vec<u8>> {
        let path = self.folder.join(file);
        Ok(std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?)
    }

    /// A tensor by its name in JSON. Every number is exact in `f64`.
    pub fn tensor(&self, name: &Value) -> Outcome<&ArrayD<f64>> {
        let found = name.as_str().and_then(|name| self.tensors.get(name));
        found.ok_or_else(|| format!("no tensor {name}").into())
    }

    /// Whether a value names a tensor anywhere in it.
    pub fn names_tensor(&self, value: &Value) -> bool {
        data::mentions(value, &|name| self.tensors.contains_key(name))
    }

    pub fn array3<A: Element>(&self, name: &Value) -> Outcome<Array3<A>> {
        Ok(self.tensor(name)?.mapv(A::from_f64).into_dimensionality()?)
    }

    pub fn mask(&self, name: &Value) -> Outcome<Array2<bool>> {
        Ok(self
            .tensor(name)?
            .mapv(|real| real != 0.0)
            .into_dimensionality()?)
    }
}

/// Two axes, in the type of the test.
pub fn matrix<A: Element>(array: &ArrayD<f64>) -> Outcome<Array2<A>> {
    Ok(array.mapv(A::from_f64).into_dimensionality()?)
}
