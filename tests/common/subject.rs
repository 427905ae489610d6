//! `Subject`: a layer under test whose type is forgotten.

use super::Outcome;
use super::agree::{Verbs, check_stream};
use super::call::Call;
use super::compare::same_bits_all;
use super::flags::Flags;
use super::roles::{Named, Prefixes, Roles, roles_of, state_of};
use recurrent::{AnyLayer, Bidirectional, Causal, Element, Layer, Output, Recurrent, Session};

/// What a case asks of a layer.
pub trait Subject<A: Element> {
    /// Runs successive calls and returns the outputs of each, in Keras' order.
    fn calls(&self, calls: &[Call<A>]) -> Outcome<Vec<Named<A>>>;

    /// The layer for a model; `mask_with_state` is whether it obeys a mask although its initial state is given.
    fn into_layer(self: Box<Self>, mask_with_state: bool) -> Outcome<Box<dyn AnyLayer<A>>>;
}

/// An output and its state as a list.
fn named<A: Element, S: Roles<A>>(prefixes: &Prefixes, output: &Output<A, S>) -> Named<A> {
    let sequences = output
        .sequences()
        .map(|y| ("sequences".into(), y.clone().into_dyn()));
    let last = output
        .last()
        .map(|y| ("last_output".into(), y.clone().into_dyn()));
    let state = output.state().map(|state| roles_of(prefixes, state));
    sequences
        .into_iter()
        .chain(last)
        .chain(state.into_iter().flatten())
        .collect()
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
        let initial: Option<R::State> = call
            .initial
            .as_ref()
            .map(|list| state_of(prefixes, list))
            .transpose()?;
        let start = initial.clone().or_else(|| session.state().cloned());

        let mut run = session.run(&call.x);
        if let Some(mask) = &call.mask {
            run = run.mask(mask);
        }
        if let Some(initial) = initial {
            run = run.initial_state(initial);
        }
        let output = named(prefixes, &run.output()?);

        let verbs = Verbs::new(layer, prefixes, call, start.as_ref())?;
        same_bits_all(
            "the flags against the verbs",
            &output,
            &verbs.returning(flags.returns()),
        )?;
        match session.state() {
            Some(kept) if flags.stateful => {
                same_bits_all("the kept state", &roles_of(prefixes, kept), &verbs.state)?;
            }
            None if !flags.stateful => {}
            _ => {
                return Err(
                    "the session keeps a state if, and only if, the layer is stateful".into(),
                );
            }
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
        Steps {
            layer: flags.layer(of),
            flags,
            prefixes,
        }
    }
}

impl<R> Subject<R::Elem> for Steps<R>
where
    R: Causal + Send + Sync + 'static,
    R::State: Roles<R::Elem>,
{
    fn calls(&self, calls: &[Call<R::Elem>]) -> Outcome<Vec<Named<R::Elem>>> {
        let Flags {
            zero_output_for_mask,
            go_backwards,
            ..
        } = self.flags;
        calls_in_session(
            &self.layer,
            self.flags,
            &self.prefixes,
            calls,
            |call, start, verbs| {
                if go_backwards {
                    return Ok(()); // what comes last cannot be pushed first
                }
                let of = self.layer.inner();
                check_stream(of, zero_output_for_mask, &self.prefixes, call, start, verbs)
            },
        )
    }

    fn into_layer(self: Box<Self>, mask_with_state: bool) -> Outcome<Box<dyn AnyLayer<R::Elem>>> {
        Ok(Box::new(self.layer.mask_with_state(mask_with_state)))
    }
}

/// Both directions in one output.
pub struct Merged<F, B> {
    layer: Layer<Bidirectional<F, B>>,
    flags: Flags,
}

impl<F: Recurrent, B: Recurrent<Elem = F::Elem>> Merged<F, B> {
    pub fn new(of: Bidirectional<F, B>, flags: Flags) -> Self {
        Merged {
            layer: flags.layer(of),
            flags,
        }
    }
}

/// What stands before the roles of both directions.
pub fn directions() -> [String; 2] {
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
        calls_in_session(&self.layer, self.flags, &directions(), calls, |_, _, _| {
            Ok(())
        })
    }

    fn into_layer(self: Box<Self>, mask_with_state: bool) -> Outcome<Box<dyn AnyLayer<A>>> {
        Ok(Box::new(self.layer.mask_with_state(mask_with_state)))
    }
}
