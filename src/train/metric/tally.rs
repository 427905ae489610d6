//! `Tally`: what a metric has counted so far.

use super::auc::Scores;
use super::{Kind, Metric};
use crate::Element;
use crate::error::{Error, Result};
use crate::train::Target;
use crate::train::loss::{class_of, counted, place_of_largest};
use alloc::format;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// What a metric has counted so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Of a mean, the sum and what it is divided by; of a count, the true positives, false positives and false negatives.
    pub sums: [f64; 3],
    pub scores: Scores,
}

/// The rows of a batch: outputs and targets, and what each row counts.
struct Rows<'r, A> {
    outputs: usize,
    labels: usize,
    p: &'r [A],
    y: &'r [A],
    weights: Vec<f64>,
}

impl Tally {
    /// Counts a batch of outputs.
    pub fn add<A: Element>(
        &mut self,
        metric: &Metric,
        y_pred: &ArrayD<A>,
        target: &Target<A>,
    ) -> Result<()> {
        let Some((&outputs, rows)) = y_pred.shape().split_last() else {
            return Err(Error::Rank {
                array: "y_pred",
                expected: "1 or more",
                found: 0,
            });
        };
        let (p, y) = (
            y_pred.as_standard_layout(),
            target.y_true.as_standard_layout(),
        );
        let (p, y) = (
            p.as_slice().unwrap_or_default(),
            y.as_slice().unwrap_or_default(),
        );
        let count: usize = rows.iter().product();
        let labels = y.len().checked_div(count).unwrap_or(outputs);
        if labels * count != y.len() || (labels != outputs && labels != 1) {
            let expected = format!("a row, or a number, for each of the {count} rows of outputs");
            let found = format!("of shape {:?}", target.y_true.shape());
            return Err(Error::value("y_true", expected, found));
        }
        let class = |row: usize| class_of(&y[row * labels..][..labels]);
        let weights = counted(target, rows, metric.is_weighted, &class)?;
        let rows = Rows {
            outputs,
            labels,
            p,
            y,
            weights,
        };
        self.count(metric, &rows)
    }

    fn count<A: Element>(&mut self, metric: &Metric, rows: &Rows<A>) -> Result<()> {
        let is_above = |p: &A| p.as_f64() > metric.threshold;
        let is_one = |y: &A| *y != A::zero();
        let kind = match (metric.kind, rows.outputs, rows.labels) {
            (Kind::Accuracy, 1, _) => Kind::Binary,
            (Kind::Accuracy, _, 1) => Kind::Sparse,
            (Kind::Accuracy, ..) => Kind::Categorical,
            (kind, ..) => kind,
        };
        let takes_labels = matches!(kind, Kind::Sparse | Kind::TopK(_));
        if rows.labels != rows.outputs && !takes_labels {
            let expected = format!("{} numbers for each row, for {}", rows.outputs, metric.name);
            return Err(Error::value("y_true", expected, rows.labels));
        }
        let mean = |p: &[A], y: &[A], of: &dyn Fn(f64) -> f64| {
            let pairs = p.iter().zip(y);
            let sum: f64 = pairs.map(|(p, y)| of(p.as_f64() - y.as_f64())).sum();
            sum / p.len() as f64
        };
        for (row, &weight) in rows.weights.iter().enumerate() {
            if weight == 0.0 {
                continue; // whatever stands there, NaN too
            }
            let p = &rows.p[row * rows.outputs..][..rows.outputs];
            let y = &rows.y[row * rows.labels..][..rows.labels];
            let value = match kind {
                Kind::Accuracy | Kind::Binary => {
                    let right = p.iter().zip(y).filter(|(p, y)| is_above(p) == is_one(y));
                    right.count() as f64 / p.len() as f64
                }
                Kind::Categorical => is(place_of_largest(p) == place_of_largest(y)),
                Kind::Sparse => is(A::from(place_of_largest(p)) == Some(y[0])),
                Kind::TopK(k) => {
                    let class = match y {
                        [label] => label.to_usize(),
                        y => Some(place_of_largest(y)),
                    };
                    let of_class = class.and_then(|class| p.get(class));
                    let larger = |of: &A| p.iter().filter(|p| *p > of).count();
                    is(of_class.is_some_and(|of| larger(of) < k))
                }
                Kind::Absolute => mean(p, y, &f64::abs),
                Kind::Squared | Kind::RootSquared => mean(p, y, &|d| d * d),
                Kind::Precision | Kind::Recall | Kind::F1 => {
                    for (p, y) in p.iter().zip(y) {
                        match (is_above(p), is_one(y)) {
                            (true, true) => self.sums[0] += weight,
                            (true, false) => self.sums[1] += weight,
                            (false, true) => self.sums[2] += weight,
                            (false, false) => {}
                        }
                    }
                    continue;
                }
                Kind::Auc => {
                    let pairs = p.iter().zip(y);
                    pairs.for_each(|(p, y)| self.scores.add(p.as_f64(), is_one(y), weight));
                    continue;
                }
            };
            self.sums[0] += weight * value;
            self.sums[1] += weight;
        }
        Ok(())
    }

    /// The metric of all that was counted.
    pub fn value(&self, metric: &Metric) -> f64 {
        let [tp, fp, missed] = self.sums;
        let share = |of: f64, all: f64| if all == 0.0 { 0.0 } else { of / all };
        match metric.kind {
            Kind::Precision => share(tp, tp + fp),
            Kind::Recall => share(tp, tp + missed),
            Kind::F1 => share(2.0 * tp, 2.0 * tp + fp + missed),
            Kind::Auc => self.scores.area(),
            Kind::RootSquared => libm::sqrt(share(self.sums[0], self.sums[1])),
            _ => share(self.sums[0], self.sums[1]),
        }
    }
}

fn is(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}
