//! The layers around the recurrent ones, each made by hand with every option: against what Keras makes of small inputs,
//! step by step, in other batches, and with inputs that cannot be right.
//!
//! `tests/data/make_nn.py` makes the data.

mod build;
mod case;
mod check;
mod golden;

mod hostile;
mod steps;
mod weights;
