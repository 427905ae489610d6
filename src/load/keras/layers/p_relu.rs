//! `PReLU`.

use crate::arrays::ToArray;
use crate::error::Error;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::Plan;
use crate::{Element, PRelu};

/// `PReLU`. Its only array has length 1 along the axes that share a slope. How many axes there are is known by the array
/// alone.
pub fn p_relu<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.integers("shared_axes", &[])?;
    Ok(Plan::of_every(&of.object.name, |arrays| {
        let [(_, alpha)] = arrays.as_slice() else {
            return Err(Error::file("weights", "one array, alpha", arrays.len()));
        };
        Ok(Made::of(PRelu::from_weights(alpha.array()?)))
    }))
}
