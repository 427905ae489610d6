//! Every row of the work table beside the least time that this machine could need for it.
//!
//! Run: `cargo bench --features rayon --bench bounds`, some rows with `-- Q3 S4`, all once and untimed with `-- --test`. The
//! machine should do nothing else.
//!
//! | rows | bound of one call |
//! | --- | --- |
//! | `S…` | reading all weights once |
//! | `Q1`, `Q2` | for each step, reading the recurrent kernel once; and the multiply-adds of the inputs at the peak |
//! | `Q3` … | all multiply-adds at the peak; `Q9`: those of its real steps |
//! | `T…` | three times the multiply-adds of the forward pass at the peak; `T3`: none |
//! | `A0` | none: nanoseconds per timestep |
//!
//! The limits are measured in the same rounds as the row, so that a clock that changes meets all of them: the multiply-adds
//! of one thread, with the vectors of the instruction set that is timed, and reading as many bytes as the weights have, again
//! and again. Each number is the median of the rounds. No bound counts the activations, or the wait for one step's state by
//! the next, which is most of `S1`. On two threads the bound is half of it, which no row reaches that
//! is too short for two.

#[path = "common/limits.rs"]
mod limits;
#[path = "common/training.rs"]
mod training;
#[path = "common/work.rs"]
mod work;

use limits::{Memory, Width, multiply_adds};
use recurrent::Isa;
use std::time::{Duration, Instant};
use training::TRAININGS;
use work::{ROWS, Row};

const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let test = arguments.iter().any(|a| a == "--test");
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    let rows = ROWS.iter().map(Task::Row);
    let tasks = rows.chain(TRAININGS.into_iter().map(Task::Training));
    let tasks = tasks.filter(|task| wanted.is_empty() || wanted.iter().any(|id| *id == task.id()));
    // Who asks alone gets no other threads.
    #[cfg(feature = "rayon")]
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("the first pool");
    if test {
        tasks.for_each(|task| task.call(Isa::detect(), 1)());
        return;
    }
    let column = |name: &str| print!(" | {name:^34}");
    print!("{:8}", "");
    sets()
        .iter()
        .for_each(|(isa, _)| column(&format!("{isa:?}")));
    if cfg!(feature = "rayon") {
        column("two threads");
    }
    println!();
    for task in tasks {
        print!("{:8}", task.id());
        measure(task).iter().for_each(print_result);
        println!();
    }
}

/// A row of the table.
#[derive(Clone, Copy)]
enum Task {
    Row(&'static Row),
    Training(&'static str),
}

impl Task {
    fn id(self) -> &'static str {
        match self {
            Task::Row(row) => row.id,
            Task::Training(id) => id,
        }
    }

    fn elements(self) -> usize {
        match self {
            Task::Row(row) => row.elements(),
            Task::Training(id) => training::elements(id),
        }
    }

    fn call(self, isa: Isa, threads: usize) -> Box<dyn FnMut() + Send> {
        match self {
            Task::Row(row) => row.call(isa, threads),
            Task::Training(id) => training::call(id, isa),
        }
    }

    /// How many bytes of weights each step of one sample has to read.
    fn bytes_read(self) -> usize {
        let Task::Row(row) = self else { return 0 };
        let (of_inputs, of_state) = row.multiply_adds();
        4 * if row.is_step() {
            of_inputs + of_state
        } else {
            of_state
        }
    }

    /// The bound of one call in ns, from operations and bytes per ns.
    fn bound(self, peak: f64, bandwidth: f64) -> Option<f64> {
        let compute = |multiply_adds: usize| 2.0 * multiply_adds as f64 / peak;
        let row = match self {
            Task::Row(row) => row,
            Task::Training(id) => return training::multiply_adds(id).map(compute),
        };
        let (of_inputs, of_state) = row.multiply_adds();
        let read = self.bytes_read() as f64 / bandwidth;
        if row.id.starts_with("A0") {
            None
        } else if row.is_step() {
            Some(read)
        } else if row.samples == 1 {
            Some(row.timesteps as f64 * (read + compute(of_inputs)))
        } else {
            let real = row
                .lengths()
                .map_or(row.elements(), |lengths| lengths.iter().sum());
            Some(real as f64 * compute(of_inputs + of_state))
        }
    }
}

/// Those that compute with known vectors, the fastest first.
fn sets() -> Vec<(Isa, Width)> {
    let mut sets: Vec<(Isa, Width)> = Isa::all()
        .filter_map(|isa| match format!("{isa:?}").as_str() {
            "Isa(Avx512)" => Some((isa, Width::Bits512)),
            "Isa(Avx2)" => Some((isa, Width::Bits256)),
            _ => None,
        })
        .collect();
    sets.reverse();
    if sets.is_empty() {
        sets.push((Isa::detect(), Width::Compiled));
    }
    sets
}

/// A row in one column: the time of one call and its bound, in ns.
struct Timed {
    task: Task,
    time: f64,
    bound: Option<f64>,
}

/// All columns of a row. They take turns, and the limits with them.
fn measure(task: Task) -> Vec<Timed> {
    let sets = sets();
    let mut calls: Vec<Box<dyn FnMut() + Send>> =
        sets.iter().map(|&(isa, _)| task.call(isa, 1)).collect();
    let mut widths: Vec<Width> = sets.iter().map(|&(_, width)| width).collect();
    if cfg!(feature = "rayon") {
        calls.push(task.call(sets[0].0, 2));
        widths.push(sets[0].1);
    }
    // Fewer bytes would be read no sooner, but the beginning and the end of the reading be counted.
    let memory = Memory::new(task.bytes_read().max(16 << 10));
    let often: Vec<usize> = calls.iter_mut().map(often).collect();
    let (mut times, mut peaks) = (vec![Vec::new(); calls.len()], vec![Vec::new(); calls.len()]);
    let mut bandwidths = Vec::new();
    for _ in 0..ROUNDS {
        bandwidths.push(memory.bandwidth());
        for (i, (call, &often)) in calls.iter_mut().zip(&often).enumerate() {
            peaks[i].push(multiply_adds(widths[i]));
            let mut time = || {
                let start = Instant::now();
                (0..often).for_each(|_| call());
                start.elapsed().as_secs_f64() * 1e9 / often as f64
            };
            times[i].push(if i < sets.len() { time() } else { on_two(time) });
        }
    }
    let bandwidth = median(bandwidths);
    let timed = times.into_iter().zip(peaks).enumerate();
    timed
        .map(|(i, (times, peaks))| {
            let shared = if i < sets.len() { 1.0 } else { 2.0 };
            let bound = task.bound(median(peaks), bandwidth);
            Timed {
                task,
                time: median(times),
                bound: bound.map(|bound| bound / shared),
            }
        })
        .collect()
}

/// Does the work on two threads.
fn on_two<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "rayon")]
    {
        static POOL: std::sync::OnceLock<rayon::ThreadPool> = std::sync::OnceLock::new();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
        let pool = POOL.get_or_init(|| pool.build().expect("two threads"));
        // Threads that slept may wake on one core, and are parted when both have worked for a while.
        pool.broadcast(|_| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(10) {}
        });
        pool.install(work)
    }
    #[cfg(not(feature = "rayon"))]
    work()
}

/// How many calls take long enough to be timed.
fn often(call: &mut Box<dyn FnMut() + Send>) -> usize {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_millis(20) {
        call();
        count += 1;
    }
    count
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn print_result(timed: &Timed) {
    let Timed { task, time, bound } = *timed;
    match bound {
        Some(bound) => print!(
            " | {:>11} of {:>11} {:>6.2}x",
            human(time),
            human(bound),
            time / bound
        ),
        None => print!(
            " | {:>11} = {:>6.0} ns per step ",
            human(time),
            time / task.elements() as f64
        ),
    }
}

fn human(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}
