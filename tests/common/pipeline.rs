//! `kind: "pipeline"`: layers of all kinds in a `Model`, with masks flowing.

use super::Outcome;
use super::compare::Precision;
use super::family::{Family, matrix};
use super::fields::Fields;
use super::layer::layer;
use super::weights::Weights;
use ndarray::ArrayD;
use recurrent::{Dense, Embedding, Masking, Model, RepeatVector, Softmax, TimeDistributed};
use serde_json::Value;

/// Builds the model of a case and runs it.
pub fn output<A: Precision>(family: &Family, case: &Fields) -> Outcome<ArrayD<A>> {
    let mut model = Model::new();
    let mut first = "";
    for value in case.list("layers")? {
        let spec = Fields::new(value)?;
        let class = spec.text("class")?;
        let weights = Weights::new(family, spec.get("weights")?)?;
        model = add::<A>(model, class, spec.get("config")?, weights)
            .map_err(|e| format!("layer {class}: {e}"))?;
        first = if first.is_empty() { class } else { first };
        spec.done()?;
    }
    if case.bool("x_is_tokens")? != (first == "Embedding") {
        return Err("tokens belong to a model that begins with an Embedding".into());
    }
    let x = family.tensor(case.get("x")?)?.mapv(A::from_f64);
    Ok(model.forward(&x)?)
}

fn add<A: Precision>(
    model: Model<A>,
    class: &str,
    config: &Value,
    mut weights: Weights,
) -> Outcome<Model<A>> {
    let fields = Fields::new(config)?;
    let model = match class {
        "Dense" => return Ok(model.add(dense::<A>(config, weights)?)),
        "TimeDistributed" => {
            let inner = Fields::new(fields.get("layer")?)?;
            let class = inner.text("class")?;
            if class != "Dense" {
                return Err(format!("unknown layer {class:?} inside").into());
            }
            let dense = dense::<A>(inner.get("config")?, weights.part("layer"))?;
            inner.done()?;
            model.add(TimeDistributed::new(dense))
        }
        "Embedding" => {
            let table = matrix(&weights.take("embeddings")?)?;
            if table.dim() != (fields.count("input_dim")?, fields.count("output_dim")?) {
                return Err(format!("the table has shape {:?}", table.shape()).into());
            }
            model.add(Embedding::from_weights(table)?.mask_zero(fields.bool("mask_zero")?))
        }
        "Masking" => model.add(Masking::new(A::from_f64(fields.number("mask_value")?))),
        "RepeatVector" => model.add(RepeatVector::new(fields.count("n")?)),
        "Softmax" => {
            if fields.optional("axis").is_some_and(|axis| *axis != -1) {
                return Err("Softmax over another axis than the last".into());
            }
            model.add(Softmax::new())
        }
        _ => return Ok(model.add(layer::<A>(class, config, weights)?.into_layer(false))),
    };
    fields.done()?;
    weights.done()?;
    Ok(model)
}

/// A dense layer by its configuration.
pub fn dense<A: Precision>(config: &Value, mut weights: Weights) -> Outcome<Dense<A>> {
    let config = Fields::new(config)?;
    let kernel = matrix(&weights.take("kernel")?)?;
    let bias = weights
        .optional("bias")
        .map(|bias| bias.mapv(A::from_f64).into_dimensionality());
    weights.done()?;
    if bias.is_some() != config.bool("use_bias")? || kernel.ncols() != config.count("units")? {
        return Err("the weights are not those of the configuration".into());
    }
    let activation = config.activation("activation")?;
    config.done()?;
    Ok(Dense::from_weights(kernel, bias.transpose()?)?.with_activation(activation)?)
}
