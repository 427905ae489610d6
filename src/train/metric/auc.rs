//! `Scores`: outputs with what they should have been, and the area under their curve.

use alloc::vec::Vec;

/// Outputs, whether each is positive, and what it counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores(pub Vec<(f64, bool, f64)>);

impl Scores {
    pub fn add(&mut self, score: f64, is_positive: bool, weight: f64) {
        self.0.push((score, is_positive, weight));
    }

    /// The weight of the pairs in which the positive output is larger, and half of that in which both are equal, divided by the
    /// weight of all pairs. Source: Hanley & McNeil, "The meaning and use of the area under a ROC curve" (1982).
    #[allow(clippy::float_cmp)] // what is equal counts as such
    pub fn area(&self) -> f64 {
        let mut scores = self.0.clone();
        scores.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut area, mut below, mut positives) = (0.0, 0.0, 0.0);
        for equal in scores.chunk_by(|a, b| a.0 == b.0) {
            let weight = |positive: bool| -> f64 {
                equal
                    .iter()
                    .filter(|of| of.1 == positive)
                    .map(|of| of.2)
                    .sum()
            };
            let (positive, negative) = (weight(true), weight(false));
            area += positive * (below + negative / 2.0);
            below += negative;
            positives += positive;
        }
        area / (below * positives)
    }
}

#[cfg(test)]
mod tests {
    use super::Scores;

    #[test]
    #[allow(clippy::float_cmp)]
    fn pairs_in_the_right_order() {
        let area = |scores: &[(f64, bool, f64)]| Scores(scores.to_vec()).area();
        let scores = [
            (0.1, false, 1.0),
            (0.4, false, 1.0),
            (0.35, true, 1.0),
            (0.8, true, 1.0),
        ];
        assert_eq!(area(&scores), 0.75);
        assert_eq!(area(&[(0.5, true, 1.0), (0.5, false, 3.0)]), 0.5);
        // A weight of 2 is the same as two of them.
        let twice = [(0.3, true, 2.0), (0.2, false, 1.0), (0.6, false, 1.0)];
        let both = [
            (0.3, true, 1.0),
            (0.3, true, 1.0),
            (0.2, false, 1.0),
            (0.6, false, 1.0),
        ];
        assert_eq!(area(&twice), area(&both));
        assert!(area(&[(0.3, true, 1.0)]).is_nan());
    }
}
