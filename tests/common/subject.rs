//! `Subject`: a layer under test whose type is forgotten.

use super::Outcome;
use super::agree::{Verbs, check_stream};
use super::call::Call;
use super::compare::{same_bits, same_bits_all};
use super::fields::Fields;
use super::roles::{Named, Prefixes, Roles, roles_of, state_of};
use ndarray::Dimension;
use recurrent::{
    Bidirectional, Causal, Element, Layer, Model, Output, Recurrent, Returns, Session,
};

/// What a case asks of a layer.
pub trait Subject<A: Element> {
    /// Runs successive calls and returns the outputs of each, in Keras' order.
    fn calls(&self, calls: &[Call<A>]) -> Outcome<Vec<Named<A>>>;

    /// Puts the layer at the end of a model.
    fn add_to(self: Box<Self>, model: Model<A>) -> Outcome<Model<A>>;
}

/// The flags of a Keras layer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Keras' own
pub struct Flags {
    pub return_sequences: bool,
    pub return_state: bool,
    pub stateful: bool,
    pub go_backwards: bool,
    pub zero_output_for_mask: bool,
}

impl Flags {
    pub fn read(config: &Fields) -> Outcome<Self> {
        config.ignore(&["unroll"]);
        Ok(Flags {
            return_sequences: config.bool("return_sequences")?,
            return_state: config.bool("return_state")?,
            stateful: config.bool("stateful")?,
            go_backwards: config.bool("go_backwards")?,
            zero_output_for_mask: config.bool("zero_output_for_mask")?,
        })
    }

    fn layer<R: Recurrent>(self, of: R) -> Layer<R> {
        Layer::new(of)
            .return_sequences(self.return_sequences)
            .return_state(self.return_state)
            .stateful(self.stateful)
            .go_backwards(self.go_backwards)
            .zero_output_for_mask(self.zero_output_for_mask)
    }

    fn returns(self) -> Returns {
        Returns { sequences: self.return_sequences, state: self.return_state }
    }
}

/// An output and its state as a list.
fn named<A: Element, S: Roles<A>>(prefixes: &Prefixes, output: &Output<A, S>) -> Named<A> {
    let sequences = output.sequences().map(|y| ("sequences".into(), y.clone().into_dyn()));
    let last = output.last().map(|y| ("last_output".into(), y.clone().into_dyn()));
    let state = output.state().map(|state| roles_of(prefixes, state));
    sequences.into_iter().chain(last).chain(state.into_iter().flatten()).collect()
}

/// Calls a layer in a session. `also` sees each call with the state it started from and what all verbs said.
fn calls_in_session<R>(
    layer: &Layer<R>,
    flags: Flags,
    prefixes: &Prefixes,
    calls: &[Call<R::Elem>],
    also: impl Fn(&Call<R::Elem>, Option<&R::State>, &Verbs<R::Elem>) -> Outcome<()>,
) -> Outcome<Vec<Named<R::Elem>>>
where
    R: Recurrent,
    R::State: Roles<R::Elem>,
{
    let mut session = Session::new(layer);
    let mut outputs = Vec::new();
    for call in calls {
        if call.reset_before {
            session.reset();
        }
        let initial: Option<R::State> =
            call.initial.as_ref().map(|list| state_of(prefixes, list)).transpose()?;
        let start = initial.clone().or_else(|| session.state().cloned());

        let mut run = session.run(&call.x);
        if let Some(mask) = &call.mask {
            run = run.mask(mask);
        }
        if let Some(initial) = initial {
            run = run.from(initial);
        }
        let output = named(prefixes, &run.output()?);

        let verbs = Verbs::new(layer, prefixes, call, start.as_ref())?;
        same_bits_all("the flags against the verbs", &output, &verbs.returning(flags.returns()))?;
        match session.state() {
            Some(kept) if flags.stateful => {
                same_bits_all("the kept state", &roles_of(prefixes, kept), &verbs.state)?;
            }
            None if !flags.stateful => {}
            _ => return Err("the session keeps a state if, and only if, the layer is stateful".into()),
        }
        also(call, start.as_ref(), &verbs)?;
        outputs.push(output);
    }
    Ok(outputs)
}

/// A cell or a stack of cells: it can be streamed.
pub struct Steps<R> {
    layer: Layer<R>,
    flags: Flags,
    prefixes: Vec<String>,
}

impl<R: Causal> Steps<R> {
    pub fn new(of: R, flags: Flags, prefixes: Vec<String>) -> Self {
        Steps { layer: flags.layer(of), flags, prefixes }
    }
}

impl<R> Subject<R::Elem> for Steps<R>
where
    R: Causal + Send + Sync + 'static,
    R::State: Roles<R::Elem>,
{
    fn calls(&self, calls: &[Call<R::Elem>]) -> Outcome<Vec<Named<R::Elem>>> {
        let Flags { zero_output_for_mask, go_backwards, .. } = self.flags;
        calls_in_session(&self.layer, self.flags, &self.prefixes, calls, |call, start, verbs| {
            if go_backwards {
                return Ok(()); // what comes last cannot be pushed first
            }
            let of = self.layer.inner();
            check_stream(of, zero_output_for_mask, &self.prefixes, call, start, verbs)
        })
    }

    fn add_to(self: Box<Self>, model: Model<R::Elem>) -> Outcome<Model<R::Elem>> {
        Ok(model.add(self.layer))
    }
}

/// Both directions in one output.
pub struct Merged<F, B> {
    layer: Layer<Bidirectional<F, B>>,
    flags: Flags,
}

impl<F: Recurrent, B: Recurrent<Elem = F::Elem>> Merged<F, B> {
    pub fn new(of: Bidirectional<F, B>, flags: Flags) -> Self {
        Merged { layer: flags.layer(of), flags }
    }
}

fn directions() -> [String; 2] {
    ["forward_".into(), "backward_".into()]
}

impl<A, F, B> Subject<A> for Merged<F, B>
where
    A: Element,
    F: Recurrent<Elem = A> + Send + Sync + 'static,
    B: Recurrent<Elem = A> + Send + Sync + 'static,
    F::State: Roles<A>,
    B::State: Roles<A>,
{
    fn calls(&self, calls: &[Call<A>]) -> Outcome<Vec<Named<A>>> {
        calls_in_session(&self.layer, self.flags, &directions(), calls, |_, _, _| Ok(()))
    }

    fn add_to(self: Box<Self>, model: Model<A>) -> Outcome<Model<A>> {
        Ok(model.add(self.layer))
    }
}

/// Both directions in two outputs: `merge_mode` null. Nothing keeps its state but the caller.
pub struct Apart<F, B> {
    of: Bidirectional<F, B>,
    flags: Flags,
}

impl<F, B> Apart<F, B> {
    pub fn new(of: Bidirectional<F, B>, flags: Flags) -> Self {
        Apart { of, flags }
    }
}

impl<A, F, B> Subject<A> for Apart<F, B>
where
    A: Element,
    F: Recurrent<Elem = A>,
    B: Recurrent<Elem = A>,
    F::State: Roles<A>,
    B::State: Roles<A>,
{
    fn calls(&self, calls: &[Call<A>]) -> Outcome<Vec<Named<A>>> {
        let mut kept = None;
        let mut outputs = Vec::new();
        for call in calls {
            let initial = call.initial.as_ref().map(|list| state_of(&directions(), list)).transpose()?;
            let start = initial.or_else(|| kept.take().filter(|_| !call.reset_before));
            let run = || {
                let run = self.of.run_apart(&call.x);
                let run = call.mask.iter().fold(run, |run, mask| run.mask(mask));
                let run = start.iter().fold(run, |run, start| run.from(start.clone()));
                if self.flags.go_backwards { run.go_backwards() } else { run }
            };
            let (mut output, state) = if self.flags.return_sequences {
                let (forward, backward, state) = run().sequences_and_state()?;
                (pair(forward, backward, run().sequences()?)?, state)
            } else {
                let (forward, backward, state) = run().last_and_state()?;
                (pair(forward, backward, run().last()?)?, state)
            };
            if self.flags.return_state {
                output.extend(roles_of(&directions(), &state));
            }
            outputs.push(output);
            kept = Some(state).filter(|_| self.flags.stateful);
        }
        Ok(outputs)
    }

    fn add_to(self: Box<Self>, _: Model<A>) -> Outcome<Model<A>> {
        Err("a model of one output has no place for merge_mode null".into())
    }
}

/// Two outputs as a list. The verb without a state must give the same.
fn pair<A: Element, D: Dimension>(
    forward: ndarray::Array<A, D>,
    backward: ndarray::Array<A, D>,
    again: (ndarray::Array<A, D>, ndarray::Array<A, D>),
) -> Outcome<Named<A>> {
    same_bits("forward without the state", &again.0, &forward)?;
    same_bits("backward without the state", &again.1, &backward)?;
    Ok(vec![
        ("forward_sequences".into(), forward.into_dyn()),
        ("backward_sequences".into(), backward.into_dyn()),
    ])
}
