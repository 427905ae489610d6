//! Pages to read: the equations with their shapes, the layouts of other frameworks, what Keras does that surprises, training, what the
//! compiler says, real time, how fast it is, how it is tested, how it is built, and what has changed.

#[doc = include_str!("equations.md")]
pub mod equations {}
#[doc = include_str!("layouts.md")]
pub mod layouts {}
#[doc = include_str!("for_keras_users.md")]
#[doc = "\n# A masked sample\n"]
#[doc = include_str!("masks.svg")]
pub mod for_keras_users {}
#[doc = include_str!("for_pytorch_users.md")]
pub mod for_pytorch_users {}
#[doc = include_str!("for_rust_users.md")]
pub mod for_rust_users {}
#[doc = include_str!("training.md")]
pub mod training {}
#[doc = include_str!("real_time.md")]
pub mod real_time {}
#[doc = include_str!("performance.md")]
pub mod performance {}
#[doc = include_str!("reliability.md")]
pub mod reliability {}
#[doc = include_str!("design.md")]
pub mod design {}
#[doc = include_str!("changelog.md")]
pub mod changelog {}
