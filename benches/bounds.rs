//! Every row of the work table beside the least time that this machine could need for it.
//!
//! Run: `cargo bench --bench bounds`, some rows with `-- Q3 S4`, all once and untimed with `-- --test`. The machine should
//! do nothing else. The limits (`common/limits.rs`) are measured in the same run.
//!
//! | rows | bound of one call |
//! | --- | --- |
//! | `S…` | reading all weights once, from the cache that they fit in |
//! | `Q1`, `Q2` | for each step, reading the recurrent kernel once; and the multiply-adds of the inputs at the peak |
//! | `Q3` … | all multiply-adds at the peak; `Q9`: those of its real steps |
//! | `A0` | none: nanoseconds per timestep |
//!
//! No bound counts the activations, or the wait for one step's state by the next, which is most of `S1`.

#[path = "common/limits.rs"]
mod limits;
#[path = "common/work.rs"]
mod work;

use limits::Limits;
use recurrent::Isa;
use std::time::{Duration, Instant};
use work::{ROWS, Row};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let test = arguments.iter().any(|a| a == "--test");
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    let rows = ROWS
        .iter()
        .filter(|row| wanted.is_empty() || wanted.iter().any(|id| *id == row.id));
    if test {
        rows.for_each(|row| row.call(Isa::detect())());
        return;
    }
    let limits = Limits::measure();
    println!("one thread: {:.0} GFLOP/s", limits.peak);
    let sets: Vec<Isa> = Isa::all().collect();
    print!("{:8} {:>12}", "", "bound/call");
    sets.iter()
        .rev()
        .for_each(|isa| print!(" {:>22}", format!("{isa:?}")));
    println!();
    for row in rows {
        let bound = bound(row, &limits);
        print!(
            "{:8} {:>12}",
            row.id,
            if bound > 0.0 {
                human(bound)
            } else {
                String::new()
            }
        );
        let mut calls: Vec<_> = sets.iter().rev().map(|&isa| row.call(isa)).collect();
        for time in medians(&mut calls) {
            let ratio = if bound > 0.0 {
                format!("{:.2}x", time / bound)
            } else {
                format!("{:.0} ns/step", time / row.elements() as f64)
            };
            print!(" {:>11} {ratio:>10}", human(time));
        }
        println!();
    }
}

/// The bound of one call in ns; 0 if there is none.
fn bound(row: &Row, limits: &Limits) -> f64 {
    let (of_inputs, of_state) = row.multiply_adds();
    let read = |weights: usize| (weights * 4) as f64 / limits.bandwidth(weights * 4);
    let compute = |multiply_adds: usize| 2.0 * multiply_adds as f64 / limits.peak;
    if row.id.starts_with("A0") {
        0.0
    } else if row.is_step() {
        read(of_inputs + of_state)
    } else if row.samples == 1 {
        row.timesteps as f64 * (read(of_state) + compute(of_inputs))
    } else {
        let real = row
            .lengths()
            .map_or(row.elements(), |lengths| lengths.iter().sum());
        real as f64 * compute(of_inputs + of_state)
    }
}

/// The median time of each call in ns: they take turns, so that a disturbance meets all of them.
fn medians(calls: &mut [Box<dyn FnMut() + Send>]) -> Vec<f64> {
    const ROUNDS: usize = 15;
    let often: Vec<usize> = calls
        .iter_mut()
        .map(|call| {
            let (start, mut count) = (Instant::now(), 0_u32);
            while start.elapsed() < Duration::from_millis(20) {
                call();
                count += 1;
            }
            count as usize
        })
        .collect();
    let mut times = vec![Vec::new(); calls.len()];
    for _ in 0..ROUNDS {
        for ((call, &often), times) in calls.iter_mut().zip(&often).zip(&mut times) {
            let start = Instant::now();
            (0..often).for_each(|_| call());
            times.push(start.elapsed().as_secs_f64() * 1e9 / often as f64);
        }
    }
    times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        })
        .collect()
}

fn human(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}
