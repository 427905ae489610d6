//! `cargo run --release --example custom_cell`: a cell of one's own, and what it sees in a hundred years of the Nile.
//!
//! The cell is a mean that forgets, with another memory in every unit. Two lines of mathematics in `step`; masks, both
//! directions and a stream come from `Rnn`. Nothing is trained. The flow at Aswan, 1871 to 1970, in 100 million m³ a year:
//! G. W. Cobb, "The Problem of the Nile" (Biometrika, 1978), as the public-domain data set of statsmodels 0.15 has it.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, Zip, s};
use recurrent::{Bidirectional, Causal, Cell, LstmState, MergeMode, Recurrent, Rnn};

#[rustfmt::skip]
const NILE: [f64; 100] = [
    1120., 1160.,  963., 1210., 1160., 1160.,  813., 1230., 1370., 1140.,  995.,  935., 1110.,  994., 1020.,
     960., 1180.,  799.,  958., 1140., 1100., 1210., 1150., 1250., 1260., 1220., 1030., 1100.,  774.,  840.,
     874.,  694.,  940.,  833.,  701.,  916.,  692., 1020., 1050.,  969.,  831.,  726.,  456.,  824.,  702.,
    1120., 1100.,  832.,  764.,  821.,  768.,  845.,  864.,  862.,  698.,  845.,  744.,  796., 1040.,  759.,
     781.,  865.,  845.,  944.,  984.,  897.,  822., 1010.,  771.,  676.,  649.,  846.,  812.,  742.,  801.,
    1040.,  860.,  874.,  848.,  890.,  744.,  749.,  838., 1050.,  918.,  986.,  797.,  923.,  975.,  815.,
    1020.,  906.,  901., 1170.,  912.,  746.,  919.,  718.,  714.,  740.,
];
const FIRST: usize = 1871;

/// `weight' = memory * weight + 1`, `mean' = mean + (x - mean) / weight'`: with memory 0 the last number, with 1 the mean
/// of all, in between the older the less.
#[derive(Clone, Debug)]
pub struct ForgetfulMean {
    /// Of each unit, from 0 to 1.
    pub memory: Array1<f64>,
}

impl Cell for ForgetfulMean {
    type Elem = f64;
    /// An LSTM's state has what is needed, two arrays (samples, units): the means in `h`, their weights in `c`.
    type State = LstmState<f64>;

    fn features(&self) -> usize {
        1
    }

    fn units(&self) -> usize {
        self.memory.len()
    }

    fn zero_state(&self, samples: usize) -> Self::State {
        LstmState::zeros(samples, self.units())
    }

    /// `x` is (samples, 1), a number for all units.
    fn step(&self, x: ArrayView2<f64>, state: &mut Self::State) {
        let all = Zip::from(&mut state.h).and(&mut state.c);
        all.and_broadcast(&x)
            .and_broadcast(&self.memory)
            .for_each(|mean, weight, &x, &memory| {
                *weight = memory * *weight + 1.0;
                *mean += (x - *mean) / *weight;
            });
    }

    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, f64> {
        state.h.view()
    }

    /// A state may come from outside; that of `h` is looked at without our help.
    fn check_state(&self, state: &Self::State, samples: usize) -> recurrent::Result<()> {
        let (found, expected) = (state.c.dim(), (samples, self.units()));
        if found == expected {
            return Ok(());
        }
        Err(recurrent::Error::Value {
            name: "state.c",
            expected: format!("of shape {expected:?}"),
            found: format!("{found:?}"),
        })
    }
}

/// A layer like any other.
pub fn means(memory: &[f64]) -> Rnn<ForgetfulMean> {
    let memory = Array1::from(memory.to_vec());
    Rnn(ForgetfulMean { memory })
}

fn main() -> recurrent::Result<()> {
    let x = Array3::from_shape_fn((1, NILE.len(), 1), |(_, year, _)| NILE[year]);

    // ---- sequences: how much memory foretells the next year best? ----------------------------------------------------
    let memories = [0.0, 0.5, 0.75, 0.9, 0.95, 1.0];
    let after = means(&memories).run(&x).sequences()?; // (1, 100, 6): the means as they were after every year
    println!("The next year will be as the mean so far: wrong by (root mean square)");
    for (unit, memory) in memories.iter().enumerate() {
        let guesses = after.slice(s![0, ..-1, unit]);
        let wrong = guesses
            .iter()
            .zip(&NILE[1..])
            .map(|(guess, flow)| (guess - flow).powi(2));
        let rms = (wrong.sum::<f64>() / guesses.len() as f64).sqrt();
        println!("  memory {memory:<4}  {rms:5.1}");
    }

    // ---- a stream: a year at a time, as they came --------------------------------------------------------------------
    let memories = means(&[0.75, 1.0]);
    let mut live = memories.stream(1);
    for (year, &flow) in (FIRST..).zip(&NILE) {
        let mean = live.push_slice(&[flow])?;
        if mean[0] < 0.8 * mean[1] {
            let percent = 100.0 * (1.0 - mean[0] / mean[1]);
            println!(
                "\n{year}: of late the Nile carries {percent:.0} % less than on average since {FIRST}!"
            );
            break;
        }
    }

    // ---- masks: the same years twice, of which one half is hidden ----------------------------------------------------
    let twice = ndarray::concatenate![Axis(0), x, x];
    let mask = Array2::from_shape_fn((2, NILE.len()), |(half, at)| {
        (half == 0) == (FIRST + at < 1899)
    });
    let mean = means(&[1.0]).run(&twice).mask(&mask).last()?;
    println!(
        "The data set's note sees a change near 1898: until then {:.0} a year, since 1899 {:.0}.\n",
        mean[[0, 0]],
        mean[[1, 0]]
    );

    // ---- both directions: years before and after, as they are all known today ----------------------------------------
    let both = Bidirectional::new(means(&[0.75]), means(&[0.75])).merge_mode(MergeMode::Ave);
    let smooth = both.run(&twice).mask(&mask).sequences()?; // a masked step is 0 in one half, but not in the other
    plot(&smooth.sum_axis(Axis(0)));
    Ok(())
}

/// A column for each year: its flow `o`, its mean `=`.
fn plot(mean: &Array2<f64>) {
    for low in (400..1400).step_by(100).rev() {
        let line = f64::from(low)..f64::from(low + 100);
        let mark = |(flow, mean)| match (line.contains(flow), line.contains(mean)) {
            (true, _) => 'o',
            (_, true) => '=',
            _ => ' ',
        };
        let columns = NILE.iter().zip(mean).map(mark);
        println!("{low:5} |{}", columns.collect::<String>().trim_end());
    }
    let years = (FIRST..FIRST + NILE.len()).step_by(20);
    let years: Vec<String> = years.map(|year| format!("{year:<20}")).collect();
    println!("       {}", years.concat().trim_end());
}
