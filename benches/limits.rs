//! What this machine can do at most on one thread. Run: `cargo bench --bench limits`.

#[path = "common/limits.rs"]
mod limits;

fn main() {
    let limits = limits::Limits::measure();
    println!("multiply-adds  {:7.1} GFLOP/s", limits.peak);
    for (name, (_, read)) in ["L1", "L2", "L3", "memory"].iter().zip(limits.levels) {
        println!("read {name:<8}  {read:7.1} GB/s");
    }
}
