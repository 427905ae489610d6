//! Any layer: its class decides who reads it.

use super::context::{Context, Layout, Shared};
use super::layers::{check, reader};
use super::made::{Asked, Made, Planned};
use super::network::network;
use super::object::Object;
use super::own::{own, own_layer};
use super::plan::Plan;
use super::unknown::missing;
use super::usage::Usage;
use crate::Element;
use crate::error::Error;
use crate::format::json::Value;
use alloc::rc::Rc;
use core::any::Any;
use core::cell::OnceCell;

type Slot<A> = OnceCell<Made<A>>;

/// The plan of a layer.
pub fn layer<A: Element>(context: &Context, object: &Object, usage: Usage) -> Planned<A> {
    check::<A>(context, object)?;
    let id = object.json.get("shared_object_id").and_then(Value::as_i64);
    // In lists the weights stand wherever the layer does.
    let Some(id) = id.filter(|_| context.layout != Layout::Lists) else {
        return named(context, object, usage);
    };
    if let Some(shared) = context.shared.borrow().get(&id) {
        return again(shared, object, usage);
    }
    let slot: Rc<Slot<A>> = Rc::default();
    let shared = Shared {
        usage,
        slot: Rc::clone(&slot) as Rc<dyn Any>,
    };
    let plan = named(context, object, usage)?;
    context.shared.borrow_mut().insert(id, shared);
    Ok(plan.map(move |made: Made<A>| Ok(slot.get_or_init(|| made).clone())))
}

/// A layer that stands in another model, too.
fn again<A: Element>(shared: &Shared, object: &Object, usage: Usage) -> Planned<A> {
    let part = object.part();
    if shared.usage != usage {
        let expected = "the same arguments in the calls of all models";
        return Err(Error::file(part, expected, "others"));
    }
    let slot = Rc::clone(&shared.slot).downcast::<Slot<A>>();
    let missing = || Error::file(&part, "a layer that was made before", "none");
    let slot = slot.map_err(|_| missing())?;
    let error = missing();
    Ok(Plan::of(slot).map(|slot| slot.get().cloned().ok_or(error)))
}

fn named<A: Element>(context: &Context, object: &Object, usage: Usage) -> Planned<A> {
    let part = object.part();
    let plan = if let Some(maker) = own(context, object) {
        own_layer(object, maker)
    } else if object.is_model() {
        let model = network(context, object, layer);
        let model = model.map_err(|error| error.within(&part))?;
        model.map(|model| Ok(Made::of(model)))
    } else {
        let read = reader(object.class).ok_or_else(|| missing(object))?;
        let asked = Asked {
            context,
            object,
            config: &object.config()?,
            usage,
            inside: layer,
        };
        asked.read(read)?
    };
    Ok(plan.frozen(!object.is_trainable()).within(&part))
}
