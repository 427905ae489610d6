//! Layers that no session keeps the state of: both directions apart, and stacks of more than two cells.

use super::Outcome;
use super::call::Call;
use super::compare::same_bits;
use super::flags::Flags;
use super::roles::{Named, Prefixes, Roles, roles_of, state_of};
use super::subject::{Subject, directions};
use ndarray::{Array, Array3, Axis, Dimension, Zip};
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

    fn into_layer(self: Box<Self>, mask_with_state: bool) -> Outcome<Box<dyn AnyLayer<A>>> {
        let layer = self.flags.layer(self.of);
        Ok(Box::new(layer.mask_with_state(mask_with_state).apart()))
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

/// A stack of three cells. There are 27 types of it: only the two verbs that the cases need are compiled.
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

    fn into_layer(self: Box<Self>, mask_with_state: bool) -> Outcome<Box<dyn AnyLayer<R::Elem>>> {
        Ok(Box::new(self.layer.mask_with_state(mask_with_state)))
    }
}

/// A stack of any number of cells, one after the other: what `RNN([cell, cell])` computes step by step.
pub struct Composed<A> {
    parts: Vec<Box<dyn Subject<A>>>,
    flags: Flags,
}

impl<A: Element> Composed<A> {
    /// `parts` return all outputs and their states.
    pub fn new(parts: Vec<Box<dyn Subject<A>>>, flags: Flags) -> Self {
        Composed { parts, flags }
    }

    /// The outputs of the last cell at all timesteps, and the states of all cells.
    fn sequences(&self, call: &Call<A>, start: Option<Named<A>>) -> Outcome<(Array3<A>, Named<A>)> {
        let (mut x, mut mask) = (call.x.clone(), call.mask.clone());
        if self.flags.go_backwards {
            x.invert_axis(Axis(1));
            mask.iter_mut().for_each(|mask| mask.invert_axis(Axis(1)));
        }
        let mut states = Vec::new();
        for (part, i) in self.parts.iter().zip(0..) {
            let prefix = format!("cell{i}_");
            let is_of_part = |(role, _): &&(String, _)| role.starts_with(&prefix);
            let initial = start.as_ref();
            let initial = initial.map(|all| all.iter().filter(is_of_part).cloned().collect());
            let mut inner = Call::plain(x, initial);
            inner.mask.clone_from(&mask);
            let mut outputs = part.calls(&[inner])?.remove(0).into_iter();
            let (_, y) = outputs.next().ok_or("no output")?;
            x = y.into_dimensionality()?;
            states.extend(outputs);
        }
        if let Some(mask) = mask.filter(|_| self.flags.zero_output_for_mask) {
            Zip::from(x.lanes_mut(Axis(2)))
                .and(&mask)
                .for_each(|mut y, real| {
                    if !real {
                        y.fill(A::zero());
                    }
                });
        }
        Ok((x, states))
    }
}

impl<A: Element> Subject<A> for Composed<A> {
    fn calls(&self, calls: &[Call<A>]) -> Outcome<Vec<Named<A>>> {
        let flags = self.flags;
        let mut kept: Option<Named<A>> = None;
        let mut all = Vec::new();
        for call in calls {
            if call.reset_before || !flags.stateful {
                kept = None;
            }
            let (y, states) = self.sequences(call, call.initial.clone().or(kept))?;
            let mut outputs = vec![if flags.return_sequences {
                ("sequences".into(), y.into_dyn())
            } else {
                let last = y.dim().1.checked_sub(1).ok_or("no timestep")?;
                let last = y.index_axis_move(Axis(1), last);
                ("last_output".into(), last.into_dyn())
            }];
            if flags.return_state {
                outputs.extend(states.iter().cloned());
            }
            all.push(outputs);
            kept = Some(states);
        }
        Ok(all)
    }

    fn into_layer(self: Box<Self>, _: bool) -> Outcome<Box<dyn AnyLayer<A>>> {
        Err("a stack of more than three cells in a model".into())
    }
}
