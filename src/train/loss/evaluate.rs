//! `Call`: one evaluation of a loss, from its arrays to its result.

use super::batch::{Batch, Entries, of_shape, place};
use super::binary::Binary;
use super::categorical::Categorical;
use super::ctc::{Ctc, Sequences};
use super::difference::Difference;
use super::evaluated::{Evaluated, Room};
use super::kl::Kl;
use super::own::Own;
use super::reduction::Reduction;
use super::row::RowLoss;
use super::sparse::{Sparse, class, no_class};
use super::target::Target;
use crate::Element;
use crate::error::{Error, Result, check, check_size};
use ndarray::{Array, ArrayRef, Dimension};

/// Which loss it is, with its options.
#[derive(Clone, Debug)]
pub(super) enum Kind<A> {
    Difference(Difference),
    Binary(Binary),
    Categorical(Categorical),
    Sparse(Sparse),
    Kl,
    Ctc(Ctc),
    Own(Own<A>),
}

/// A loss, ready to be evaluated.
pub(super) struct Call<'c, A> {
    pub(super) kind: &'c Kind<A>,
    pub(super) reduction: Reduction,
    pub(super) is_torch: bool,
}

impl<A: Element> Call<'_, A> {
    pub(super) fn evaluate<D: Dimension>(
        &self,
        y_pred: &ArrayRef<A, D>,
        target: &Target<A>,
        into: &mut Evaluated<A, D>,
    ) -> Result<()> {
        if let Kind::Own(own) = self.kind {
            let (value, gradient) = own.call(y_pred.view().into_dyn(), target)?;
            if gradient.shape() != y_pred.shape() {
                let expected = alloc::format!("{}, as y_pred", of_shape(y_pred.shape()));
                return Err(Error::value(
                    "gradient",
                    expected,
                    of_shape(gradient.shape()),
                ));
            }
            (into.value, into.gradient) = (value, gradient.into_dimensionality()?);
            return Ok(());
        }
        let shape = y_pred.shape();
        let losses = self.shape_of_losses(shape)?;
        check_size("losses", losses)?;
        self.check_target(shape, target.y_true.shape())?;
        let (p, y) = (
            y_pred.as_standard_layout(),
            target.y_true.as_standard_layout(),
        );
        let (Some(p), Some(y)) = (p.as_slice(), y.as_slice()) else {
            return Err(Error::value("y_pred", "an array in one piece", "another"));
        };
        if into.gradient.raw_dim() != y_pred.raw_dim() || !into.gradient.is_standard_layout() {
            into.gradient = Array::zeros(y_pred.raw_dim());
        }
        let Evaluated {
            value,
            values,
            gradient,
            room,
        } = into;
        let Some(gradient) = gradient.as_slice_mut() else {
            return Err(Error::value("gradient", "an array in one piece", "another"));
        };
        let is_ctc = matches!(self.kind, Kind::Ctc(_));
        let batch = Batch {
            target,
            lengths: target.lengths.filter(|_| !is_ctc),
            shape: losses,
            reduction: self.reduction,
        };
        *value = match self.kind {
            Kind::Ctc(ctc) => {
                let sequences = Sequences {
                    x: p,
                    y,
                    timesteps: shape[1],
                    classes: shape[2],
                    width: target.y_true.shape()[1],
                    target,
                };
                self.alignments(ctc, &sequences, &batch, (values, gradient), room)?
            }
            _ => self.rows(
                (y, p),
                shape[shape.len() - 1],
                &batch,
                (values, gradient),
                room,
            )?,
        };
        Ok(())
    }

    /// Whether there is a loss for each number, not for each row.
    fn is_of_numbers(&self) -> bool {
        self.is_torch && matches!(self.kind, Kind::Difference(_) | Kind::Binary(_))
    }

    fn shape_of_losses<'s>(&self, shape: &'s [usize]) -> Result<&'s [usize]> {
        let (least, expected) = match self.kind {
            Kind::Ctc(_) => (3, "3: (samples, timesteps, classes)"),
            _ if self.is_of_numbers() => (1, "1 or more: (samples, …)"),
            _ => (2, "2 or more: (samples, …, outputs)"),
        };
        let axes = shape.len();
        let is_ctc = matches!(self.kind, Kind::Ctc(_));
        if axes < least || (is_ctc && axes > least) {
            let array = "y_pred";
            return Err(Error::Rank {
                array,
                expected,
                found: axes,
            });
        }
        if is_ctc {
            return match shape[2] {
                0 => Err(Error::value("y_pred", "one class or more", of_shape(shape))),
                _ => Ok(&shape[..1]),
            };
        }
        if self.is_of_numbers() {
            return Ok(shape);
        }
        if shape[axes - 1] == 0 {
            return Err(Error::value(
                "y_pred",
                "one output or more",
                of_shape(shape),
            ));
        }
        Ok(&shape[..axes - 1])
    }

    fn check_target(&self, y_pred: &[usize], y_true: &[usize]) -> Result<()> {
        let rows = &y_pred[..y_pred.len() - 1];
        let (fits, expected) = match self.kind {
            Kind::Ctc(_) => {
                let [samples, _] = y_true else {
                    let (array, expected) = ("y_true", "2: (samples, labels)");
                    return Err(Error::Rank {
                        array,
                        expected,
                        found: y_true.len(),
                    });
                };
                return check("y_true", "samples", y_pred[0], *samples);
            }
            Kind::Sparse(_) => {
                let one_more = y_true.strip_prefix(rows) == Some(&[1]);
                (y_true == rows || one_more, rows)
            }
            _ => {
                let one_less = matches!(y_pred, [_, 1]) && y_true == rows && !self.is_torch;
                (y_true == y_pred || one_less, y_pred)
            }
        };
        if fits {
            return Ok(());
        }
        let expected = alloc::format!("{}, for outputs {}", of_shape(expected), of_shape(y_pred));
        Err(Error::value("y_true", expected, of_shape(y_true)))
    }

    /// The losses that are put together row by row.
    fn rows(
        &self,
        (y, p): (&[A], &[A]),
        outputs: usize,
        batch: &Batch<A>,
        (values, gradient): (&mut ndarray::ArrayD<f64>, &mut [A]),
        room: &mut Room,
    ) -> Result<f64> {
        let loss: &dyn RowLoss<A> = match self.kind {
            Kind::Difference(difference) => difference,
            Kind::Binary(binary) => {
                binary.check(outputs)?;
                binary
            }
            Kind::Categorical(categorical) => categorical,
            Kind::Sparse(sparse) => {
                sparse.check(outputs)?;
                sparse
            }
            Kind::Kl | Kind::Ctc(_) | Kind::Own(_) => &Kl,
        };
        let size = if self.is_of_numbers() { 1 } else { outputs };
        let divisor = if let Kind::Sparse(sparse) = self.kind {
            let class_of = |i: usize| class(y[i], outputs);
            let ignores = |i: usize| sparse.ignores(y[i]);
            let entries = Entries {
                ignored: sparse.ignore_class.map(|_| &ignores as _),
                check: &|i| match class_of(i) {
                    Some(_) => Ok(()),
                    None => Err(no_class(y[i], &place(i, batch.shape), outputs)),
                },
                class: Some(&|i| y[i].as_f64()),
                share: Some(&|i| sparse.weight(class_of(i).unwrap_or(0))),
            };
            batch.weigh(&entries, &mut room.weights)?
        } else {
            let largest = |i: usize| class_of(&y[i * size..][..size]);
            let entries = Entries {
                ignored: None,
                check: &|_| Ok(()),
                class: (!self.is_of_numbers()).then_some(&largest as _),
                share: None,
            };
            batch.weigh(&entries, &mut room.weights)?
        };
        let labels = y.len().checked_div(room.weights.len()).unwrap_or(1);
        let counted = (&room.weights[..], divisor);
        let numbers = &mut room.numbers;
        batch.reduce(counted, values, gradient, |i, scale, g| {
            let (y, p) = (&y[i * labels..][..labels], &p[i * size..][..size]);
            Ok(loss.row(i * size % outputs, y, p, scale, g, numbers))
        })
    }

    fn alignments(
        &self,
        ctc: &Ctc,
        of: &Sequences<A>,
        batch: &Batch<A>,
        (values, gradient): (&mut ndarray::ArrayD<f64>, &mut [A]),
        room: &mut Room,
    ) -> Result<f64> {
        of.check(batch.shape[0], ctc)?;
        let entries = Entries {
            ignored: None,
            check: &|sample| of.check_labels(sample, ctc),
            class: None,
            share: None,
        };
        let divisor = batch.weigh(&entries, &mut room.weights)?;
        let by_label_length = self.is_torch && self.reduction == Reduction::Mean;
        let counted = (&room.weights[..], divisor);
        let (numbers, labels) = (&mut room.numbers, &mut room.labels);
        batch.reduce(counted, values, gradient, |sample, scale, g| {
            ctc.sample(
                of,
                sample,
                by_label_length,
                scale,
                g,
                (&mut *numbers, &mut *labels),
            )
        })
    }
}

/// The number of a row with one, or the place of the largest number: how Keras finds a class.
pub(in crate::train) fn class_of<A: Element>(row: &[A]) -> f64 {
    match row {
        [one] => one.as_f64(),
        row => place_of_largest(row) as f64,
    }
}

/// The place of the largest number, the first of equal ones.
pub(in crate::train) fn place_of_largest<A: Element>(row: &[A]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}
