//! The family `training_runs`: whole trainings, the loss of every step and the weights at the end.

use crate::common::Outcome;
use crate::common::compare::Precision;
use crate::common::family::{Family, matrix};
use crate::common::fields::Fields;
use crate::common::layer::layer;
use crate::common::pipeline::{add, dense};
use crate::common::report::check_all;
use crate::common::weights::Weights;
use crate::optimizers::read::{constraint, keras, regularizer, torch};
use ndarray::{Array2, ArrayD, Axis, Ix2, s};
use recurrent::torch::File;
use recurrent::train::{
    Batch, Impossible, Loss, OptimizerBuilder, Regularizer, Target, Training, TrainingBuilder,
};
use recurrent::{
    AnyLayer, Bidirectional, Deep, Dense, Gru, IntoLayer, Layer, Lstm, Model, ModelState, Tensor,
};
use serde_json::Value;

/// Compares numbers with their reference, and keeps the largest difference.
#[derive(Default)]
struct Worst {
    difference: f64,
}

impl Worst {
    fn see<A: Precision>(
        &mut self,
        what: &str,
        got: &ArrayD<A>,
        want: &ArrayD<f64>,
    ) -> Outcome<()> {
        if got.shape() != want.shape() {
            let (got, want) = (got.shape(), want.shape());
            return Err(format!("{what} has shape {got:?}, expected {want:?}").into());
        }
        let largest = want.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
        for (got, &want) in got.iter().zip(want) {
            let allowed = match A::NAME {
                "f64" => 1e-9 * want.abs().max(1.0),
                _ => 2e-5 * largest, // also after 36 steps: 6e-7 is the farthest
            };
            let difference = (got.as_f64() - want).abs();
            if difference.is_nan() || difference > allowed {
                let said = format!("{what} is {got}, expected {want}: by {difference:.1e}");
                return Err(said.into());
            }
            self.difference = self.difference.max(difference);
        }
        Ok(())
    }
}

/// The arrays of a case, of which each step takes some rows.
struct Rows<'f> {
    family: &'f Family,
    order: &'f ArrayD<f64>,
    losses: &'f ArrayD<f64>,
}

impl<'f> Rows<'f> {
    fn new(family: &'f Family, case: &Fields) -> Outcome<Self> {
        let rows = Rows {
            family,
            order: family.tensor(case.get("order")?)?,
            losses: family.tensor(case.get("losses")?)?,
        };
        let steps = case.count("steps")?;
        if rows.order.shape() != [steps, case.count("batch")?] || rows.losses.shape() != [steps] {
            return Err("the order and the losses are not those of the steps".into());
        }
        Ok(rows)
    }

    /// The rows of an array that a step takes.
    fn of<A: Precision>(&self, name: &Value, step: usize) -> Outcome<ArrayD<A>> {
        let array = self.family.tensor(name)?;
        let rows: Vec<usize> = self
            .order
            .index_axis(Axis(0), step)
            .mapv(whole)
            .into_iter()
            .collect();
        Ok(array.select(Axis(0), &rows).mapv(A::from_f64))
    }

    /// Runs all steps, each of which returns its loss.
    fn run<A: Precision>(
        &self,
        worst: &mut Worst,
        mut step: impl FnMut(usize) -> Outcome<f64>,
    ) -> Outcome<()> {
        for (at, &want) in self.losses.iter().enumerate() {
            let got = ndarray::arr0(A::from_f64(step(at)?)).into_dyn();
            let want = ndarray::arr0(want).into_dyn();
            worst.see(&format!("loss of step {at}"), &got, &want)?;
        }
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // row numbers and lengths
fn whole(x: f64) -> usize {
    x as usize
}

/// The loss of a case, behind a last layer.
fn keras_loss<A: Precision>(case: &Fields, last: &Value) -> Outcome<Loss<A>> {
    let fields = Fields::new(case.get("loss")?)?;
    let loss = match fields.text("class")? {
        "MeanSquaredError" => Loss::mean_squared_error(),
        "BinaryCrossentropy" => Loss::binary_crossentropy(),
        "SparseCategoricalCrossentropy" => Loss::sparse_categorical_crossentropy(),
        "CTC" => Loss::ctc(),
        other => return Err(format!("unknown loss {other:?}").into()),
    };
    let config = Fields::new(fields.get("config")?)?;
    if config.text("reduction")? != "sum_over_batch_size" {
        return Err("another reduction than the default".into());
    }
    config.done()?;
    // The training has to find out by itself. `a_loss_sees_what_keras_sees` in `steps.rs` shows that it does.
    let is_dense = last["class"] == "Dense";
    let activation = last["config"]["activation"].as_str().unwrap_or("linear");
    let sees = is_dense && loss.behind(activation.parse()?).is_some();
    if sees != fields.bool("sees_logits")? {
        return Err("whether the loss sees logits is another than in Keras".into());
    }
    fields.done()?;
    Ok(loss)
}

fn keras_optimizer<A: Precision>(case: &Fields) -> Outcome<(OptimizerBuilder<A>, bool)> {
    let fields = Fields::new(case.get("optimizer")?)?;
    let config = fields.get("config")?;
    let optimizer = keras(fields.text("class")?, config, fields.nullable("schedule")?)?;
    fields.done()?;
    Ok((optimizer, config["use_ema"] == true))
}

/// The entries of an object.
fn entries(value: &Value) -> Outcome<impl Iterator<Item = (&String, &Value)>> {
    Ok(value.as_object().ok_or("not an object")?.iter())
}

/// What a case says of one layer beside its configuration.
fn options<A: Precision>(
    name: &str,
    spec: &Fields,
    mut builder: TrainingBuilder<A>,
    mut optimizer: OptimizerBuilder<A>,
) -> Outcome<(TrainingBuilder<A>, OptimizerBuilder<A>)> {
    let class = |value: &Value| -> Outcome<String> {
        Ok(value["class"].as_str().ok_or("no class")?.into())
    };
    for (weight, value) in entries(spec.get("regularizers")?)? {
        let penalty: Regularizer = regularizer(&class(value)?, &value["config"])?;
        builder = builder.regularizer([format!("{name}/{weight}")], penalty);
    }
    for (weight, value) in entries(spec.get("constraints")?)? {
        let bound = constraint(&class(value)?, &value["config"])?;
        optimizer = optimizer.constraint([format!("{name}/{weight}")], bound);
    }
    if !spec.bool("trainable")? {
        builder = builder.freeze([name]);
    }
    Ok((builder, optimizer))
}

/// Compares the weights of a layer, all of them.
fn finals<A: Precision>(
    worst: &mut Worst,
    family: &Family,
    model: &Model<A>,
    name: &str,
    wanted: &Value,
) -> Outcome<usize> {
    let mut found = 0;
    for (weight, want) in entries(wanted)? {
        // TimeDistributed adds no level to paths.
        let path = format!("{name}/{}", weight.strip_prefix("layer/").unwrap_or(weight));
        worst.see(&path, &model.get(&path)?, family.tensor(want)?)?;
        found += 1;
    }
    Ok(found)
}

fn check_sequential<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    // What Keras' f64, in which factors go through f32, and the rows that TensorFlow squares one by one do to the losses:
    // here an embedding has one gradient, the sum. And the whole model once more, as Keras describes it.
    case.ignore(&[
        "id",
        "keras_own_f64_max_abs_diff",
        "keras_tensorflow_sparse_losses",
        "keras_config",
        "note",
        "shapes",
        "y_is_classes", // all targets are numbers of the type of the model
    ]);
    let specs = case.list("layers")?;
    let last = specs.last().ok_or("no layers")?;
    if case.bool("x_is_tokens")? != (specs[0]["class"] == "Embedding") {
        return Err("tokens belong to a model that begins with an Embedding".into());
    }
    let mut model = Model::<A>::new();
    for (at, value) in specs.iter().enumerate() {
        let spec = Fields::new(value)?;
        let weights = Weights::new(family, spec.get("weights")?)?;
        let name = format!("layer{at}");
        model = add(
            model,
            &name,
            spec.text("class")?,
            spec.get("config")?,
            weights,
        )?;
    }
    let (mut optimizer, use_ema) = keras_optimizer(case)?;
    let mut builder = Training::of(model).loss(keras_loss(case, last)?);
    for (at, value) in specs.iter().enumerate() {
        let spec = Fields::new(value)?;
        spec.ignore(&["class", "config", "weights", "final"]); // read before, and at the end
        (builder, optimizer) = options(&format!("layer{at}"), &spec, builder, optimizer)?;
        spec.done()?;
    }
    let mut training = builder.optimizer(optimizer).build()?;
    let rows = Rows::new(family, case)?;
    let resets: Vec<usize> = serde_json::from_value(case.get("reset_before")?.clone())?;
    let (x, y) = (case.get("x")?, case.get("y")?);
    let mut worst = Worst::default();
    let is_stateful = specs.iter().any(|spec| spec["config"]["stateful"] == true);
    let mut state: Option<ModelState> = None;
    rows.run::<A>(&mut worst, |at| {
        let (x, y) = (rows.of(x, at)?, rows.of::<A>(y, at)?);
        let mut batch = Batch::new(&x, &y);
        if let Some(state) = state
            .take()
            .filter(|_| is_stateful && !resets.contains(&at))
        {
            batch = batch.initial_state(state);
        }
        let step = training.step(&batch)?;
        state = Some(step.state);
        Ok(step.loss)
    })?;
    if use_ema {
        training.overwrite_with_averages()?; // as `fit` does at its end
    }
    let model = training.into_model();
    let mut found = 0;
    for (at, spec) in specs.iter().enumerate() {
        found += finals(
            &mut worst,
            family,
            &model,
            &format!("layer{at}"),
            &spec["final"],
        )?;
    }
    if found != model.weights().len() {
        return Err("not as many final weights as weights".into());
    }
    Ok(worst.difference)
}

fn check_seq2seq<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    case.ignore(&[
        "id",
        "keras_own_f64_max_abs_diff",
        "keras_tensorflow_sparse_losses", // as above
        "keras_config",
        "note",
        "shapes",
    ]);
    const NAMES: [&str; 5] = [
        "encoder_embedding",
        "encoder",
        "decoder_embedding",
        "decoder",
        "dense",
    ];
    let parts = Fields::new(case.get("parts")?)?;
    let mut graph = Model::<A>::graph();
    let mut ids = Vec::new();
    for name in NAMES {
        let spec = Fields::new(parts.get(name)?)?;
        spec.ignore(&["final"]); // at the end
        let mut weights = Weights::new(family, spec.get("weights")?)?;
        let config = spec.get("config")?;
        let part: Box<dyn AnyLayer<A>> = match spec.text("class")? {
            "Embedding" => {
                let fields = Fields::new(config)?;
                let table = matrix(&weights.take("embeddings")?)?;
                if table.dim() != (fields.count("input_dim")?, fields.count("output_dim")?) {
                    return Err(format!("the table has shape {:?}", table.shape()).into());
                }
                let table = recurrent::Embedding::from_weights(table)?;
                let table = table.mask_zero(fields.bool("mask_zero")?);
                fields.done()?;
                weights.done()?;
                table.into_layer()
            }
            "Dense" => dense(config, weights)?.into_layer(),
            class => layer::<A>(class, config, weights)?.into_layer(true),
        };
        spec.done()?;
        ids.push(graph.layer(name, part)?);
    }
    parts.done()?;
    let [encoder_embedding, encoder, decoder_embedding, decoder, head] = ids[..] else {
        return Err("not five parts".into());
    };
    let (x, teacher) = (graph.input("x"), graph.input("teacher"));
    let [x] = graph.call(encoder_embedding, [x])?;
    let encoded = graph.call_all(encoder, &[x])?; // the last output, h and c
    let [teacher] = graph.call(decoder_embedding, [teacher])?;
    let decoded = graph.call_all(decoder, &[teacher, encoded[1], encoded[2]])?;
    let [y] = graph.call(head, [decoded[0]])?;
    let model = graph.finish(&[y])?;

    let (optimizer, use_ema) = keras_optimizer(case)?;
    if use_ema {
        return Err("averages".into());
    }
    let loss = keras_loss(case, &case.get("parts")?["dense"])?;
    let mut training = Training::of(model)
        .loss(loss)
        .optimizer(optimizer)
        .build()?;
    let rows = Rows::new(family, case)?;
    let (x, teacher, y) = (case.get("x")?, case.get("teacher")?, case.get("y")?);
    let mut worst = Worst::default();
    rows.run::<A>(&mut worst, |at| {
        let inputs = [x, teacher].map(|name| rows.of::<A>(name, at));
        let mut tensors = Vec::new();
        for input in inputs {
            tensors.push(Tensor::new(&input?));
        }
        let y = rows.of(y, at)?;
        Ok(training
            .step(&Batch::all(tensors, vec![Target::new(&y)]))?
            .loss)
    })?;
    let model = training.model();
    let mut found = 0;
    for name in NAMES {
        let wanted = &case.get("parts")?[name]["final"];
        found += finals(&mut worst, family, model, name, wanted)?;
    }
    if found != model.weights().len() {
        return Err("not as many final weights as weights".into());
    }
    Ok(worst.difference)
}

/// A recurrent module of PyTorch and a Linear behind it.
fn check_torch<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
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
    let model = training.model();
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
    let directions: &[(&str, &str)] = match both {
        false => &[("", "")],
        true => &[("forward/", ""), ("backward/", "_reverse")],
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
    Ok(worst.difference)
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

fn check_case<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    let difference = match (case.text("kind")?, case.text("cell")?) {
        ("training", "sequential") => check_sequential::<A>(family, case),
        ("training", "seq2seq") => check_seq2seq::<A>(family, case),
        ("torch_training", _) => check_torch::<A>(family, case),
        other => Err(format!("unknown kind {other:?}").into()),
    }?;
    case.done()?;
    Ok(difference)
}

#[test]
fn training_runs_f64() {
    check_all("training_runs", "f64", check_case::<f64>);
}

#[test]
fn training_runs_f32() {
    check_all("training_runs", "f32", check_case::<f32>);
}
