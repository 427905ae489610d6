//! Small rows again and again, so that their instructions can be counted: `benches/guard` does.
//!
//! `instructions ROW CALLS` runs one row so often; without arguments each row runs once.

#[path = "common/work.rs"]
mod work;

use recurrent::Isa;
use work::{Net, ROWS, Row};

/// What the guard counts: pure overhead, two streams, a batch and a masked batch.
fn rows() -> impl Iterator<Item = Row> {
    let listed = ["A0_into", "S1", "S3"];
    let listed = ROWS.into_iter().filter(move |row| listed.contains(&row.id));
    let row = |id, net, samples, features, units| Row {
        id,
        net,
        samples,
        timesteps: 4,
        features,
        units,
    };
    listed.chain([
        row("batch", Net::Lstm, 5, 24, 40),
        row("rnn", Net::SimpleRnn, 3, 8, 17),
    ])
}

fn main() {
    // valgrind knows no AVX-512.
    let isa = Isa::all().filter(|isa| format!("{isa:?}") != "Isa(Avx512)");
    let isa = isa.last().expect("the portable one is always there");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (wanted, calls) = match &arguments[..] {
        [row, calls] if !row.starts_with('-') => (Some(row), calls.parse().expect("a number")),
        _ => (None, 1),
    };
    println!("{isa:?}");
    for row in rows().filter(|row| wanted.is_none_or(|wanted| row.id == wanted)) {
        let mut call = row.call(isa, 1);
        (0..calls).for_each(|_| call());
        println!("{} {calls}", row.id);
    }
}
