//! `Roles`: states as Keras' flat lists of named arrays, and back.

use super::Outcome;
use ndarray::{Array2, ArrayD};
use recurrent::{BiState, Element, HiddenState, LstmState, State};

/// Arrays with their roles, in Keras' order.
pub type Named<A> = Vec<(String, ArrayD<A>)>;

/// What stands before `h` and `c` in the roles of each cell: nothing, `forward_`, `cell0_` …
pub type Prefixes = [String];

type Next<'p> = std::slice::Iter<'p, String>;

/// A state whose arrays have roles. Every cell of it takes the next prefix.
pub trait Roles<A>: State {
    fn write(&self, prefixes: &mut Next, to: &mut Named<A>);
    fn read(prefixes: &mut Next, from: &mut std::slice::Iter<(String, ArrayD<A>)>)
    -> Outcome<Self>;
}

/// The state as a list.
pub fn roles_of<A, S: Roles<A>>(prefixes: &Prefixes, state: &S) -> Named<A> {
    let mut list = Vec::new();
    state.write(&mut prefixes.iter(), &mut list);
    list
}

/// The list as a state: its roles must be those of the state, in the same order.
pub fn state_of<A, S: Roles<A>>(prefixes: &Prefixes, list: &Named<A>) -> Outcome<S> {
    let mut rest = list.iter();
    let state = S::read(&mut prefixes.iter(), &mut rest)?;
    match rest.next() {
        None => Ok(state),
        Some((role, _)) => Err(format!("a state too many: {role}").into()),
    }
}

fn next_prefix<'p>(prefixes: &mut Next<'p>) -> &'p str {
    prefixes.next().expect("as many prefixes as cells")
}

fn next_array<A: Element>(
    prefix: &str,
    name: &str,
    from: &mut std::slice::Iter<(String, ArrayD<A>)>,
) -> Outcome<Array2<A>> {
    match from.next() {
        Some((role, array)) if role.strip_prefix(prefix) == Some(name) => {
            Ok(array.clone().into_dimensionality()?)
        }
        other => {
            let found = other.map(|(role, _)| role);
            Err(format!("initial state {prefix}{name} expected, found {found:?}").into())
        }
    }
}

macro_rules! roles_of_cell {
    ($state:ident: $($name:ident),*) => {
        impl<A: Element> Roles<A> for $state<A> {
            fn write(&self, prefixes: &mut Next, to: &mut Named<A>) {
                let prefix = next_prefix(prefixes);
                $(to.push((format!("{prefix}{}", stringify!($name)), self.$name.clone().into_dyn()));)*
            }
            fn read(prefixes: &mut Next, from: &mut std::slice::Iter<(String, ArrayD<A>)>) -> Outcome<Self> {
                let prefix = next_prefix(prefixes);
                Ok($state { $($name: next_array(prefix, stringify!($name), from)?),* })
            }
        }
    };
}
roles_of_cell!(HiddenState: h);
roles_of_cell!(LstmState: h, c);

impl<A, F: Roles<A>, B: Roles<A>> Roles<A> for BiState<F, B> {
    fn write(&self, prefixes: &mut Next, to: &mut Named<A>) {
        self.forward.write(prefixes, to);
        self.backward.write(prefixes, to);
    }
    fn read(
        prefixes: &mut Next,
        from: &mut std::slice::Iter<(String, ArrayD<A>)>,
    ) -> Outcome<Self> {
        Ok(BiState {
            forward: F::read(prefixes, from)?,
            backward: B::read(prefixes, from)?,
        })
    }
}

impl<A, L: Roles<A>, U: Roles<A>> Roles<A> for (L, U) {
    fn write(&self, prefixes: &mut Next, to: &mut Named<A>) {
        self.0.write(prefixes, to);
        self.1.write(prefixes, to);
    }
    fn read(
        prefixes: &mut Next,
        from: &mut std::slice::Iter<(String, ArrayD<A>)>,
    ) -> Outcome<Self> {
        Ok((L::read(prefixes, from)?, U::read(prefixes, from)?))
    }
}
