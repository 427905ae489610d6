//! What stands around recurrent layers in real models.

mod dense;
mod embedding;
mod masking;
mod repeat_vector;
mod softmax;
mod time_distributed;

pub use dense::Dense;
pub use embedding::Embedding;
pub use masking::Masking;
pub use repeat_vector::RepeatVector;
pub use softmax::Softmax;
pub use time_distributed::TimeDistributed;
