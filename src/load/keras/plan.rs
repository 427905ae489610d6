//! `Plan`: a layer that is known but not made: which arrays it wants, and what it makes of them.

use crate::Element;
use crate::arrays::ToArray;
use crate::error::{Error, Result};
use crate::format::RawArray;
use crate::kernel::Matrix;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use ndarray::{Array, Dimension};

/// An array that a layer wants.
#[derive(Clone, Debug)]
pub struct Want {
    /// Its path in a tree of layers, from the layer that the plan is of: `cell/vars/0`.
    pub path: String,
    /// What Keras calls it: `kernel`.
    pub name: &'static str,
    /// `None` where any length will do.
    pub shape: Vec<Option<usize>>,
    /// Whether it is trained: lists have the others at their end.
    pub trainable: bool,
    /// The layer of the outermost model that it belongs to.
    pub top: String,
    /// The layers that it belongs to, for errors.
    pub part: String,
    /// Set if it is all arrays of a layer of the caller's own, of which only the file knows how many there are. `path` is
    /// their group then.
    pub every: Option<Every>,
}

/// All arrays of a layer.
#[derive(Clone, Debug)]
pub struct Every {
    /// The name of the layer.
    pub layer: String,
    /// The names of the arrays, set when they are found.
    pub names: Rc<OnceCell<Vec<String>>>,
}

/// The name and the shape of an array.
pub type Wanted = (&'static str, Vec<Option<usize>>);

/// The arrays that were wanted, in that order, still in their file.
pub type Arrays<'a> = dyn Iterator<Item = RawArray<'a>> + 'a;

/// What is made of the arrays.
type Make<T> = Box<dyn FnOnce(&mut Arrays) -> Result<T>>;

/// A layer that is known but not made.
pub struct Plan<T> {
    pub wants: Vec<Want>,
    /// Groups of a tree that must be those of layers of this name, where they say it: path, name.
    pub names: Vec<(String, String)>,
    make: Make<T>,
}

impl<T: 'static> Plan<T> {
    /// Wants these arrays, `vars/0` first.
    pub fn of_arrays(
        wanted: impl IntoIterator<Item = Wanted>,
        make: impl FnOnce(&mut Arrays) -> Result<T> + 'static,
    ) -> Self {
        let want = |(i, (name, shape)): (usize, Wanted)| Want {
            path: format!("vars/{i}"),
            name,
            shape,
            trainable: true,
            top: String::new(),
            part: String::new(),
            every: None,
        };
        Plan {
            wants: wanted.into_iter().enumerate().map(want).collect(),
            names: Vec::new(),
            make: Box::new(make),
        }
    }

    /// Wants all arrays of the layer of this name, whichever they are.
    pub fn of_every(
        layer: &str,
        make: impl FnOnce(Vec<(String, RawArray)>) -> Result<T> + 'static,
    ) -> Self {
        let names: Rc<OnceCell<Vec<String>>> = Rc::default();
        let every = Every {
            layer: layer.into(),
            names: Rc::clone(&names),
        };
        let want = Want {
            path: String::new(),
            name: "weights",
            shape: Vec::new(),
            trainable: true,
            top: String::new(),
            part: String::new(),
            every: Some(every),
        };
        let take = move |arrays: &mut Arrays| {
            let names = names.get().cloned().unwrap_or_default();
            let named = names.into_iter().map(|name| Ok((name, next_of(arrays)?)));
            make(named.collect::<Result<_>>()?)
        };
        Plan {
            wants: [want].into(),
            names: Vec::new(),
            make: Box::new(take),
        }
    }

    /// Wants nothing.
    pub fn of(value: T) -> Self {
        Plan::of_arrays([], |_| Ok(value))
    }

    /// Makes something else of it.
    pub fn map<U: 'static>(self, f: impl FnOnce(T) -> Result<U> + 'static) -> Plan<U> {
        let make = self.make;
        Plan {
            wants: self.wants,
            names: self.names,
            make: Box::new(move |arrays| f(make(arrays)?)),
        }
    }

    /// All of them, one after the other.
    pub fn all(plans: impl IntoIterator<Item = Self>) -> Plan<Vec<T>> {
        let (mut wants, mut names, mut makes) = (Vec::new(), Vec::new(), Vec::new());
        for plan in plans {
            wants.extend(plan.wants);
            names.extend(plan.names);
            makes.push(plan.make);
        }
        Plan {
            wants,
            names,
            make: Box::new(|arrays| makes.into_iter().map(|make| make(arrays)).collect()),
        }
    }

    /// In a tree, below this group.
    pub fn under(mut self, group: &str) -> Self {
        for want in &mut self.wants {
            want.path = format!("{group}/{}", want.path);
        }
        for (path, _) in &mut self.names {
            *path = format!("{group}/{path}");
        }
        self
    }

    /// Not trained, with all that is in it.
    pub fn frozen(mut self, yes: bool) -> Self {
        if yes {
            self.wants
                .iter_mut()
                .for_each(|want| want.trainable = false);
        }
        self
    }

    /// Says in errors which layer they are about.
    pub fn within(mut self, part: &str) -> Self {
        for want in &mut self.wants {
            want.part = match want.part.as_str() {
                "" => part.into(),
                inner => format!("{part}: {inner}"),
            };
        }
        let (make, part) = (self.make, String::from(part));
        self.make = Box::new(move |arrays| make(arrays).map_err(|error| error.within(&part)));
        self
    }

    pub fn make(self, arrays: &mut Arrays) -> Result<T> {
        (self.make)(arrays)
    }
}

fn next_of<'a>(arrays: &mut Arrays<'a>) -> Result<RawArray<'a>> {
    let ended = || Error::file("weights", "one more array", "none");
    arrays.next().ok_or_else(ended)
}

/// The next of the arrays, with as many axes as it was wanted with.
pub fn next<A: Element, D: Dimension>(arrays: &mut Arrays) -> Result<Array<A, D>> {
    let array = next_of(arrays)?.array()?;
    Ok(array.into_dimensionality()?)
}

/// The next of the arrays, which is one number, perhaps an integer.
pub fn next_number<A: Element>(arrays: &mut Arrays) -> Result<A> {
    let array = next_of(arrays)?;
    let number = if array.number().is_float() {
        array.array::<A>()?.first().copied()
    } else {
        #[allow(clippy::cast_precision_loss)] // of a count
        let number = |&n: &i64| A::from_f64(n as f64);
        array.read_integers()?.first().map(number)
    };
    number.ok_or_else(|| Error::file(array.name(), "a number", "none"))
}

/// The next of the arrays, which has two axes, to be read when it is packed.
pub fn next_matrix<'a, A: Element>(arrays: &mut Arrays<'a>) -> Result<Box<dyn Matrix<A> + 'a>> {
    Ok(Box::new(next_of(arrays)?.unread()?))
}
