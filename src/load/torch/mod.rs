//! Loads PyTorch's recurrent modules from state dicts in safetensors files. Feature `torch`.
//!
//! [`File`] finds the arrays by name, checks every shape, brings the gates into Keras' order, and returns layers of
//! this crate in the type that you ask for: see [`FromLayers`](crate::FromLayers).
//!
//! | in PyTorch | here |
//! | --- | --- |
//! | `nn.LSTM(F, U)`, `nn.LSTMCell(F, U)` | `let lstm: Lstm<f32> = file.lstm("encoder.")?` |
//! | `nn.GRU(F, U, num_layers=3)` | `let gru: Deep<Gru<f32>> = file.gru("encoder.")?` |
//! | `nn.LSTM(F, U, num_layers=2, bidirectional=True, proj_size=P)` | `Deep<Bidirectional<Lstm<f32>, Lstm<f32>>>` |
//! | `weight_norm(nn.LSTM(F, U), "weight_hh_l0")` | the same: weights are multiplied out |
//! | `WeightDrop(nn.LSTM(F, U), …)` of AWD-LSTM, fastai | the same: the raw weights |
//! | `nn.RNN(F, U, nonlinearity="relu")` | `file.rnn("encoder.", Activation::Relu)?`: the file does not say which |
//!
//! PyTorch calls, and their counterparts here:
//!
//! | in PyTorch | here |
//! | --- | --- |
//! | `output, _ = lstm(x)`, `batch_first=True` | `lstm.run(&x).sequences()?` |
//! | `batch_first=False` | `lstm.run(&x).time_major().sequences()?` |
//! | an unbatched `x` | `lstm.run(&x.insert_axis(Axis(0)))`, and index 0 of what it returns |
//! | `pack_padded_sequence(x, lengths)` and `pad_packed_sequence` | `.lengths(&lengths).zero_output_for_mask()` |
//! | `output, (h_n, c_n) = lstm(x)` | `let (output, state) = lstm.run(&x).sequences_and_state()?`, and [`h_n`], [`c_n`] |
//! | `lstm(x, (h_0, c_0))` | `.initial_state(initial_state(&lstm, &[h_0.view(), c_0.view()])?)` |
//!
//! `zero_output_for_mask` applies to sequences only: with it, [`Run::last`](crate::Run::last) of a padded sample is
//! padding, 0. A stack outputs in time order in both directions, as in PyTorch. The last hidden state of a packed
//! sequence is `h_n`. [`Run::last`](crate::Run::last) is Keras' last output; it equals `h_n` without
//! `zero_output_for_mask`. A file does not record the dropout between the layers; for a training there is
//! [`Deep::dropout`](crate::Deep::dropout).

//!
//! # Back to PyTorch
//! [`StateDict`] writes layers of this crate as the state dict of PyTorch's modules: a file of its own, or a copy of the file
//! that they came from, in which they have other numbers.

mod dict;
mod file;
mod form;
mod module;
mod module_arrays;
mod rows;
mod state_dict;
mod states;
mod weight;

pub use file::File;
pub use module_arrays::ToModule;
pub use state_dict::StateDict;
pub use states::{TorchLstmState, TorchState, c_n, h_n, initial_state};
