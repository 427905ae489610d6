//! The family `training_runs`: whole trainings, the loss of every step and the weights at the end.

use crate::common::Outcome;
use crate::common::compare::Precision;
use crate::common::family::{Family, matrix};
use crate::common::fields::Fields;
use crate::common::layer::layer;
use crate::common::pipeline::{add, dense};
use crate::common::report::check_all;
use crate::common::weights::Weights;
use crate::optimizers::read::{constraint, keras, regularizer};
use crate::torch_runs;
use ndarray::{ArrayD, Axis};
use recurrent::train::{
    Batch, Loss, OptimizerBuilder, Regularizer, Target, Training, TrainingBuilder,
};
use recurrent::{AnyLayer, IntoLayer, Model, ModelState, Tensor};
use serde_json::Value;

/// Compares numbers with their reference, and keeps the largest difference.
#[derive(Default)]
pub struct Worst {
    pub difference: f64,
}

impl Worst {
    pub fn see<A: Precision>(
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
pub struct Rows<'f> {
    family: &'f Family,
    order: &'f ArrayD<f64>,
    losses: &'f ArrayD<f64>,
}

impl<'f> Rows<'f> {
    pub fn new(family: &'f Family, case: &Fields) -> Outcome<Self> {
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
    pub fn of<A: Precision>(&self, name: &Value, step: usize) -> Outcome<ArrayD<A>> {
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
    pub fn run<A: Precision>(
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
pub fn whole(x: f64) -> usize {
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
    // The training has to find out by itself. `a_loss_sees_what_keras_sees` in `sums.rs` shows that it does.
    let is_dense = last["class"] == "Dense";
    let activation = last["config"]["activation"].as_str().unwrap_or("linear");
    let sees = is_dense && loss.of_scores(activation.parse()?).is_some();
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
pub fn entries(value: &Value) -> Outcome<impl Iterator<Item = (&String, &Value)>> {
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

/// The parts of an encoder and a decoder.
const NAMES: [&str; 5] = [
    "encoder_embedding",
    "encoder",
    "decoder_embedding",
    "decoder",
    "dense",
];

fn check_seq2seq<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    case.ignore(&[
        "id",
        "keras_own_f64_max_abs_diff",
        "keras_tensorflow_sparse_losses", // as above
        "keras_config",
        "note",
        "shapes",
    ]);
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
            class => layer::<A>(class, config, weights)?.into_layer(true)?,
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
    let encoded = graph.call_all(encoder, [x])?; // the last output, h and c
    let [teacher] = graph.call(decoder_embedding, [teacher])?;
    let decoded = graph.call_all(decoder, [teacher, encoded[1], encoded[2]])?;
    let [y] = graph.call(head, [decoded[0]])?;
    let model = graph.finish([y])?;

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

fn check_case<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    let difference = match (case.text("kind")?, case.text("cell")?) {
        ("training", "sequential") => check_sequential::<A>(family, case),
        ("training", "seq2seq") => check_seq2seq::<A>(family, case),
        ("torch_training", _) => torch_runs::check::<A>(family, case),
        other => Err(format!("unknown kind {other:?}").into()),
    }?;
    case.only_describes(family)?;
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
