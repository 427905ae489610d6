//! `Sparse`: the crossentropy of classes, of which the true one has a number.

use super::row::{Clip, RowLoss, Softmax, times};
use crate::Element;
use crate::error::{Error, Result, check};
use alloc::vec::Vec;

/// -ln p of the true class
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    pub(super) from_logits: bool,
    pub(super) ignore_class: Option<i64>,
    /// PyTorch's two, of scores only.
    pub(super) label_smoothing: f64,
    pub(super) class_weights: Vec<f64>,
}

impl Sparse {
    pub(super) fn check(&self, classes: usize) -> Result<()> {
        match self.class_weights.len() {
            0 => Ok(()),
            found => check("class_weights", "numbers", classes, found),
        }
    }

    pub(super) fn ignores<A: Element>(&self, y: A) -> bool {
        self.ignore_class.is_some() && whole(y.as_f64()) == self.ignore_class
    }

    /// The weight of a class.
    pub(super) fn weight(&self, class: usize) -> f64 {
        self.class_weights.get(class).copied().unwrap_or(1.0)
    }

    fn scores<A: Element>(
        &self,
        class: usize,
        x: &[A],
        scale: f64,
        g: &mut [A],
        room: &mut Vec<f64>,
    ) -> f64 {
        let smooth = self.label_smoothing;
        let share = |k: usize| {
            let hot = if k == class { 1.0 - smooth } else { 0.0 };
            (hot + smooth / x.len() as f64) * self.weight(k)
        };
        let softmax = Softmax::of(x, room);
        let (mut value, mut shares) = (0.0, 0.0);
        for (k, &x) in x.iter().enumerate() {
            value -= times(share(k), softmax.log(x));
            shares += share(k);
        }
        for (k, g) in g.iter_mut().enumerate() {
            *g = A::from_f64((softmax.probability(room[k]) * shares - share(k)) * scale);
        }
        value
    }
}

impl<A: Element> RowLoss<A> for Sparse {
    fn row(&self, _: usize, y: &[A], p: &[A], scale: f64, g: &mut [A], room: &mut Vec<f64>) -> f64 {
        let class = class(y[0], p.len()).unwrap_or(0); // checked before
        if self.from_logits {
            return self.scores(class, p, scale, g, room);
        }
        // Keras clips the probabilities, takes their logarithms and makes these sum to 1 by a softmax.
        let clip = Clip::INSIDE;
        let clipped = |k: usize| clip.of(p[k].as_f64());
        let sum: f64 = (0..p.len()).map(clipped).sum();
        for (k, g) in g.iter_mut().enumerate() {
            let own = if k == class { 1.0 / clipped(k) } else { 0.0 };
            *g = A::from_f64(clip.slope(p[k].as_f64(), 1.0 / sum - own) * scale);
        }
        libm::log(sum) - libm::log(clipped(class))
    }
}

/// The whole number that this is, if it is one.
#[allow(clippy::cast_possible_truncation, clippy::float_cmp)] // that is what is asked
pub(super) fn whole(y: f64) -> Option<i64> {
    let whole = y as i64;
    (whole as f64 == y).then_some(whole)
}

/// The class that a number stands for, if there is one.
pub(super) fn class<A: Element>(y: A, classes: usize) -> Option<usize> {
    let class = usize::try_from(whole(y.as_f64())?).ok()?;
    (class < classes).then_some(class)
}

/// Says that a number is no class.
pub(super) fn no_class<A: Element>(y: A, place: &[usize], classes: usize) -> Error {
    let expected = alloc::format!("whole numbers from 0 to {}, the classes", classes - 1);
    Error::value("y_true", expected, alloc::format!("{y} at {place:?}"))
}
