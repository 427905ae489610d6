//! A stream that fell silent: its state decays to exactly 0, and not to numbers that are slow to compute with.

use num_traits::Float;
use recurrent::{Activation, Causal, Element, Gru, Initializer, Isa, Lstm, SimpleRnn};

const STEPS: usize = 1_000_000;

/// Speaks for a while, and is silent then. Its state passes the numbers below the normal ones in a few steps.
fn falls_silent<R: Causal>(layer: &R, numbers: impl Fn(&R::State) -> Vec<R::Elem>) {
    let mut live = layer.stream(1);
    for i in 0..50 {
        let x = R::Elem::from_f64(f64::from(i % 7) / 3.0 - 1.0);
        live.push_slice(&[x]).unwrap();
    }
    let (mut small, mut before) = (0, numbers(live.state()));
    for _ in 0..STEPS {
        live.push_slice(&[R::Elem::from_f64(0.0)]).unwrap();
        let state = numbers(live.state());
        small += state.iter().filter(|x| x.is_subnormal()).count();
        assert!(small <= 5 * 20, "{small}"); // an output on its way from one to the other
        if state == before {
            // The next step is this one again.
            assert!(state.iter().all(|x| x.as_f64() == 0.0), "{state:?}");
            return;
        }
        before = state;
    }
    panic!("the state still changes: {before:?}");
}

fn every_cell<A: Element>(isa: Isa) {
    let decay = Initializer::Constant(0.02);
    let lstm = Lstm::<A>::builder(1, 5).recurrent_initializer(decay);
    let lstm = lstm.with_isa(isa).build().unwrap();
    falls_silent(&lstm, |state| {
        state.h.iter().chain(&state.c).copied().collect()
    });
    for reset_after in [true, false] {
        let gru = Gru::<A>::builder(1, 5).recurrent_initializer(decay);
        let gru = gru
            .reset_after(reset_after)
            .bias_initializer(Initializer::Zeros);
        let gru = gru.with_isa(isa).build().unwrap();
        falls_silent(&gru, |state| state.h.iter().copied().collect());
    }
    let rnn = SimpleRnn::<A>::builder(1, 5).recurrent_initializer(Initializer::Constant(0.15));
    let rnn = rnn.activation(Activation::Linear).with_isa(isa);
    let rnn = rnn.build().unwrap();
    falls_silent(&rnn, |state| state.h.iter().copied().collect());
}

#[test]
fn a_silent_state_decays_to_zero() {
    for isa in Isa::all() {
        every_cell::<f32>(isa);
        every_cell::<f64>(isa);
    }
}
