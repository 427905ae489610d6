//! `Part`: a value of a JSON file with its place in the file, and the types that it can be asked for.

use crate::Element;
use crate::error::{Error, Result};
use crate::format::json::{self, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::{Array, Dimension, IntoDimension};

/// How many characters of a text an error shows.
const SHOWN: usize = 40;

/// A value of a file, and its place: `layers[2].weights[0]`.
pub struct Part<'j> {
    pub name: String,
    pub value: &'j Value,
    /// The largest number that a size may be.
    most: usize,
}

impl<'j> Part<'j> {
    /// The whole file. No size in it may be larger than `most`.
    pub fn whole(value: &'j Value, most: usize) -> Self {
        let name = String::new();
        Part { name, value, most }
    }

    fn inside(&self, name: String, value: &'j Value) -> Self {
        let most = self.most;
        Part { name, value, most }
    }

    fn name_of(&self, key: &str) -> String {
        match &*self.name {
            "" => key.to_string(),
            name => format!("{name}.{key}"),
        }
    }

    /// The value of a key; `None` if it is missing or null.
    pub fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.inside(self.name_of(key), value))
    }

    /// The value of a key that must be there.
    pub fn need(&self, key: &str) -> Result<Self> {
        let missing = || Error::file(self.name_of(key), "a value", "none");
        self.get(key).ok_or_else(missing)
    }

    /// The members of an object, sorted by name.
    pub fn members(&self) -> Result<Vec<(&'j str, Self)>> {
        let Some(object) = self.value.as_object() else {
            return Err(self.refuse("an object"));
        };
        let part = |(key, value): (&'j String, &'j Value)| {
            let part = self.inside(self.name_of(key), value);
            (key.as_str(), part)
        };
        Ok(object.iter().map(part).collect())
    }

    /// The parts of a list.
    pub fn list(&self) -> Result<Vec<Self>> {
        let Some(list) = self.value.as_array() else {
            return Err(self.refuse("a list"));
        };
        let part = |(at, value)| self.inside(format!("{}[{at}]", self.name), value);
        Ok(list.iter().enumerate().map(part).collect())
    }

    /// The last part of a list, or the value itself if it is none: files say `[null, null, 8]`, `[3]` or `3`.
    pub fn last(&self) -> Result<Self> {
        if !self.value.is_array() {
            return Ok(self.inside(self.name.clone(), self.value));
        }
        let last = self.list()?.pop();
        last.ok_or_else(|| self.refuse("a list that is not empty"))
    }

    /// A size, at least 1.
    pub fn size(&self) -> Result<usize> {
        match self.whole_number()? {
            0 => Err(self.refuse("at least 1")),
            size => Ok(size),
        }
    }

    /// A number of things, perhaps 0.
    pub fn whole_number(&self) -> Result<usize> {
        let number = self.value.as_u64().and_then(|n| usize::try_from(n).ok());
        let number = number.filter(|&number| number <= self.most);
        let expected = || format!("a whole number, at most {}", self.most);
        number.ok_or_else(|| self.refuse(expected()))
    }

    /// A finite number.
    pub fn number(&self) -> Result<f64> {
        let number = json::number(self.value).filter(|number| number.is_finite());
        number.ok_or_else(|| self.refuse("a finite number"))
    }

    pub fn text(&self) -> Result<&'j str> {
        let text = self.value.as_str();
        text.ok_or_else(|| self.refuse("a text"))
    }

    /// The shape of nested lists, by the first value of each.
    pub fn shape(&self) -> Vec<usize> {
        let (mut shape, mut value) = (Vec::new(), Some(self.value));
        while let Some(Value::Array(list)) = value {
            shape.push(list.len());
            value = list.first();
        }
        shape
    }

    /// Nested lists of this shape as an array. Each number is rounded once, to `A`.
    pub fn array<A: Element, I: IntoDimension>(&self, shape: I) -> Result<Array<A, I::Dim>> {
        let dim = shape.into_dimension();
        let (mut numbers, found) = (Vec::new(), self.shape());
        if found != dim.slice() {
            let found = match &found[..] {
                [] => self.said(),
                shape => format!("the shape {shape:?}"),
            };
            return Err(Error::file(
                &self.name,
                format!("numbers of the shape {:?}", dim.slice()),
                found,
            ));
        }
        self.fill(self.value, dim.slice(), &mut numbers)?;
        Ok(Array::from_shape_vec(dim, numbers)?)
    }

    fn fill<A: Element>(&self, value: &Value, shape: &[usize], to: &mut Vec<A>) -> Result<()> {
        let Some((&len, inner)) = shape.split_first() else {
            return self.push(value, to);
        };
        match value.as_array() {
            Some(list) if list.len() == len => list
                .iter()
                .try_for_each(|value| self.fill(value, inner, to)),
            _ => {
                let expected = format!("a list of {len}, as the one before it");
                Err(Error::file(&self.name, expected, said(value)))
            }
        }
    }

    fn push<A: Element>(&self, value: &Value, to: &mut Vec<A>) -> Result<()> {
        let number = json::number(value).map(A::from_f64);
        let number = number.filter(|number| number.is_finite());
        let wrong = || Error::file(&self.name, "finite numbers", said(value));
        to.push(number.ok_or_else(wrong)?);
        Ok(())
    }

    pub fn refuse(&self, expected: impl ToString) -> Error {
        Error::file(&self.name, expected, self.said())
    }

    fn said(&self) -> String {
        said(self.value)
    }
}

/// What a value is, in few words.
pub fn said(value: &Value) -> String {
    let text = match value {
        Value::Array(list) => return format!("a list of {}", list.len()),
        Value::Object(_) if json::number(value).is_none() => return "an object".into(),
        value => json::shown(value),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
