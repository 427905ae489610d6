//! Layers of the caller's own in place of classes of a file.

use super::context::Context;
use super::made::Made;
use super::object::Object;
use super::plan::Plan;
use crate::describe::{Maker, OwnLayer, by_name};
use crate::layer::Flags;
use crate::model::{make, make_cell};
use crate::{AnyLayer, Element};
use alloc::string::ToString;
use alloc::sync::Arc;
use core::marker::PhantomData;

/// What makes this layer, if the caller has given it.
pub fn own(context: &Context, object: &Object) -> Option<Maker> {
    let own = &context.overrides.own;
    let lambda = own.lambdas.get(&object.name);
    let lambda = lambda.filter(|_| object.class == "Lambda");
    lambda
        .or_else(|| by_name(&own.layers, object.registered_name()))
        .cloned()
}

/// What makes this cell, if the caller has given it.
pub fn own_cell(context: &Context, object: &Object) -> Option<Maker> {
    by_name(&context.overrides.own.cells, object.registered_name()).cloned()
}

/// The plan of a recurrent layer whose cell the caller makes. All weights in the file below its place are those of the cell.
pub fn own_recurrent<A: Element>(
    layer: &Object,
    cell: &Object,
    maker: Maker,
    flags: Flags,
) -> Plan<Arc<dyn AnyLayer<A>>> {
    let (name, class) = (cell.name.clone(), cell.class.to_string());
    let config = cell.arguments().clone();
    let plan = Plan::of_every(&layer.name, move |weights| {
        let file = OwnLayer {
            name,
            class,
            config,
            weights,
            numbers: PhantomData,
        };
        Ok(Arc::from(make_cell(&maker, &file, flags)?))
    });
    plan.under("cell")
}

/// The plan of a layer that the caller makes. All weights in the file below its place are its own.
pub fn own_layer<A: Element>(object: &Object, maker: Maker) -> Plan<Made<A>> {
    let (name, class) = (object.name.clone(), object.class.to_string());
    let config = object.arguments().clone();
    Plan::of_every(&object.name, move |weights| {
        let file = OwnLayer {
            name,
            class,
            config,
            weights,
            numbers: PhantomData,
        };
        Ok(Made {
            layer: Arc::from(make(&maker, &file)?),
            features: None,
        })
    })
}
