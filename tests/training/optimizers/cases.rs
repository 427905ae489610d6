//! Every case of the family `optimizers`: the weights after every step, the slots at the end.

use super::read::{constraint, keras, regularizer, schedule, torch};
use crate::Outcome;
use crate::data::least;
use crate::family::Family;
use crate::fields::Fields;
use crate::tally::Tally;
use ndarray::{ArrayD, Axis, arr0};
use recurrent::Element;
use recurrent::train::{Gradients, Optimizer};
use serde_json::Value;

/// How far a type may be from f64 reference data.
pub trait Precision: Element {
    const NAME: &'static str;

    /// How far a number may be from the reference, in units of [`scale`](Self::scale).
    const TOLERANCE: f64;

    /// The unit of the tolerance of a number, of an array whose largest is `largest`.
    fn scale(number: f64, largest: f64) -> f64;
}

impl Precision for f64 {
    const NAME: &'static str = "f64";
    const TOLERANCE: f64 = 1e-9;
    fn scale(number: f64, _: f64) -> f64 {
        number.abs().max(1.0)
    }
}

impl Precision for f32 {
    const NAME: &'static str = "f32";
    const TOLERANCE: f64 = 2e-5;
    fn scale(_: f64, largest: f64) -> f64 {
        largest.max(1.0)
    }
}

/// Compares an array with its reference, and keeps the largest difference.
pub struct Worst {
    pub difference: f64,
    tolerance: f64,
}

impl Worst {
    /// Differences up to this are none.
    pub fn within(tolerance: f64) -> Self {
        Worst {
            difference: 0.0,
            tolerance,
        }
    }

    pub fn compare<A: Precision>(
        &mut self,
        what: &str,
        got: &ArrayD<A>,
        want: &ArrayD<f64>,
    ) -> Outcome<()> {
        if got.shape() != want.shape() {
            let (got, want) = (got.shape(), want.shape());
            return Err(format!("{what} has shape {got:?}, expected {want:?}").into());
        }
        let largest = want.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        for (got, want) in got.iter().zip(want) {
            let difference = (got.as_f64() - want).abs() / A::scale(*want, largest);
            if difference.is_nan() || difference > self.tolerance {
                return Err(format!("{what} is {got}, expected {want}").into());
            }
            self.difference = self.difference.max(difference);
        }
        Ok(())
    }

    fn number<A: Precision>(&mut self, what: &str, got: f64, want: f64) -> Outcome<()> {
        let got = arr0(A::from_f64(got)).into_dyn();
        self.compare(what, &got, &arr0(want).into_dyn())
    }
}

fn check_family<A: Precision>() {
    let mut tally = Tally::new("optimizers");
    let family = Family::chosen("optimizers").expect("the family");
    if let Some(family) = family {
        tally.part(A::NAME);
        for case in &family.cases {
            let id = case["id"].as_str().unwrap_or_default();
            tally.case(id, || check_case::<A>(&family, case));
        }
    }
    tally.finish(least(77));
}

#[test]
fn optimizers_f64() {
    check_family::<f64>();
}

#[test]
fn optimizers_f32() {
    check_family::<f32>();
}

fn check_case<A: Precision>(family: &Family, case: &Value) -> Outcome<f64> {
    let fields = Fields::new(case)?;
    // How far Keras' own f64, in which factors go through f32, is from the reference.
    fields.ignore(&["id", "shapes", "keras_own_f64_max_abs_diff"]);
    let mut worst = Worst::within(A::TOLERANCE);
    match fields.text("kind")? {
        "keras_optimizer" => check_keras::<A>(family, &fields, &mut worst)?,
        "torch_optimizer" => check_torch::<A>(family, &fields, &mut worst)?,
        "schedule" => check_schedule::<A>(family, &fields, &mut worst)?,
        "regularizer" => check_regularizer::<A>(family, &fields, &mut worst)?,
        "constraint" => check_constraint::<A>(family, &fields, &mut worst)?,
        other => return Err(format!("unknown kind {other:?}").into()),
    }
    fields.only_describes(family)?;
    Ok(worst.difference)
}

/// The variables of a case: their names, values, gradients and paths.
struct Variables<'f, A> {
    weights: Vec<(String, ArrayD<A>)>,
    gradients: Vec<&'f ArrayD<f64>>,
    paths: Vec<&'f ArrayD<f64>>,
}

impl<'f, A: Precision> Variables<'f, A> {
    fn read(family: &'f Family, list: &[Fields]) -> Outcome<Self> {
        let mut variables = Variables {
            weights: Vec::new(),
            gradients: Vec::new(),
            paths: Vec::new(),
        };
        for fields in list {
            let initial = family.tensor(fields.get("initial")?)?.mapv(A::from_f64);
            variables
                .weights
                .push((fields.text("name")?.into(), initial));
            variables
                .gradients
                .push(family.tensor(fields.get("gradients")?)?);
            variables.paths.push(family.tensor(fields.get("path")?)?);
            fields.only_describes(family)?;
        }
        Ok(variables)
    }

    fn gradients_of(&self, step: usize) -> Gradients<A> {
        let arrays = self.weights.iter().zip(&self.gradients);
        let arrays = arrays.map(|((name, _), gradients)| {
            let gradient = gradients.index_axis(Axis(0), step);
            (name.clone(), gradient.mapv(A::from_f64))
        });
        Gradients::from_arrays(arrays.collect())
    }

    fn compare(&self, step: usize, worst: &mut Worst) -> Outcome<()> {
        for ((name, weight), path) in self.weights.iter().zip(&self.paths) {
            let want = path.index_axis(Axis(0), step).to_owned();
            worst.compare(&format!("{name} after step {step}"), weight, &want)?;
        }
        Ok(())
    }
}

fn check_keras<A: Precision>(family: &Family, fields: &Fields, worst: &mut Worst) -> Outcome<()> {
    let schedule = fields.nullable("schedule")?;
    let mut builder = keras::<A>(fields.text("cell")?, fields.get("config")?, schedule)?;
    let list = fields.list("variables")?.iter().map(Fields::new);
    let list = list.collect::<Outcome<Vec<_>>>()?;
    for variable in &list {
        let name = variable.text("name")?;
        if !variable.bool("decays")? {
            builder = builder.exclude_from_weight_decay([name]);
        }
        if let Some(given) = variable.nullable("constraint")? {
            let fields = Fields::new(given)?;
            let constraint = constraint(fields.text("class")?, fields.get("config")?)?;
            fields.done()?;
            builder = builder.constraint([name], constraint);
        }
    }
    let mut variables = Variables::<A>::read(family, &list)?;
    let mut optimizer = builder.build()?;
    let rates = fields.nullable("learning_rates")?;
    let rates = rates.map(|name| family.tensor(name)).transpose()?;
    for step in 0..fields.count("steps")? {
        if let Some(rates) = rates {
            worst.number::<A>("rate", optimizer.learning_rate(), rates[[step]])?;
        }
        let gradients = variables.gradients_of(step);
        optimizer.update_arrays(&mut variables.weights, &gradients)?;
        variables.compare(step, worst)?;
    }
    let averages = fields.nullable("ema")?;
    if let Some(averages) = averages {
        let averages = averages.as_array().ok_or("ema is no list")?;
        for ((name, _), average) in variables.weights.iter().zip(averages) {
            let got = optimizer.slot(name, "average").ok_or("no average")?;
            worst.compare("average", got, family.tensor(average)?)?;
        }
    }
    check_slots(family, fields.list("slots")?, &optimizer, &variables, worst)
}

/// The slots of the data are those of the optimiser, all of them.
fn check_slots<A: Precision>(
    family: &Family,
    slots: &[Value],
    optimizer: &Optimizer<A>,
    variables: &Variables<A>,
    worst: &mut Worst,
) -> Outcome<()> {
    let state = optimizer.state();
    let mut left: Vec<String> = Vec::new();
    for weight in &state.weights {
        let names = weight.slots.iter().map(|(name, _)| name);
        left.extend(names.map(|name| format!("{}_{name}", weight.path)));
    }
    for slot in slots {
        let fields = Fields::new(slot)?;
        let (name, want) = (fields.text("name")?, family.tensor(fields.get("tensor")?)?);
        fields.only_describes(family)?;
        if name == "u_product" {
            worst.number::<A>(name, state.product, *want.first().ok_or("no number")?)?;
            continue;
        }
        let found = variables.weights.iter().find_map(|(path, weight)| {
            let kind = name.strip_prefix(&**path)?.strip_prefix('_')?;
            let slot = optimizer.slot(path, kind).cloned();
            // Between two updates there is none.
            let is_sum = kind == "gradient_accumulator";
            slot.or(is_sum.then(|| ArrayD::zeros(weight.raw_dim())))
        });
        worst.compare(name, &found.ok_or_else(|| format!("no slot {name}"))?, want)?;
        left.retain(|left| left != name);
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(format!("slots that Keras does not have: {left:?}").into())
}

fn check_torch<A: Precision>(family: &Family, fields: &Fields, worst: &mut Worst) -> Outcome<()> {
    let (config, clip) = (fields.get("config")?, fields.nullable("clip")?);
    let mut optimizer = torch::<A>(fields.text("cell")?, config, clip)?.build()?;
    let list = fields.list("variables")?.iter().map(Fields::new);
    let mut variables = Variables::<A>::read(family, &list.collect::<Outcome<Vec<_>>>()?)?;
    let norms = fields.nullable("norms")?;
    let norms = norms.map(|name| family.tensor(name)).transpose()?;
    for step in 0..fields.count("steps")? {
        let gradients = variables.gradients_of(step);
        if let Some(norms) = norms {
            worst.number::<A>("norm", gradients.norm(), norms[[step]])?;
        }
        optimizer.update_arrays(&mut variables.weights, &gradients)?;
        variables.compare(step, worst)?;
    }
    Ok(())
}

fn check_schedule<A: Precision>(
    family: &Family,
    fields: &Fields,
    worst: &mut Worst,
) -> Outcome<()> {
    let rate = schedule(fields.text("cell")?, fields.get("config")?)?;
    let want = family.tensor(fields.get("learning_rates")?)?;
    let steps = fields.list("steps")?;
    if steps.len() != want.len() {
        return Err("not a rate for each step".into());
    }
    for (step, want) in steps.iter().zip(want) {
        let step = step.as_u64().ok_or("a step is no count")?;
        worst.number::<A>("rate", rate.at(step), *want)?;
    }
    Ok(())
}

fn check_regularizer<A: Precision>(
    family: &Family,
    fields: &Fields,
    worst: &mut Worst,
) -> Outcome<()> {
    let regularizer = regularizer(fields.text("cell")?, fields.get("config")?)?;
    let x = family.tensor(fields.get("x")?)?.mapv(A::from_f64);
    worst.number::<A>("penalty", regularizer.penalty(&x), fields.number("value")?)?;
    let mut gradient = ArrayD::from_elem(x.raw_dim(), A::one());
    regularizer.add_gradient(&x, &mut gradient)?;
    let want = family.tensor(fields.get("grad")?)? + 1.0;
    worst.compare("gradient", &gradient, &want)
}

fn check_constraint<A: Precision>(
    family: &Family,
    fields: &Fields,
    worst: &mut Worst,
) -> Outcome<()> {
    let constraint = constraint(fields.text("cell")?, fields.get("config")?)?;
    let mut x = family.tensor(fields.get("x")?)?.mapv(A::from_f64);
    constraint.apply(&mut x)?;
    worst.compare("weight", &x, family.tensor(fields.get("y")?)?)
}
