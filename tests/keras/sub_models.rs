//! Parts of loaded models.

use crate::data::ours;
use crate::family::Family;
use ndarray::{ArrayD, Axis};
use recurrent::{Model, Tensor, keras};

fn run(model: &Model<f64>, inputs: &[&ArrayD<f64>]) -> Vec<ArrayD<f64>> {
    let inputs = inputs.iter().map(|&x| Tensor::new(x));
    let outputs = model.forward_all(inputs).unwrap();
    outputs.into_iter().map(|tensor| tensor.values).collect()
}

#[test]
fn encoder_and_decoder_of_a_training_file_run_step_by_step() {
    let family = Family::load(ours("keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "func_seq2seq");
    let case = case.unwrap();
    for kind in ["keras", "h5"] {
        let model: Model<f64> = keras::load(family.file(case, kind).unwrap()).unwrap();
        let encoder = model
            .part(["encoder_input"], ["encoder[1]", "encoder[2]"])
            .unwrap();
        let from = ["decoder_input", "encoder[1]", "encoder[2]"];
        let to = ["readout", "decoder[1]", "decoder[2]"];
        let decoder = model.part(from, to).unwrap();

        let call = &case["calls"][0];
        let [x, y] = [0, 1].map(|input| family.tensor(&call["inputs"][input]));
        let [mut h, mut c] = run(&encoder, &[x]).try_into().unwrap();
        let whole = family.tensor(&call["outputs"][0]);
        for t in 0..y.shape()[1] {
            let step = y.slice_axis(Axis(1), (t..=t).into()).to_owned();
            let [scores, next_h, next_c] = run(&decoder, &[&step, &h, &c]).try_into().unwrap();
            let expected = whole.slice_axis(Axis(1), (t..=t).into());
            let off = (&scores - &expected).fold(0.0_f64, |most, off| most.max(off.abs()));
            assert!(off < 2e-7, "{kind}, timestep {t}: {off:e}");
            (h, c) = (next_h, next_c);
        }
    }
}
