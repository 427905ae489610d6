//! `Initializer`: how new weights are filled. A seed gives the same numbers on every platform.

use crate::Element;
use crate::error::{Error, Result, check_size};
use alloc::vec::Vec;
use ndarray::{Array1, Array2};

/// The initialisers of Keras, which fill the weights of a new layer.
///
/// An array (rows, columns) has `fan_in` = rows and `fan_out` = columns. For a vector both are its length. The numbers are
/// computed in `f64` from a SplitMix64 sequence and rounded once. So a seed gives the same weights on every platform, but
/// other weights than the same seed gives in Keras. Sources: `keras.initializers` 3.15, and the papers named at the
/// variants.
///
/// ```
/// use recurrent::Initializer;
/// let kernel = Initializer::GlorotUniform.matrix::<f32>(3, 8, 42)?;
/// assert_eq!(kernel, Initializer::GlorotUniform.matrix::<f32>(3, 8, 42)?);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub enum Initializer {
    /// All zeros.
    Zeros,
    /// All ones.
    Ones,
    /// The same value for all elements.
    Constant(f64),
    /// Uniform in [`min`, `max`).
    RandomUniform {
        /// The lower bound.
        min: f64,
        /// The upper bound.
        max: f64,
    },
    /// Normal, with this mean and standard deviation.
    RandomNormal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        stddev: f64,
    },
    /// Normal; values beyond two standard deviations are drawn again.
    TruncatedNormal {
        /// The mean.
        mean: f64,
        /// The standard deviation before truncation.
        stddev: f64,
    },
    /// Uniform in ±√(6 / (`fan_in` + `fan_out`)). Glorot & Bengio (2010).
    GlorotUniform,
    /// Truncated normal of variance 2 / (`fan_in` + `fan_out`). Glorot & Bengio (2010).
    GlorotNormal,
    /// Uniform in ±√(6 / `fan_in`). He et al. (2015).
    HeUniform,
    /// Truncated normal of variance 2 / `fan_in`. He et al. (2015).
    HeNormal,
    /// Uniform in ±√(3 / `fan_in`). LeCun et al. (1998).
    LecunUniform,
    /// Truncated normal of variance 1 / `fan_in`. LeCun et al. (1998).
    LecunNormal,
    /// Orthonormal rows, or orthonormal columns if there are fewer of them, times `gain`: Q of the QR decomposition of a
    /// normal matrix. Saxe et al. (2014).
    Orthogonal {
        /// The factor of the orthonormal vectors.
        gain: f64,
    },
    /// `gain` on the main diagonal and zeros elsewhere.
    Identity {
        /// The value on the diagonal.
        gain: f64,
    },
}

/// The standard deviation of a standard normal distribution that is truncated at ±2.
const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// Fills a new matrix (rows, columns). Returns an error if a parameter is invalid or there is not enough memory.
    pub fn matrix<A: Element>(self, rows: usize, columns: usize, seed: u64) -> Result<Array2<A>> {
        self.check()?;
        check_size("weights", &[rows, columns])?;
        let values: Vec<f64> = match self {
            Initializer::Orthogonal { gain } => orthogonal(rows, columns, gain, seed),
            Initializer::Identity { gain } => {
                let on_diagonal = |at: usize| at / columns == at % columns;
                (0..rows * columns)
                    .map(|at| if on_diagonal(at) { gain } else { 0.0 })
                    .collect()
            }
            _ => self.fill(rows * columns, rows, columns, seed),
        };
        let mut values = values.into_iter().map(A::from_f64);
        Ok(Array2::from_shape_simple_fn((rows, columns), || {
            values.next().unwrap_or_default()
        }))
    }

    /// Fills a new vector. Returns an error if a parameter is invalid or there is not enough memory, and for `Orthogonal`
    /// and `Identity`, which need two axes.
    pub fn vector<A: Element>(self, len: usize, seed: u64) -> Result<Array1<A>> {
        self.check()?;
        check_size("weights", &[len])?;
        if let Initializer::Orthogonal { .. } | Initializer::Identity { .. } = self {
            let expected = "one for a vector: this one needs two axes";
            return Err(Error::value(
                "initializer",
                expected,
                alloc::format!("{self:?}"),
            ));
        }
        Ok(self
            .fill(len, len, len, seed)
            .into_iter()
            .map(A::from_f64)
            .collect())
    }

    fn check(self) -> Result<()> {
        let good = match self {
            Initializer::RandomUniform { min, max } => min <= max && (max - min).is_finite(),
            Initializer::RandomNormal { mean, stddev }
            | Initializer::TruncatedNormal { mean, stddev } => {
                mean.is_finite() && stddev.is_finite() && stddev >= 0.0
            }
            Initializer::Orthogonal { gain } | Initializer::Identity { gain } => gain.is_finite(),
            _ => true,
        };
        if good {
            return Ok(());
        }
        let expected = "one with finite parameters, min <= max, stddev >= 0";
        Err(Error::value(
            "initializer",
            expected,
            alloc::format!("{self:?}"),
        ))
    }

    /// Draws the elements independently of each other.
    fn fill(self, len: usize, fan_in: usize, fan_out: usize, seed: u64) -> Vec<f64> {
        let (fan_in, fan_out) = (fan_in as f64, fan_out as f64);
        let mean_fan = f64::midpoint(fan_in, fan_out);
        let uniform = |scale: f64, fan: f64| {
            let limit = libm::sqrt(3.0 * scale / fan.max(1.0));
            SplitMix64(seed).fill(len, |r| limit * (2.0 * r.uniform() - 1.0))
        };
        let normal = |scale: f64, fan: f64| {
            let stddev = libm::sqrt(scale / fan.max(1.0)) / TRUNCATED_STDDEV;
            SplitMix64(seed).fill(len, |r| stddev * r.truncated())
        };
        match self {
            // `matrix` handles the last two and `vector` refuses them: they are not drawn element by element.
            Initializer::Zeros | Initializer::Orthogonal { .. } | Initializer::Identity { .. } => {
                alloc::vec![0.0; len]
            }
            Initializer::Ones => alloc::vec![1.0; len],
            Initializer::Constant(value) => alloc::vec![value; len],
            Initializer::RandomUniform { min, max } => {
                SplitMix64(seed).fill(len, |r| min + (max - min) * r.uniform())
            }
            Initializer::RandomNormal { mean, stddev } => {
                SplitMix64(seed).fill(len, |r| mean + stddev * r.normal())
            }
            Initializer::TruncatedNormal { mean, stddev } => {
                SplitMix64(seed).fill(len, |r| mean + stddev * r.truncated())
            }
            Initializer::GlorotUniform => uniform(1.0, mean_fan),
            Initializer::GlorotNormal => normal(1.0, mean_fan),
            Initializer::HeUniform => uniform(2.0, fan_in),
            Initializer::HeNormal => normal(2.0, fan_in),
            Initializer::LecunUniform => uniform(1.0, fan_in),
            Initializer::LecunNormal => normal(1.0, fan_in),
        }
    }
}

/// The random number generator of Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Draws a uniform number in [0, 1) from the upper 53 bits.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws a standard normal number by the method of Box & Muller (1958), one of the pair.
    fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    /// Draws a standard normal number within ±2.
    fn truncated(&mut self) -> f64 {
        loop {
            let x = self.normal();
            if x.abs() <= 2.0 {
                return x;
            }
        }
    }

    fn fill(&mut self, len: usize, mut draw: impl FnMut(&mut Self) -> f64) -> Vec<f64> {
        (0..len).map(|_| draw(self)).collect()
    }
}

/// Computes Q of a normal matrix by the Gram-Schmidt method. Each vector is projected twice, so that rounding leaves it
/// orthogonal to about 1e-15. The diagonal of R is positive by construction; Keras corrects the signs to the same effect.
fn orthogonal(rows: usize, columns: usize, gain: f64, seed: u64) -> Vec<f64> {
    let (count, len) = (rows.min(columns), rows.max(columns));
    let mut random = SplitMix64(seed);
    let mut vectors: Vec<f64> = Vec::with_capacity(count * len);
    while vectors.len() < count * len {
        let mut v = random.fill(len, SplitMix64::normal);
        for _ in 0..2 {
            for q in vectors.chunks_exact(len) {
                let along = dot(q, &v);
                v.iter_mut().zip(q).for_each(|(v, q)| *v -= along * q);
            }
        }
        let norm = libm::sqrt(dot(&v, &v));
        // A vector that is nearly in the span of the others is drawn again.
        if norm > 1e-8 {
            vectors.extend(v.iter().map(|v| v / norm));
        }
    }
    let at = |row: usize, column: usize| {
        if rows <= columns {
            vectors[row * len + column]
        } else {
            vectors[column * len + row]
        }
    };
    (0..rows * columns)
        .map(|i| gain * at(i / columns, i % columns))
        .collect()
}

/// Computes a dot product as eight sums side by side, in the same order on every machine.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a
        .remainder()
        .iter()
        .zip(b.remainder())
        .map(|(a, b)| a * b)
        .sum();
    let mut sums = [0.0; 8];
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut random = SplitMix64(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected, [(); 5].map(|()| random.next()));
    }
}
