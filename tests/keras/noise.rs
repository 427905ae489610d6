//! Layers that add noise come out of a file with their arguments.

use crate::parts::{layer, load, parts};
use recurrent::{
    AlphaDropout, Dropout, GaussianDropout, GaussianNoise, Identity, Model, SpatialDropout1d,
};
use serde_json::{Value, json};

/// The model `seq_compiled` with another layer in place of its dropout, under the name `noise`.
fn with(class: &str, arguments: Value) -> recurrent::Result<Model<f32>> {
    let (mut config, weights) = parts("seq_compiled");
    let layers = config["config"]["layers"].as_array().unwrap();
    let dropout = layers.iter().find(|layer| layer["class_name"] == "Dropout");
    let name = dropout.unwrap()["config"]["name"]
        .as_str()
        .unwrap()
        .to_string();
    let of = layer(&mut config, &name);
    of["class_name"] = class.into();
    of["config"] = arguments;
    of["config"]["name"] = name.as_str().into();
    load(&config, &weights)
}

fn found<L: Clone + 'static>(class: &str, arguments: Value) -> L {
    let model = with(class, arguments).unwrap();
    let name = ["dropout", "noise", "dropout_1"];
    let layer = name.iter().find_map(|name| model.layer_as::<L>(name));
    layer
        .cloned()
        .unwrap_or_else(|| panic!("{class}: {model:?}"))
}

#[test]
fn noise_has_its_arguments() {
    let plain = Dropout::new(0.25).unwrap();
    assert_eq!(
        found::<Dropout>("Dropout", json!({"rate": 0.25, "seed": 3})),
        plain
    );
    assert_eq!(
        found::<Dropout>("Dropout", json!({"rate": 0.25, "noise_shape": null})),
        plain
    );
    // Keras 1.
    assert_eq!(found::<Dropout>("Dropout", json!({"p": 0.25})), plain);
    let shape = [None, Some(1)];
    for given in [
        json!([null, 1]),
        json!({"class_name": "__tuple__", "items": [null, 1]}),
    ] {
        let arguments = json!({"rate": 0.25, "noise_shape": given});
        assert_eq!(
            found::<Dropout>("Dropout", arguments),
            plain.clone().noise_shape(&shape)
        );
    }
    let spatial = SpatialDropout1d::new(0.25).unwrap();
    assert_eq!(
        found::<SpatialDropout1d>("SpatialDropout1D", json!({"rate": 0.25})),
        spatial
    );
    let alpha = AlphaDropout::new(0.25).unwrap();
    assert_eq!(
        found::<AlphaDropout>("AlphaDropout", json!({"rate": 0.25})),
        alpha
    );
    let gaussian = GaussianDropout::new(0.25).unwrap();
    assert_eq!(
        found::<GaussianDropout>("GaussianDropout", json!({"rate": 0.25})),
        gaussian
    );
    let noise = GaussianNoise::new(0.25).unwrap();
    assert_eq!(
        found::<GaussianNoise>("GaussianNoise", json!({"stddev": 0.25})),
        noise
    );
    assert_eq!(
        found::<GaussianNoise>("GaussianNoise", json!({"sigma": 0.25})),
        noise
    );
    found::<Identity>("Identity", json!({}));
}

#[test]
fn a_rate_that_is_none_is_refused() {
    for class in [
        "Dropout",
        "SpatialDropout1D",
        "AlphaDropout",
        "GaussianDropout",
    ] {
        for rate in [json!(1.5), json!(-0.5), json!("half")] {
            let error = with(class, json!({"rate": rate})).unwrap_err().to_string();
            assert!(error.contains("rate"), "{error}");
        }
    }
    let error = with("GaussianNoise", json!({"stddev": -1.0})).unwrap_err();
    assert!(error.to_string().contains("stddev"), "{error}");
    for shape in [json!("all"), json!([-1, 2]), json!([0.5])] {
        let error = with("Dropout", json!({"rate": 0.5, "noise_shape": shape}));
        assert!(error.unwrap_err().to_string().contains("noise_shape"));
    }
}
