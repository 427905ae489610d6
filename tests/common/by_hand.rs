//! Layers that no session keeps the state of: both directions apart, and stacks of many cells.

use super::Outcome;
use super::call::Call;
use super::compare::same_bits;
use super::flags::Flags;
use super::roles::{Named, Prefixes, Roles, roles_of, state_of};
use super::subject::{Subject, directions};
use ndarray::{Array, Dimension};
use recurrent::{AnyLayer, BiState, Bidirectional, Element, Layer, Recurrent, Run};

/// Calls a layer whose state nobody keeps but the caller. `run` goes from a state to outputs and a state.
fn calls_by_hand<A, S: Roles<A>>(
    flags: Flags,
    prefixes: &Prefixes,
    calls: &[Call<A>],
    run: impl Fn(&Call<A>, Option<S>) -> Outcome<(Named<A>, S)>,
) -> Outcome<Vec<Named<A>>> {
    let mut kept: Option<S> = None;
    let mut outputs = Vec::new();
    for call in calls {
        if call.reset_before || !flags.stateful {
            kept = None;
        }
        let initial = call
            .initial
            .as_ref()
            .map(|list| state_of(prefixes, list))
            .transpose()?;
        let (mut output, state) = run(call, initial.or(kept))?;
        if flags.return_state {
            output.extend(roles_of(prefixes, &state));
        }
        outputs.push(output);
        kept = Some(state);
    }
    Ok(outputs)
}

/// Both directions in two outputs: `merge_mode` null.
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
    F: Recurrent<Elem = A> + Send + Sync + 'static,
    B: Recurrent<Elem = A> + Send + Sync + 'static,
    F::State: Roles<A>,
    B::State: Roles<A>,
{
    fn calls(&self, calls: &[Call<A>]) -> Outcome<Vec<Named<A>>> {
        calls_by_hand(
            self.flags,
            &directions(),
            calls,
            |call, start: Option<BiState<_, _>>| {
                let run = || {
                    let run = self.of.run_apart(&call.x);
                    let run = call.mask.iter().fold(run, |run, mask| run.mask(mask));
                    let run = start
                        .iter()
                        .fold(run, |run, start| run.initial_state(start.clone()));
                    if self.flags.go_backwards {
                        run.go_backwards()
                    } else {
                        run
                    }
                };
                if self.flags.return_sequences {
                    let (forward, backward, state) = run().sequences_and_state()?;
                    Ok((pair(forward, backward, run().sequences()?)?, state))
                } else {
                    let (forward, backward, state) = run().last_and_state()?;
                    Ok((pair(forward, backward, run().last()?)?, state))
                }
            },
        )
    }

    fn into_layer(self: Box<Self>, mask_with_state: bool) -> Box<dyn AnyLayer<A>> {
        let layer = self.flags.layer(self.of);
        Box::new(layer.mask_with_state(mask_with_state).apart())
    }
}

/// Two outputs as a list. The verb without a state must give the same.
fn pair<A: Element, D: Dimension>(
    forward: Array<A, D>,
    backward: Array<A, D>,
    again: (Array<A, D>, Array<A, D>),
) -> Outcome<Named<A>> {
    same_bits("forward without the state", &again.0, &forward)?;
    same_bits("backward without the state", &again.1, &backward)?;
    Ok(vec![
        ("forward_sequences".into(), forward.into_dyn()),
        ("backward_sequences".into(), backward.into_dyn()),
    ])
}

/// A stack of many cells. There are so many types of it that only the two verbs which the cases need are compiled.
pub struct Deep<R> {
    layer: Layer<R>,
    flags: Flags,
    prefixes: Vec<String>,
}

impl<R: Recurrent> Deep<R> {
    pub fn new(of: R, flags: Flags, prefixes: Vec<String>) -> Self {
        Deep {
            layer: flags.layer(of),
            flags,
            prefixes,
        }
    }
}

impl<R> Subject<R::Elem> for Deep<R>
where
    R: Recurrent + Send + Sync + 'static,
    R::State: Roles<R::Elem>,
{
    fn calls(&self, calls: &[Call<R::Elem>]) -> Outcome<Vec<Named<R::Elem>>> {
        calls_by_hand(self.flags, &self.prefixes, calls, |call, start| {
            let run = self.layer.run(&call.x);
            let run = call.mask.iter().fold(run, |run, mask| run.mask(mask));
            let run = start.into_iter().fold(run, Run::initial_state);
            Ok(if self.flags.return_sequences {
                let (y, state) = run.sequences_and_state()?;
                (vec![("sequences".into(), y.into_dyn())], state)
            } else {
                let (y, state) = run.last_and_state()?;
                (vec![("last_output".into(), y.into_dyn())], state)
            })
        })
    }

    fn into_layer(self: Box<Self>, mask_with_state: bool) -> Box<dyn AnyLayer<R::Elem>> {
        Box::new(self.layer.mask_with_state(mask_with_state))
    }
}
