//! The backward passes of layers that are made of others. They hand the tape on, and know no cells.

mod any_recurrent;
mod bidirectional;
mod deep;
mod stacked;
