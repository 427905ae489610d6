//! `kind: "pipeline"`: layers of all kinds in a `Model`, with masks flowing.

use super::Outcome;
use super::compare::Precision;
use super::family::{Family, matrix};
use super::fields::Fields;
use super::layer::layer;
use super::weights::Weights;
use ndarray::{Array3, ArrayD};
use recurrent::{
    BatchNormalization, Conv1d, Dense, Dropout, Embedding, GlobalPooling1d, LayerNormalization,
    Masking, Model, RepeatVector, Softmax, SpatialDropout1d, TimeDistributed,
};
use serde_json::Value;

/// Builds the model of a case and runs it.
pub fn output<A: Precision>(family: &Family, case: &Fields) -> Outcome<ArrayD<A>> {
    let (model, _) = model::<A>(family, case)?;
    let x = family.tensor(case.get("x")?)?.mapv(A::from_f64);
    Ok(model.forward(&x)?)
}

/// Masks of dropout, by the paths of their layers.
pub type Masks = Vec<(String, ArrayD<f64>)>;

/// The model of a case, whose layers have the names `layer0`, `layer1` …, and the masks of its dropout.
pub fn model<A: Precision>(family: &Family, case: &Fields) -> Outcome<(Model<A>, Masks)> {
    let mut model = Model::new();
    let (mut first, mut masks) = ("", Vec::new());
    for (at, value) in case.list("layers")?.iter().enumerate() {
        let spec = Fields::new(value)?;
        let class = spec.text("class")?;
        let weights = Weights::new(family, spec.get("weights")?)?;
        let name = format!("layer{at}");
        model = add::<A>(model, &name, class, spec.get("config")?, weights)
            .map_err(|e| format!("layer {class}: {e}"))?;
        first = if first.is_empty() { class } else { first };
        if let Some(mask) = spec.optional("dropout_mask") {
            masks.push((name, family.tensor(mask)?.clone()));
        }
        spec.done()?;
    }
    if case.bool("x_is_tokens")? != (first == "Embedding") {
        return Err("tokens belong to a model that begins with an Embedding".into());
    }
    Ok((model, masks))
}

/// Adds a layer of a case under this name.
pub fn add<A: Precision>(
    model: Model<A>,
    name: &str,
    class: &str,
    config: &Value,
    mut weights: Weights,
) -> Outcome<Model<A>> {
    let fields = Fields::new(config)?;
    let model = match class {
        "Dense" => return Ok(model.add_as(name, dense::<A>(config, weights)?)),
        "TimeDistributed" => {
            let inner = Fields::new(fields.get("layer")?)?;
            let class = inner.text("class")?;
            if class != "Dense" {
                return Err(format!("unknown layer {class:?} inside").into());
            }
            let dense = dense::<A>(inner.get("config")?, weights.part("layer"))?;
            inner.done()?;
            model.add_as(name, TimeDistributed::new(dense))
        }
        "Embedding" => {
            let table = matrix(&weights.take("embeddings")?)?;
            if table.dim() != (fields.count("input_dim")?, fields.count("output_dim")?) {
                return Err(format!("the table has shape {:?}", table.shape()).into());
            }
            let table = Embedding::from_weights(table)?;
            model.add_as(name, table.mask_zero(fields.bool("mask_zero")?))
        }
        "Masking" => {
            let value = A::from_f64(fields.number("mask_value")?);
            model.add_as(name, Masking::new(value))
        }
        "RepeatVector" => model.add_as(name, RepeatVector::new(fields.count("n")?)),
        "GlobalAveragePooling1D" => model.add_as(name, GlobalPooling1d::average()),
        "LayerNormalization" => {
            let [gamma, beta] = gamma_and_beta(&fields, &mut weights)?;
            let norm = LayerNormalization::over(&[axis(&fields)?], gamma, beta)?;
            model.add_as(name, norm.epsilon(fields.number("epsilon")?))
        }
        "BatchNormalization" => {
            let vector =
                |array: Option<ArrayD<A>>| array.map(ArrayD::into_dimensionality).transpose();
            let [gamma, beta] = gamma_and_beta(&fields, &mut weights)?;
            let mut moving = |name| weights.take(name).map(|array| array.mapv(A::from_f64));
            let mean = moving("moving_mean")?.into_dimensionality()?;
            let variance = moving("moving_variance")?.into_dimensionality()?;
            let norm =
                BatchNormalization::from_weights(vector(gamma)?, vector(beta)?, mean, variance)?;
            let norm = norm.axis(axis(&fields)?).epsilon(fields.number("epsilon")?);
            model.add_as(name, norm.momentum(fields.number("momentum")?))
        }
        "Conv1D" => {
            let kernel: Array3<A> = weights
                .take("kernel")?
                .mapv(A::from_f64)
                .into_dimensionality()?;
            let bias = weights
                .optional("bias")
                .map(|bias| bias.mapv(A::from_f64).into_dimensionality());
            if kernel.dim().0 != fields.count("kernel_size")?
                || kernel.dim().2 != fields.count("filters")?
                || bias.is_some() != fields.bool("use_bias")?
            {
                return Err("the weights are not those of the configuration".into());
            }
            let conv = Conv1d::builder()
                .strides(fields.count("strides")?)
                .dilation_rate(fields.count("dilation_rate")?)
                .groups(fields.count("groups")?)
                .padding(fields.text("padding")?.parse()?)
                .activation(fields.activation("activation")?);
            model.add_as(name, conv.from_weights(kernel, bias.transpose()?)?)
        }
        "Dropout" => {
            fields.ignore(&["seed"]);
            let dropout = Dropout::new(fields.number("rate")?)?;
            let shape = fields.nullable("noise_shape")?.cloned();
            let shape: Option<Vec<Option<usize>>> =
                shape.map(serde_json::from_value).transpose()?;
            model.add_as(
                name,
                shape
                    .iter()
                    .fold(dropout, |dropout, shape| dropout.noise_shape(shape)),
            )
        }
        "SpatialDropout1D" => {
            fields.ignore(&["seed"]);
            model.add_as(name, SpatialDropout1d::new(fields.number("rate")?)?)
        }
        "Softmax" => {
            if fields.optional("axis").is_some_and(|axis| *axis != -1) {
                return Err("Softmax over another axis than the last".into());
            }
            model.add_as(name, Softmax::new())
        }
        _ => {
            let layer = layer::<A>(class, config, weights)?;
            return Ok(model.add_as(name, layer.into_layer(false)?));
        }
    };
    fields.done()?;
    weights.done()?;
    Ok(model)
}

fn axis(config: &Fields) -> Outcome<isize> {
    Ok(serde_json::from_value(config.get("axis")?.clone())?)
}

/// What a normalisation learns.
fn gamma_and_beta<A: Precision>(
    config: &Fields,
    weights: &mut Weights,
) -> Outcome<[Option<ArrayD<A>>; 2]> {
    let mut array = |name| weights.optional(name).map(|array| array.mapv(A::from_f64));
    let [gamma, beta] = ["gamma", "beta"].map(&mut array);
    if (gamma.is_some(), beta.is_some()) != (config.bool("scale")?, config.bool("center")?) {
        return Err("the weights are not those of the configuration".into());
    }
    Ok([gamma, beta])
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
