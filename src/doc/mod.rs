//! Pages to read: the equations with their shapes, the layouts of other frameworks, what Keras does that surprises, how
//! fast it is, how the crate is tested, and what has changed.

#[doc = include_str!("equations.md")]
pub mod equations {}
#[doc = include_str!("layouts.md")]
pub mod layouts {}
#[doc = include_str!("for_keras_users.md")]
pub mod for_keras_users {}
#[doc = include_str!("performance.md")]
pub mod performance {}
#[doc = include_str!("testing.md")]
pub mod testing {}
#[doc = include_str!("changelog.md")]
pub mod changelog {}
