//! Models of GuitarML (NeuralPi, Proteus) and of the training scripts that they come from: one recurrent module, and a
//! linear one.

use super::chain::Chain;
use super::part::Part;
use super::state_dict::{Cell, StateDict};
use crate::error::Result;
use crate::{Element, Model};
use alloc::format;

/// What the script calls its two modules.
const REC: &str = "rec.";
const LIN: &str = "lin.";

/// Reads the model, and the number of its inputs.
pub fn read<A: Element>(file: &Part) -> Result<(Model<A>, usize)> {
    let data = file.need("model_data")?;
    if let Some(model) = data.get("model")
        && model.text()? != "SimpleRNN"
    {
        return Err(model.refuse("SimpleRNN: one recurrent module, and a linear one"));
    }
    let unit_type = data.need("unit_type")?;
    let cell = match unit_type.text()? {
        "LSTM" => Cell::Lstm,
        "GRU" => Cell::Gru,
        "RNN" => Cell::Rnn,
        _ => return Err(unit_type.refuse("LSTM, GRU or RNN")),
    };
    let inputs = data.need("input_size")?.size()?;
    // The script adds the input unless it is told not to; the plug-ins always do.
    let skip = match data.get("skip") {
        None => 1,
        Some(skip) => match skip.value.as_bool() {
            Some(yes) => usize::from(yes),
            None => skip.whole_number()?,
        },
    };
    let dict = StateDict::read(&file.need("state_dict")?)?;
    dict.check(&[REC, LIN])?;
    let mut chain = Chain::new(inputs, 1.0)?;
    dict.recurrent(&mut chain, REC, cell)?;
    agrees(&data, "hidden_size", chain.width())?;
    dict.linear(&mut chain, LIN)?;
    agrees(&data, "output_size", chain.width())?;
    let model = chain.finish(skip, 1.0);
    Ok((model.map_err(|error| error.within(&data.name))?, inputs))
}

/// Refuses a size that is not that of the arrays.
fn agrees(data: &Part, key: &str, expected: usize) -> Result<()> {
    match data.get(key) {
        Some(part) if part.size()? != expected => {
            Err(part.refuse(format!("{expected}, as the arrays have")))
        }
        _ => Ok(()),
    }
}
