//! How the layers of a loaded model are wired, checked before the model runs.

use super::{Model, Placed};
use crate::Element;
use crate::describe::{In, Saved};
use crate::error::{Error, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

#[cfg(feature = "saved")] // for the documentation, which does not see that of the module
impl<A: Element> Saved for Model<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("model")?;
        let names: Vec<String> = from.get("names")?;
        let mut layers = Vec::new();
        for (at, name) in names.into_iter().enumerate() {
            let layer = from.layer(&format!("{at}"))?;
            layers.push(Placed { name, layer });
        }
        let mut model = Model {
            layers,
            inputs: from.get("inputs")?,
            calls: from.get("calls")?,
            outputs: from.get("outputs")?,
            values: 0,
            notes: from.get("notes")?,
        };
        model.check_wiring(from)?;
        Ok(model)
    }
}

impl<A: Element> Model<A> {
    /// Counts the values, and refuses calls that take or give others than there are.
    fn check_wiring(&mut self, from: &In) -> Result<()> {
        let calls = self.calls.iter().map(|call| call.outputs);
        self.values = calls.fold(self.inputs.len(), usize::saturating_add);
        from.check_count("values", self.values)?;
        let mut known = vec![false; self.values];
        for input in &self.inputs {
            give(&mut known, input.value)?;
        }
        let mut homes = vec![None; self.layers.len()];
        for (at, call) in self.calls.iter().enumerate() {
            let layer = self.layers.get(call.layer);
            let most = layer.map_or(0, |placed| placed.layer.output_count());
            if !(1..=most).contains(&call.outputs) {
                return Err(refuse(format!(
                    "{} outputs of layer {}",
                    call.outputs, call.layer
                )));
            }
            if *homes[call.layer].get_or_insert(at) != call.home {
                return Err(refuse(format!(
                    "call {} as the first of its layer",
                    call.home
                )));
            }
            take(&known, &call.inputs)?;
            (0..call.outputs).try_for_each(|i| give(&mut known, call.first.saturating_add(i)))?;
        }
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Err(refuse("no inputs or no outputs".into()));
        }
        take(&known, &self.outputs)
    }
}

fn refuse(found: String) -> Error {
    Error::file("calls", "calls that fit together", found)
}

fn take(known: &[bool], values: &[usize]) -> Result<()> {
    let unknown = |&&value: &&usize| known.get(value) != Some(&true);
    match values.iter().find(unknown) {
        None => Ok(()),
        Some(value) => Err(refuse(format!("value {value}, which nothing gave before"))),
    }
}

fn give(known: &mut [bool], value: usize) -> Result<()> {
    match known.get_mut(value) {
        Some(known) if !*known => {
            *known = true;
            Ok(())
        }
        _ => Err(refuse(format!("value {value} once more, or of too many"))),
    }
}
