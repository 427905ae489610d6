//! Runs all cases of a family, and lists all that fail.

use super::Outcome;
use super::call::Call;
use super::compare::{Precision, compare, compare_all, scale};
use super::family::Family;
use super::fields::Fields;
use super::layer::layer;
use super::weights::{Initialised, Weights};
use super::{pipeline, seq2seq};
use recurrent::Isa;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Keys of a case that say where it came from, not what it is.
const ABOUT: [&str; 5] = ["cell", "kind", "shapes", "mask_kind", "published"];

/// Checks every case of a family whose outputs are rounded to f32.
pub fn check_family<A: Precision>(name: &str) {
    check_all(name, A::NAME, |family, case| match case.text("kind")? {
        "layer" => check_layer::<A>(family, case),
        "pipeline" => {
            let got = pipeline::output::<A>(family, case)?;
            compare(
                "output",
                &got,
                family.tensor(case.get("output")?)?,
                tolerance::<A>(case)?,
            )
        }
        "seq2seq" => seq2seq::check::<A>(family, case),
        other => Err(format!("unknown kind {other:?}").into()),
    });
}

/// Checks the outputs, not yet the gradients, of the family whose tensors are f64.
pub fn check_gradients() {
    check_all("gradients", f64::NAME, |family, case| {
        if case.text("kind")? != "gradient" {
            return Err("unknown kind".into());
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
            1e-12 * scale(expected.iter().map(|output| &output.values)),
        )
    });
}

/// How far an output may be from its reference.
fn tolerance<A: Precision>(case: &Fields) -> Outcome<f64> {
    let keras = case.number("keras_f32_max_abs_diff")?;
    Ok(A::tolerance(keras) * case.number("max_abs_output")?.max(1.0))
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
fn check_all(name: &str, precision: &str, check: impl Fn(&Family, &Fields) -> Outcome<f64>) {
    let family = Family::load(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    for isa in Isa::all() {
        ISA.set(isa);
        check_cases(name, &format!("{precision} on {isa:?}"), &family, &check);
    }
}

/// Runs every case of the golden family, and of ours of that name, through its loader.
#[cfg(any(feature = "onnx", feature = "safetensors"))]
pub fn check_loader(name: &str, precision: &str, check: fn(&Family, &Fields) -> Outcome<f64>) {
    for family in [Family::load(name), Family::ours(name)] {
        let family = family.unwrap_or_else(|e| panic!("{name}: {e}"));
        check_cases(name, precision, &family, check);
    }
}

/// Runs `check` on every case, prints how many there were, and panics with the list of those that failed.
fn check_cases(
    name: &str,
    how: &str,
    family: &Family,
    check: impl Fn(&Family, &Fields) -> Outcome<f64>,
) {
    let (mut worst, mut failures) = ((0.0, String::new()), Vec::new());
    for case in &family.cases {
        let id = case["id"]
            .as_str()
            .unwrap_or("a case without an id")
            .to_string();
        let run = || -> Outcome<f64> {
            let fields = Fields::new(case)?;
            fields.ignore(&["id"]);
            let difference = check(family, &fields)?;
            fields.ignore(&ABOUT);
            fields.done()?;
            Ok(difference)
        };
        // A panic of one case must not hide the others.
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(difference)) if difference > worst.0 => worst = (difference, id),
            Ok(Ok(_)) => {}
            Ok(Err(e)) => failures.push(format!("{id}: {e}")),
            Err(_) => failures.push(format!("{id}: panicked")),
        }
    }
    let all = family.cases.len();
    println!(
        "{name}: {all} cases in {how}, worst difference {:.1e} ({})",
        worst.0, worst.1
    );
    let failed = failures.len();
    assert!(
        failures.is_empty(),
        "{name} in {how}: {failed} of {all} cases failed\n  {}",
        failures.join("\n  ")
    );
}
