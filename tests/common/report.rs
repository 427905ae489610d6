//! Runs all cases of a family, and lists all that fail.

use super::Outcome;
use super::call::Call;
use super::compare::{Precision, compare, compare_all, scale};
use super::data;
use super::family::Family;
use super::fields::Fields;
use super::layer::layer;
use super::tally::Tally;
use super::weights::{Initialised, Weights};
use super::{pipeline, seq2seq};
use recurrent::Isa;
use serde_json::Value;
use std::cell::Cell;

/// Checks every case of a family whose outputs are rounded to f32.
pub fn check_family<A: Precision>(name: &str) {
    check_all(name, A::NAME, |family, case| match kind(case)? {
        None | Some("layer") => check_layer::<A>(family, case),
        Some("pipeline") => {
            let got = pipeline::output::<A>(family, case)?;
            compare(
                "output",
                &got,
                family.tensor(case.get("output")?)?,
                tolerance::<A>(case)?,
            )
        }
        Some("seq2seq") => seq2seq::check::<A>(family, case),
        Some(other) => Err(format!("unknown kind {other:?}").into()),
    });
}

/// Checks the outputs, not yet the gradients, of the family whose tensors are f64.
pub fn check_gradients() {
    check_all("gradients", f64::NAME, |family, case| {
        if let Some(other) = kind(case)?.filter(|kind| *kind != "gradient") {
            return Err(format!("unknown kind {other:?}").into());
        }
        case.ignore(&["loss", "grads", "grad_x", "grad_initial_state"]);
        let weights = Weights::new(family, case.get("weights")?)?;
        let layer = layer::<f64>(case.text("cell")?, case.get("config")?, weights)?;
        let call = [Call::of_case(family, case, case.get("shapes")?)?];
        let got = layer.calls(&call)?;
        let expected = &call[0].expected;
        compare_all(
            &got[0],
            expected,
            tolerance_of_gradients(case.get("config")?)
                * scale(expected.iter().map(|output| &output.values)),
        )
    });
}

/// What a case is, where its family has several kinds.
fn kind<'a>(case: &Fields<'a>) -> Outcome<Option<&'a str>> {
    let given = case.optional("kind").is_some();
    given.then(|| case.text("kind")).transpose()
}

/// How far an output may be from its reference. Without the difference of Keras' own f32 run it must be as near as can be.
fn tolerance<A: Precision>(case: &Fields) -> Outcome<f64> {
    let number = |key| match case.optional(key) {
        Some(_) => case.number(key),
        None => Ok(0.0),
    };
    Ok(A::tolerance(number("keras_f32_max_abs_diff")?) * number("max_abs_output")?.max(1.0))
}

/// How far an f64 output may be from one that Keras computed in f64.
///
/// One exception: Keras rounds the square root of 2 in `gelu` to f32, also in f64.
fn tolerance_of_gradients(config: &Value) -> f64 {
    if data::mentions(config, &|text| text == "gelu") {
        1e-8
    } else {
        1e-12
    }
}

fn check_layer<A: Precision>(family: &Family, case: &Fields) -> Outcome<f64> {
    let yes = |key: &str| case.optional(key).map_or(Ok(false), |_| case.bool(key));
    let initialised = match (
        yes("weights_from_initializers")?,
        yes("bias_from_initializer")?,
    ) {
        (true, _) => Initialised::All,
        (false, true) => Initialised::Bias,
        (false, false) => Initialised::Nothing,
    };
    let mut weights = Weights::new(family, case.get("weights")?)?;
    weights.initialised = initialised;
    let layer = layer::<A>(case.text("cell")?, case.get("config")?, weights)?;
    let values = case.list("calls")?.iter();
    let calls = values
        .map(|value| Call::new(family, value))
        .collect::<Outcome<Vec<Call<A>>>>()?;
    let tolerance = tolerance::<A>(case)?;
    let (mut worst, mut wrong) = (0.0_f64, Vec::new());
    for (n, (got, call)) in layer.calls(&calls)?.iter().zip(&calls).enumerate() {
        match compare_all(got, &call.expected, tolerance) {
            Ok(difference) => worst = worst.max(difference),
            Err(e) => wrong.push(format!("call {n}: {e}")),
        }
    }
    if wrong.is_empty() {
        Ok(worst)
    } else {
        Err(wrong.join("; ").into())
    }
}

thread_local! {
    static ISA: Cell<Isa> = Cell::new(Isa::detect());
}

/// The instruction set that cells are built for now.
pub fn isa() -> Isa {
    ISA.get()
}

/// Every case on every instruction set of this machine.
pub fn check_all(name: &str, precision: &str, check: impl Fn(&Family, &Fields) -> Outcome<f64>) {
    let mut tally = Tally::new(format!("{name} in {precision}"));
    let family = Family::chosen(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    if let Some(family) = &family {
        for isa in Isa::all() {
            ISA.set(isa);
            tally.part(format!("on {isa:?}"));
            check_cases(&mut tally, family, &check);
        }
    }
    tally.finish(data::least(1));
}

/// Runs every case of the chosen family, and of the one that we made under that name, through its loader.
#[cfg(any(feature = "onnx", feature = "torch"))]
pub fn check_loader(name: &str, precision: &str, check: fn(&Family, &Fields) -> Outcome<f64>) {
    let mut tally = Tally::new(format!("{name} in {precision}"));
    let chosen = Family::chosen(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    let made = Family::made(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    tally.part("of the set");
    if let Some(family) = &chosen {
        check_cases(&mut tally, family, check);
    }
    tally.part(format!("of tests/data/{name}"));
    check_cases(&mut tally, &made, check);
    tally.finish(1);
}

/// Runs `check` on every case.
fn check_cases(
    tally: &mut Tally,
    family: &Family,
    check: impl Fn(&Family, &Fields) -> Outcome<f64>,
) {
    for case in &family.cases {
        let id = case["id"].as_str().unwrap_or("a case without an id");
        tally.case(id, || -> Outcome<f64> {
            let fields = Fields::new(case)?;
            let difference = check(family, &fields)?;
            fields.only_describes(family)?;
            Ok(difference)
        });
    }
}
