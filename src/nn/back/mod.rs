//! The backward passes of the layers that surround recurrent layers. Each file goes back over the calls of one layer.

mod activation;
mod dense;
mod rows;
