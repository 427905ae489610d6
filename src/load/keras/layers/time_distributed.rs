//! `TimeDistributed`: a layer for every timestep.

use crate::error::Error;
use crate::format::json::Value;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::object::Object;
use crate::load::keras::usage::Usage;
use crate::nn::Distributed;
use crate::{AnyLayer, Element, TimeDistributed};
use alloc::boxed::Box;
use alloc::sync::Arc;

/// `TimeDistributed`.
pub fn time_distributed<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (context, object) = (of.context, of.object);
    let inner = Object::of_anyone(of.config.get("layer")?, &object.part())?;
    let plan = (of.inside)(context, &inner, Usage::default());
    let plan = plan.map_err(|error: Error| error.within(&object.part()))?;
    let hands_masks_on = context.version.major() < 3;
    let masks = match inner.class {
        "Embedding" => inner.arguments().get("mask_zero") == Some(&Value::Bool(true)),
        class => class == "Masking",
    };
    if hands_masks_on && masks {
        let expected = "no mask inside of TimeDistributed: Keras 2 hands it on with three axes, and masks have two here";
        return Err(Error::file(object.part(), expected, inner.part()));
    }
    let may_mask = hands_masks_on && inner.is_model();
    Ok(plan.under("layer").map(move |made: Made<A>| {
        let inner: Box<dyn AnyLayer<A>> = if may_mask {
            Box::new(Distributed(made.layer))
        } else {
            Box::new(made.layer)
        };
        Ok(Made {
            layer: Arc::new(TimeDistributed::new(inner)),
            features: made.features,
        })
    }))
}
