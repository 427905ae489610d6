//! The middle level: matrices of weights in the order in which they are used, and their products. It does not know the
//! cells.

mod accumulate;
#[cfg(feature = "train")]
mod add_product;
mod inputs;
mod lines;
mod matrix;
mod panels;
mod product;
mod project;
mod sizes;
mod tile;

pub use accumulate::{accumulate, load};
#[cfg(feature = "train")]
pub use add_product::AddProduct;
pub use inputs::Inputs;
pub use matrix::Matrix;
pub use panels::Panels;
pub use product::{Grid, Product, Sums, product};
pub use project::{Products, bias};
pub use sizes::{MOST_ROWS, most_panels};
pub use tile::{Tile, each_tile_of};
