//! Files that lie.

use crate::data::ours;
use crate::family::read;
use crate::inside;
use crate::liars::{check, liars};
use crate::mutated::run;
use recurrent::{Model, keras};

/// The configuration in an archive that loads.
fn config(archive: &[u8]) -> Option<String> {
    keras::read::<f32>(archive).ok()?;
    archive
        .starts_with(b"PK")
        .then(|| inside::text(archive, "config.json"))
}

#[test]
fn golden_files_load_or_say_why_not() {
    let liars = liars(&[".keras", ".h5"]);
    // All files of a set were made of one model, of which some are whole. Weights alone take its configuration.
    let mut whole = liars.iter().filter(|liar| liar.expect != "error");
    let seed = whole.find_map(|liar| config(&liar.bytes));
    let seed = seed.or_else(|| config(&read(&ours("adversarial").join("nan_weights.keras"))));
    let seed = seed.expect("a whole model");
    check("keras", &liars, 40, |liar| {
        let model: Model<f32> = if liar.file.ends_with(".weights.h5") {
            keras::Reader::new().read_parts(&seed, &liar.bytes)?
        } else {
            keras::read(&liar.bytes)?
        };
        Ok(run(&model)?.contains("NaN"))
    });
}
