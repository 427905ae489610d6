//! `FromLayers`: the requested type determines the number of layers and directions.

use crate::error::{Error, Result};
use crate::{Bidirectional, Deep, Element, Gru, Layer, Lstm, Recurrent, SimpleRnn};
use alloc::format;
use alloc::vec::Vec;

/// A type that a loader can make from the layers in a file. The type that you ask for determines the number of layers
/// and directions; a file with another number is an error. The trait is sealed by its hidden methods.
///
/// | type | layers | directions |
/// | --- | --- | --- |
/// | [`Lstm`], [`Gru`], [`SimpleRnn`] | 1 | 1 |
/// | [`Bidirectional<C, C>`](Bidirectional) of one of these | 1 | 2 |
/// | [`Deep<R>`](Deep) of one of these | any number | as `R` |
/// | [`Layer<R>`](Layer) of one of these | as `R` | as `R`, also 1 that starts at the end |
///
/// A [`Layer`] gets the flags that match PyTorch and ONNX: it returns the states and all outputs in time order, with 0
/// in the padding.
pub trait FromLayers: Sized {
    /// The cell that it is made of.
    type Cell;

    #[doc(hidden)]
    const LAYERS: &'static str;

    #[doc(hidden)]
    const DIRECTIONS: &'static str;

    /// The directions of each layer, the lowest layer first; `None` if they do not fit the type.
    #[doc(hidden)]
    fn from_layers(layers: Vec<Vec<Self::Cell>>, way: Way) -> Option<Self>;
}

/// How the layers of a file process time.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// The only direction starts at the end.
    pub(super) reverse: bool,
    /// The axis of timesteps comes before the axis of samples.
    pub(super) time_major: bool,
}

/// Makes the requested type from the layers in `part` of a file.
pub(super) fn assemble<L: FromLayers>(
    part: &str,
    layers: Vec<Vec<L::Cell>>,
    way: Way,
) -> Result<L> {
    let (height, directions) = (layers.len(), layers.first().map_or(0, Vec::len));
    L::from_layers(layers, way).ok_or_else(|| {
        let expected = format!(
            "{} of {}, as the type says that was asked for (several: `Deep<…>`; both directions: `Bidirectional<…>`)",
            L::LAYERS,
            L::DIRECTIONS
        );
        let end = if way.reverse {
            ", which starts at the end (a Layer can)"
        } else {
            ""
        };
        let plural = |count, thing| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
        let found = format!("{} of {}{end}", plural(height, "layer"), plural(directions, "direction"));
        Error::file(part, expected, found)
    })
}

fn only<T>(list: Vec<T>) -> Option<T> {
    let [one] = <[T; 1]>::try_from(list).ok()?;
    Some(one)
}

macro_rules! one_cell {
    ($($cell:ident),*) => {$(
        impl<A: Element> FromLayers for $cell<A> {
            type Cell = Self;
            const LAYERS: &'static str = "1 layer";
            const DIRECTIONS: &'static str = "1 direction";
            fn from_layers(layers: Vec<Vec<Self>>, way: Way) -> Option<Self> {
                only(only(layers)?).filter(|_| !way.reverse)
            }
        }
    )*};
}
one_cell!(Lstm, Gru, SimpleRnn);

impl<C: FromLayers<Cell = C>> FromLayers for Bidirectional<C, C> {
    type Cell = C;
    const LAYERS: &'static str = "1 layer";
    const DIRECTIONS: &'static str = "2 directions";
    fn from_layers(layers: Vec<Vec<C>>, _: Way) -> Option<Self> {
        let [forward, backward] = only(layers)?.try_into().ok()?;
        Some(Bidirectional::new(forward, backward))
    }
}

impl<R: FromLayers + Recurrent> FromLayers for Deep<R> {
    type Cell = R::Cell;
    const LAYERS: &'static str = "any number of layers";
    const DIRECTIONS: &'static str = R::DIRECTIONS;
    fn from_layers(layers: Vec<Vec<R::Cell>>, way: Way) -> Option<Self> {
        let layers = layers.into_iter();
        let layers: Option<Vec<R>> = layers
            .map(|layer| R::from_layers(alloc::vec![layer], way))
            .collect();
        Deep::new(layers?).ok()
    }
}

impl<R: FromLayers + Recurrent> FromLayers for Layer<R> {
    type Cell = R::Cell;
    const LAYERS: &'static str = R::LAYERS;
    const DIRECTIONS: &'static str = R::DIRECTIONS;
    fn from_layers(layers: Vec<Vec<R::Cell>>, way: Way) -> Option<Self> {
        let forward = Way {
            reverse: false,
            ..way
        };
        let layer = Layer::new(R::from_layers(layers, forward)?)
            .return_sequences(true)
            .return_state(true)
            .zero_output_for_mask(true)
            .go_backwards(way.reverse)
            .in_time_order(true)
            .time_major(way.time_major);
        Some(layer)
    }
}
