//! A model of every layer that can be stepped, alone and among others.

use super::{Shape, numbers};
use ndarray::{Array1, ArrayView2};
use recurrent::{
    Activation, AnyLayer, BatchNormalization, Cell, Concatenate, Conv1d, Deep, Dense, Element,
    Embedding, Gru, HiddenState, Identity, Layer, LayerNormalization, Lstm, Masking, Merge, Model,
    Padding, Recurrent, Reshape, Result, Rnn, SimpleRnn, Softmax, Stepwise, Tensor,
    TimeDistributed,
};
use std::sync::Arc;

/// A model, and what it takes.
pub struct Case<A: Element> {
    pub name: &'static str,
    pub model: Model<A>,
    /// Token ids below this number, and not features.
    pub tokens: Option<usize>,
    /// Whether it takes masks.
    pub masks: bool,
    /// Whether it says by itself that a push allocates nothing.
    pub quiet: bool,
}

/// h = x + h / 2: a cell of a user's own.
pub struct Leaky<A>(usize, std::marker::PhantomData<A>);

impl<A> Leaky<A> {
    pub fn new(units: usize) -> Self {
        Leaky(units, std::marker::PhantomData)
    }
}

impl<A: Element> Cell for Leaky<A> {
    type Elem = A;
    type State = HiddenState<A>;
    fn features(&self) -> usize {
        self.0
    }
    fn units(&self) -> usize {
        self.0
    }
    fn zero_state(&self, samples: usize) -> HiddenState<A> {
        HiddenState::zeros(samples, self.0)
    }
    fn step(&self, x: ArrayView2<A>, state: &mut HiddenState<A>) {
        let half = A::from_f64(0.5);
        state.h.zip_mut_with(&x, |h, &x| *h = x + *h * half);
    }
    fn output<'s>(&self, state: &'s HiddenState<A>) -> ArrayView2<'s, A> {
        state.h.view()
    }
}

/// A layer of a user's own, which says nothing of its shapes.
struct Half;

impl<A: Element> AnyLayer<A> for Half {
    fn name(&self) -> &str {
        "half"
    }
    fn forward(&self, mut input: Tensor<A>) -> Result<Tensor<A>> {
        input.values *= A::from_f64(0.5);
        Ok(input)
    }
    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }
}

fn sequences<R: Recurrent>(layer: R) -> Layer<R> {
    Layer::new(layer).return_sequences(true)
}

/// All of them, for inputs of these features.
#[allow(clippy::too_many_lines)] // a list
pub fn models<A: Element>(of: Shape) -> Vec<Case<A>> {
    let (f, u) = (of.features, of.units);
    let matrix = |rows, columns, seed| {
        let array = numbers::<A>((1, rows, columns), seed);
        array.remove_axis(ndarray::Axis(0))
    };
    let vector = |len, seed| -> Array1<A> { matrix(1, len, seed).row(0).to_owned() };
    let lstm = |features, seed| Lstm::<A>::builder(features, u).seed(seed).build().unwrap();
    let gru = |features, seed| Gru::<A>::builder(features, u).seed(seed).build().unwrap();
    let rnn = |features| SimpleRnn::<A>::builder(features, u).build().unwrap();
    let dense = |features, units| {
        let dense = Dense::from_weights(matrix(features, units, 7), vector(units, 8)).unwrap();
        dense.with_activation(Activation::Tanh).unwrap()
    };
    let layer_norm =
        |units| LayerNormalization::from_weights(vector(units, 9), vector(units, 10)).unwrap();
    let batch_norm = |units| {
        let variance = vector(units, 13).mapv(|x| x * x + A::one());
        let mean = vector(units, 14);
        BatchNormalization::from_weights(vector(units, 11), vector(units, 12), mean, variance)
            .unwrap()
    };
    let conv = |features, kernel_size, filters| {
        let kernel = numbers::<A>((kernel_size, features, filters), 15);
        Conv1d::builder()
            .padding(Padding::Causal)
            .activation(Activation::Relu)
            .from_weights(kernel, vector(filters, 16))
            .unwrap()
    };
    let model = || Model::<A>::new().input("x", [None, None, Some(f)]);
    let mut cases = Vec::new();
    let mut add = |name, model| {
        cases.push(Case {
            name,
            model,
            tokens: None,
            masks: true,
            quiet: true,
        });
    };
    add("nothing", model());
    add(
        "lstm, dense",
        model().add(Layer::new(lstm(f, 1))).add(dense(u, 3)),
    );
    add(
        "two grus, layer normalization, dense",
        model()
            .add(sequences(gru(f, 1)))
            .add(sequences(gru(u, 2)))
            .add(layer_norm(u))
            .add(dense(u, 1)),
    );
    add(
        "simple rnn, zeros where masked",
        model()
            .add(
                Layer::new(rnn(f))
                    .return_sequences(true)
                    .zero_output_for_mask(true),
            )
            .add(Layer::new(lstm(u, 1))),
    );
    let projected = Lstm::<A>::builder(f, u).projection(matrix(u, 2, 3));
    add(
        "projected lstm, in an arc",
        model().add(Arc::new(
            Layer::new(projected.build().unwrap()).return_sequences(true),
        )),
    );
    add(
        "a stack and a deep one",
        model()
            .add(Layer::new(lstm(f, 1).then(gru(u, 2))).return_sequences(true))
            .add(Layer::new(Deep::new([lstm(u, 3), lstm(u, 4)]).unwrap())),
    );
    let cell = || Rnn(Leaky::<A>::new(f));
    add(
        "a cell of one's own, twice",
        model()
            .add(Layer::new(cell()).return_sequences(true))
            .add(Layer::new(Arc::new(cell()))),
    );
    add(
        "element by element",
        model()
            .add(Identity::of("dropout"))
            .add(dense(f, u))
            .add(batch_norm(u))
            .add(Activation::Softmax)
            .add(
                BatchNormalization::from_weights(None, None, vector(u, 1), Array1::ones(u))
                    .unwrap(),
            )
            .add(LayerNormalization::from_weights(None, None).unwrap())
            .add(Activation::LeakyRelu { alpha: 0.1 }),
    );
    add(
        "masking",
        model()
            .add(Masking::new(A::zero()))
            .add(sequences(gru(f, 1)))
            .add(Masking::new(A::zero()))
            .add(Layer::new(rnn(u))),
    );
    add(
        "time distributed",
        model()
            .add(TimeDistributed::new(dense(f, u)))
            .add(TimeDistributed::new(
                Model::new().add(dense(u, 2)).add(layer_norm(2)),
            )),
    );
    add(
        "convolutions",
        model()
            .add(conv(f, 3, u))
            .add(conv(u, 1, 2))
            .add(conv(2, 2, 4)),
    );
    let kernel = numbers::<A>((3, 1, 4), 17);
    let wide = Conv1d::builder().padding(Padding::Causal).dilation_rate(2);
    add(
        "a convolution of groups with gaps",
        model()
            .add(dense(f, 2))
            .add(wide.groups(2).from_weights(kernel, None).unwrap())
            .add(Layer::new(Lstm::builder(4, u).build().unwrap())),
    );
    for of in [
        Merge::Add,
        Merge::Subtract,
        Merge::Multiply,
        Merge::Average,
        Merge::Maximum,
        Merge::Minimum,
    ] {
        let mut graph = Model::graph();
        let x = graph.input_of("x", [None, None, Some(f)]);
        let a = graph.add("a", sequences(lstm(f, 1)), [x]).unwrap();
        let b = graph.add("b", dense(f, u), [x]).unwrap();
        let one = graph.add("one", dense(u, 1), [a]).unwrap();
        let both = graph.add("both", of, [a, b]).unwrap();
        let scaled = graph.add("scaled", of, [both, one]).unwrap();
        let end = graph.add("end", Layer::new(gru(u, 3)), [scaled]).unwrap();
        let lasting = graph.add("lasting", dense(u, u), [end]).unwrap();
        let end = graph.add("ends", of, [end, lasting]);
        add("combined", graph.finish([end.unwrap()]).unwrap());
    }
    let mut graph = Model::graph();
    let x = graph.input_of("x", [None, None, Some(f)]);
    let a = graph.add("a", sequences(lstm(f, 1)), [x]).unwrap();
    let b = graph.add("b", conv(f, 2, 3), [x]).unwrap();
    let both = graph.add("both", Concatenate::new(-1), [a, x, b]).unwrap();
    let gru_of_both = Gru::<A>::builder(u + f + 3, u).build().unwrap();
    let y = graph.add("y", sequences(gru_of_both), [both]).unwrap();
    add("side by side", graph.finish([y]).unwrap());
    // A shared layer has a state for each of its calls; `forward` would let the second go on where the first ended.
    let mut graph = Model::graph();
    let x = graph.input_of("x", [None, None, Some(f)]);
    let start = graph.add("start", dense(f, u), [x]).unwrap();
    let shared = graph
        .layer("shared", sequences(lstm(u, 1)).stateful(false))
        .unwrap();
    let [a] = graph.call(shared, [start]).unwrap();
    let [b] = graph.call(shared, [a]).unwrap();
    let y = graph.add("y", Merge::Add, [a, b]).unwrap();
    add("shared", graph.finish([y]).unwrap());
    // No layer gives nothing.
    let g = f.max(1);
    let inner = |f: usize| {
        let inner = Model::new().add(sequences(lstm(f, 1))).add(conv(u, 2, g));
        Model::new().add(inner).add(dense(g, g))
    };
    add(
        "models in models",
        model()
            .add(inner(f))
            .add(Arc::new(inner(g).add(Layer::new(gru(g, 2)))))
            .add(
                Model::new()
                    .add(dense(u, 4))
                    .add(Reshape::new(&[2, 2]).unwrap()),
            ),
    );
    let embedding = |mask_zero| {
        let table = Embedding::from_weights(matrix(5, f, 20)).unwrap();
        table.mask_zero(mask_zero)
    };
    for (name, mask_zero) in [("embedding", false), ("embedding, masked", true)] {
        if f == 0 {
            break; // no table is so narrow
        }
        cases.push(Case {
            name,
            model: Model::new()
                .add(embedding(mask_zero))
                .add(sequences(lstm(f, 1)))
                .add(Layer::new(gru(u, 1))),
            tokens: Some(5),
            masks: true,
            quiet: true,
        });
    }
    let softmax = Softmax::new();
    let mut add = |name, model, masks, quiet| {
        cases.push(Case {
            name,
            model,
            tokens: None,
            masks,
            quiet,
        });
    };
    let scores = model().add(sequences(lstm(f, 1))).add(softmax);
    add("softmax", scores, false, true);
    let own = model().add(Half).add(sequences(lstm(f, 1))).add(Half);
    add("a layer of one's own", own, true, false);
    cases
}

/// Numbers for a case, (samples, timesteps, …); some timesteps are all 0.
pub fn input_of<A: Element>(case: &Case<A>, of: Shape, seed: u64) -> ndarray::ArrayD<A> {
    let x = numbers::<A>((of.samples, of.timesteps, of.features.max(1)), seed);
    if let Some(tokens) = case.tokens {
        let token = |x: A| A::from_f64((x.as_f64().abs() * tokens as f64).floor());
        return x.index_axis(ndarray::Axis(2), 0).mapv(token).into_dyn();
    }
    let mut x = numbers::<A>((of.samples, of.timesteps, of.features), seed);
    for (at, mut step) in x.lanes_mut(ndarray::Axis(2)).into_iter().enumerate() {
        if (at + usize::try_from(seed).unwrap()).is_multiple_of(5) {
            step.fill(A::zero());
        }
    }
    x.into_dyn()
}
