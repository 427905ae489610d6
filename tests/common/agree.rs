//! One number, however it is computed: all verbs and the stream must give the same bits.

use super::Outcome;
use super::call::Call;
use super::compare::{same_bits, same_bits_all};
use super::roles::{Named, Prefixes, Roles, roles_of};
use ndarray::{Array2, Array3, Axis};
use recurrent::{Causal, Element, Layer, Recurrent, Returns, Run};

/// What a call of a layer gives by its verbs, from a state.
pub struct Verbs<A> {
    pub last: Array2<A>,
    pub sequences: Array3<A>,
    pub state: Named<A>,
}

impl<A: Element> Verbs<A> {
    /// Runs all typed verbs, and refuses any that disagree.
    pub fn new<R>(
        layer: &Layer<R>,
        prefixes: &Prefixes,
        call: &Call<A>,
        start: Option<&R::State>,
    ) -> Outcome<Self>
    where
        R: Recurrent<Elem = A>,
        R::State: Roles<A>,
    {
        let run = || -> Run<'_, R> {
            let run = layer.run(&call.x);
            let run = call.mask.iter().fold(run, |run, mask| run.mask(mask));
            start
                .into_iter()
                .fold(run, |run, start| run.initial_state(start.clone()))
        };
        let (last, state) = run().last_and_state()?;
        let (sequences, state_of_sequences) = run().sequences_and_state()?;
        let state = roles_of(prefixes, &state);
        let check_state = |verb: &str, got: &R::State| {
            same_bits_all(
                &format!("state of {verb}"),
                &roles_of(prefixes, got),
                &state,
            )
        };
        check_state("sequences_and_state", &state_of_sequences)?;
        same_bits("last()", &run().last()?, &last)?;
        same_bits("sequences()", &run().sequences()?, &sequences)?;

        // Memory that holds something else before: every number must be written.
        let mut out = Array2::from_elem(last.dim(), A::nan());
        run().last_into(out.view_mut())?;
        same_bits("last_into", &out, &last)?;
        out.fill(A::nan());
        check_state(
            "last_and_state_into",
            &run().last_and_state_into(out.view_mut())?,
        )?;
        same_bits("last_and_state_into", &out, &last)?;
        let mut out = Array3::from_elem(sequences.dim(), A::nan());
        run().sequences_into(out.view_mut())?;
        same_bits("sequences_into", &out, &sequences)?;
        out.fill(A::nan());
        check_state(
            "sequences_and_state_into",
            &run().sequences_and_state_into(out.view_mut())?,
        )?;
        same_bits("sequences_and_state_into", &out, &sequences)?;

        Ok(Verbs {
            last,
            sequences,
            state,
        })
    }

    /// What the flags choose of it, as a list in Keras' order.
    pub fn returning(&self, returns: Returns) -> Named<A> {
        let mut list = vec![if returns.sequences {
            ("sequences".into(), self.sequences.clone().into_dyn())
        } else {
            ("last_output".into(), self.last.clone().into_dyn())
        }];
        if returns.state {
            list.extend(self.state.iter().cloned());
        }
        list
    }
}

/// Pushes all timesteps of a call through a stream: its outputs must be the sequences, and its state the state.
pub fn check_stream<R>(
    of: &R,
    zero_output_for_mask: bool,
    prefixes: &Prefixes,
    call: &Call<R::Elem>,
    start: Option<&R::State>,
    verbs: &Verbs<R::Elem>,
) -> Outcome<()>
where
    R: Causal,
    R::State: Roles<R::Elem>,
{
    let mut live = of.stream(call.x.dim().0);
    if zero_output_for_mask {
        live = live.zero_output_for_mask();
    }
    if let Some(start) = start {
        live.set_state(start.clone())?;
    }
    for (t, (x, want)) in call
        .x
        .axis_iter(Axis(1))
        .zip(verbs.sequences.axis_iter(Axis(1)))
        .enumerate()
    {
        let y = match &call.mask {
            Some(mask) => live.push_masked(x, &mask.column(t).to_vec())?.to_owned(),
            // Both doors lead to the same stream.
            None if t % 2 == 0 => live.push(x)?.to_owned(),
            None => {
                let x: Vec<_> = x.iter().copied().collect();
                Array2::from_shape_vec(want.raw_dim(), live.push_slice(&x)?.to_vec())?
            }
        };
        same_bits(&format!("stream at {t}"), &y, &want.to_owned())?;
    }
    same_bits_all(
        "state of the stream",
        &roles_of(prefixes, live.state()),
        &verbs.state,
    )
}
