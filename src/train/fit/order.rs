//! In which order samples are learned from.

use crate::backward::Draw;
use alloc::vec::Vec;

/// The samples of one epoch, batch by batch.
pub struct Order<'o> {
    pub samples: &'o [usize],
    pub batch_size: usize,
    /// The seed of the shuffle, if there is one.
    pub shuffle: Option<u64>,
    /// The lengths by which samples are put together, if they are.
    pub lengths: Option<&'o [usize]>,
}

impl Order<'_> {
    /// The batches of an epoch: a function of the seed and of the epoch, so that a training that was resumed has the same.
    pub fn batches(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut samples = self.samples.to_vec();
        if let Some(seed) = self.shuffle {
            shuffle(&mut samples, Draw::new(seed, epoch).inside("samples"));
        }
        if let Some(lengths) = self.lengths {
            samples.sort_by_key(|&sample| lengths[sample]);
        }
        let mut batches: Vec<Vec<usize>> = samples
            .chunks(self.batch_size.max(1))
            .map(Vec::from)
            .collect();
        if let (Some(seed), Some(_)) = (self.shuffle, self.lengths) {
            shuffle(&mut batches, Draw::new(seed, epoch).inside("batches"));
        }
        batches
    }
}

/// Brings a list into a random order, by the method of Fisher & Yates.
fn shuffle<T>(list: &mut [T], draw: Draw) {
    for (place, last) in (1..list.len()).rev().enumerate() {
        let other = draw.uniform(place as u64) * (last + 1) as f64;
        let other = num_traits::NumCast::from(other).unwrap_or(0).min(last);
        list.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::Order;
    use alloc::vec::Vec;

    #[test]
    fn every_sample_is_in_one_batch() {
        let samples: Vec<usize> = (3..30).collect();
        let lengths: Vec<usize> = (0..30).map(|i| i * 7 % 11).collect();
        let mut seen = Vec::new();
        for (shuffle, by_length) in [(None, false), (Some(1), false), (Some(1), true)] {
            let order = Order {
                samples: &samples,
                batch_size: 4,
                shuffle,
                lengths: by_length.then_some(&lengths),
            };
            let batches = order.batches(2);
            assert_eq!(batches.len(), 7);
            assert_eq!(batches, order.batches(2));
            assert_eq!(batches == order.batches(3), shuffle.is_none());
            let mut all: Vec<usize> = batches.concat();
            assert_eq!(all == samples, shuffle.is_none());
            if by_length {
                let spread = |batch: &Vec<usize>| {
                    let of = batch.iter().map(|&sample| lengths[sample]);
                    of.clone().max().unwrap() - of.min().unwrap()
                };
                assert!(batches.iter().all(|batch| spread(batch) < 4));
            }
            all.sort_unstable();
            assert_eq!(all, samples);
            seen.push(batches);
        }
        assert_ne!(seen[1], seen[2]);
    }
}
