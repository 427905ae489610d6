//! The kind `torch_training` of the family `training_runs`.

use crate::common::Outcome;
use crate::common::compare::Precision;
use crate::common::family::Family;
use crate::common::fields::Fields;
use crate::optimizers::read::torch;
use crate::runs::{Rows, Worst, entries, whole};
use ndarray::{Array2, ArrayD, Axis, Ix2, s};
use recurrent::torch::File;
use recurrent::train::{Batch, Impossible, Loss, Target, Training};
use recurrent::{AnyLayer, Bidirectional, Deep, Dense, Gru, Layer, Lstm, Model, Tensor};
use serde_json::Value;

/// A recurrent module of PyTorch and a Linear behind it.
pub fn check<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    case.ignore(&["id", "note", "shapes"]);
    let config = Fields::new(case.get("config")?)?;
    let mut arrays = Vec::new();
    for (name, tensor) in entries(case.get("weights")?)? {
        arrays.push((name.clone(), family.tensor(tensor)?.mapv(A::from_f64)));
    }
    let file = File::from_arrays(arrays)?;
    let mode = config.text("mode")?;
    if mode != case.text("cell")? || !config.bool("batch_first")? {
        return Err("a mode that is not the cell, or time first".into());
    }
    config.ignore(&[
        "bias",
        "hidden_size",
        "input_size",
        "nonlinearity",
        "num_layers",
    ]); // the arrays tell
    if config.count("num_layers")? != 1 || config.count("proj_size")? != 0 {
        return Err("several layers, or a projection".into());
    }
    let both = config.bool("bidirectional")?;
    let rnn: Box<dyn AnyLayer<A>> = match (mode, both) {
        ("LSTM", false) => sequences(file.lstm::<A, Deep<Lstm<A>>>("rnn.")?),
        ("GRU", true) => sequences(file.gru::<A, Deep<Bidirectional<Gru<A>, Gru<A>>>>("rnn.")?),
        other => return Err(format!("a training of {other:?}").into()),
    };
    let kernel: Array2<A> = file.array("head.weight")?;
    if kernel.nrows() != config.count("outputs")? {
        return Err("the head has other outputs".into());
    }
    config.done()?;
    let head = Dense::from_weights(kernel.t().to_owned(), Some(file.array("head.bias")?))?;
    let model = Model::new().add_as("rnn", rnn).add_as("head", head);

    let is_ctc = match case.text("loss")? {
        "MSELoss" => false,
        "CTCLoss" => true,
        other => return Err(format!("unknown loss {other:?}").into()),
    };
    let loss = if is_ctc {
        Loss::torch_ctc().impossible(Impossible::Zero) // `zero_infinity`
    } else {
        Loss::torch_mse()
    };
    let spec = Fields::new(case.get("optimizer")?)?;
    let (class, clip) = (spec.text("class")?, case.nullable("clip")?);
    let mut optimizer = torch::<A>(class, spec.get("config")?, clip)?;
    if mode == "LSTM" {
        // PyTorch's LSTM adds up two biases, here there is their sum. Both have the gradient of the sum. So both make the
        // same moves, and a sum that learns twice as fast makes both of them. (A decoupled decay is that of the sum; at
        // twice the rate, half of it. A norm of all gradients would see the bias twice, and a coupled decay each bias.)
        let decay = spec.get("config")?["weight_decay"]
            .as_f64()
            .ok_or("no decay")?;
        if clip.is_some() || (decay != 0.0 && class != "AdamW") {
            return Err("two biases that are not as one at twice the rate".into());
        }
        optimizer = optimizer.group(["rnn/0/bias"], 2.0, decay / 2.0);
    }
    spec.done()?;
    let mut training = Training::of(model)
        .loss(loss)
        .optimizer(optimizer)
        .build()?;

    let rows = Rows::new(family, case)?;
    let (x, y) = (case.get("x")?, case.get("y")?);
    let all_lengths = case.nullable("lengths")?;
    let mut worst = Worst::default();
    rows.run::<A>(&mut worst, |at| {
        let (x, y) = (rows.of::<A>(x, at)?, rows.of::<A>(y, at)?);
        let lengths = all_lengths
            .map(|name| rows.of::<f64>(name, at))
            .transpose()?;
        let lengths: Option<Vec<usize>> =
            lengths.map(|lengths| lengths.into_iter().map(whole).collect());
        let every = Array2::from_elem((x.shape()[0], x.shape()[1]), true);
        let mut target = Target::new(&y);
        target = match &lengths {
            Some(lengths) if is_ctc => target.lengths(lengths),
            // A loss of PyTorch knows no mask: padded timesteps count, too.
            _ => target.mask(&every),
        };
        let mut batch = Batch::all(vec![Tensor::new(&x)], vec![target]);
        if let Some(lengths) = &lengths {
            batch = batch.lengths(lengths);
        }
        Ok(training.step(&batch)?.loss)
    })?;
    torch_finals(&mut worst, family, case, training.model(), mode, both)?;
    Ok(worst.difference)
}

/// Compares the weights of a module of PyTorch and its head, all of them.
fn torch_finals<A: Precision>(
    worst: &mut Worst,
    family: &Family,
    case: &Fields,
    model: &Model<A>,
    mode: &str,
    both: bool,
) -> Outcome<()> {
    let wanted = case.get("final")?;
    let array = |path: &str| model.get(path);
    worst.see(
        "head/kernel",
        &array("head/kernel")?,
        &transposed(family, &wanted["head.weight"])?,
    )?;
    worst.see(
        "head/bias",
        &array("head/bias")?,
        family.tensor(&wanted["head.bias"])?,
    )?;
    let mut found = 2;
    let directions: &[(&str, &str)] = if both {
        &[("forward/", ""), ("backward/", "_reverse")]
    } else {
        &[("", "")]
    };
    for (inner, suffix) in directions {
        let own = |name: &str| array(&format!("rnn/0/{inner}{name}"));
        let theirs = |name: &str| &wanted[format!("rnn.{name}_l0{suffix}")];
        for (ours, name) in [("kernel", "weight_ih"), ("recurrent_kernel", "weight_hh")] {
            let want = columns(mode, &transposed(family, theirs(name))?)?;
            worst.see(&format!("{inner}{ours}"), &own(ours)?, &want)?;
            found += 1;
        }
        let [ih, hh] = ["bias_ih", "bias_hh"].map(|name| family.tensor(theirs(name)));
        let (ih, hh) = (ih?, hh?);
        let want = if mode == "LSTM" {
            ih + hh
        } else {
            // The second bias of a GRU is inside of the reset, so ours has both.
            let row = |bias: &ArrayD<f64>| -> Outcome<ArrayD<f64>> {
                columns(mode, &bias.clone().insert_axis(Axis(0)))
            };
            ndarray::concatenate(Axis(0), &[row(ih)?.view(), row(hh)?.view()])?
        };
        worst.see(&format!("{inner}bias"), &own("bias")?, &want)?;
        found += 2;
    }
    if found != entries(wanted)?.count() || model.weights().len() != 2 + 3 * directions.len() {
        return Err("not as many final weights as weights".into());
    }
    Ok(())
}

/// A layer that gives its sequences, zeros at padded timesteps, as a packed sequence of PyTorch does.
fn sequences<A: Precision, R>(of: R) -> Box<dyn AnyLayer<A>>
where
    R: recurrent::Recurrent<Elem = A> + Send + Sync + 'static,
{
    Box::new(
        Layer::new(of)
            .return_sequences(true)
            .zero_output_for_mask(true),
    )
}

fn transposed(family: &Family, name: &Value) -> Outcome<ArrayD<f64>> {
    let array = family.tensor(name)?.clone().into_dimensionality::<Ix2>()?;
    Ok(array.t().to_owned().into_dyn())
}

/// The gates, which are columns, in our order: PyTorch's GRU has r, z, n, and z, r, n here.
fn columns(mode: &str, gates: &ArrayD<f64>) -> Outcome<ArrayD<f64>> {
    if mode != "GRU" {
        return Ok(gates.clone());
    }
    let gates = gates.view().into_dimensionality::<Ix2>()?;
    let units = gates.ncols() / 3;
    let gate = |n: usize| gates.slice(s![.., n * units..(n + 1) * units]);
    Ok(ndarray::concatenate(Axis(1), &[gate(1), gate(0), gate(2)])?.into_dyn())
}
