//! Amplifier models in JSON against their sources' equations, written as plain loops.

mod example;
mod files;
mod forms;
mod made;
mod mutated;
mod plain;
mod refused;
mod runs;
