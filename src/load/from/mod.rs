//! From names and the order of gates to layers: knows no bytes.

mod any_recurrent;
pub mod keras;

use any_recurrent::AnyRecurrent;
