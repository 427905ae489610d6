//! `describe!`: makes a description from a list of fields.

/// Implements the description of a layer whose fields are its options and arrays, and the way back from a file. Every field
/// is named once, with the name of Keras' argument or weight; a field that is left out does not compile.
///
/// Each array has the word by which it is read (`array`, `optional`, `scalar` or `optional_scalar`), and `fixed` or
/// `constant` if gradients do not change it. An option that older files do not have stands with its value in them. An enum is described as an option.
///
/// A convolution is described by its builder, which has the same `options`, and by the field that lists its kernel and its
/// bias.
macro_rules! describe {
    ($layer:ident <$elem:ident>, $class:literal, $builder:ident, $weights:ident) => {
        impl<$elem: crate::Element> crate::describe::Describe<$elem> for $layer<$elem> {
            fn class(&self) -> &'static str {
                $class
            }

            fn parts(&self, each: &mut dyn FnMut(crate::describe::Part<$elem>)) {
                let Self { options, $weights } = self;
                each(crate::describe::Part::Option("options", options));
                $weights.parts(each);
            }

            fn parts_mut(&mut self, each: &mut dyn FnMut(crate::describe::PartMut<$elem>)) {
                self.$weights.parts_mut(each);
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }

        #[cfg(feature = "saved")]
        impl<$elem: crate::Element> crate::describe::Saved for $layer<$elem> {
            type Number = $elem;

            fn read_from(from: &mut crate::describe::In) -> crate::Result<Self> {
                from.class($class)?;
                let builder = $builder {
                    options: from.get("options")?,
                    elem: core::marker::PhantomData,
                };
                builder.from_weights(from.array("kernel")?, from.optional("bias")?)
            }
        }
    };
    ($layer:ident, $class:literal, $key:literal) => {
        impl<A: crate::Element> crate::describe::Describe<A> for $layer {
            fn class(&self) -> &'static str {
                $class
            }

            fn parts(&self, each: &mut dyn FnMut(crate::describe::Part<A>)) {
                each(crate::describe::Part::Option($key, self));
            }

            fn parts_mut(&mut self, _: &mut dyn FnMut(crate::describe::PartMut<A>)) {}

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }

        #[cfg(feature = "saved")]
        impl crate::describe::Saved for $layer {
            type Number = f32; // the layer has no numbers

            fn read_from(from: &mut crate::describe::In) -> crate::Result<Self> {
                from.class($class)?;
                from.get($key)
            }
        }
    };
    ($layer:ident $(<$elem:ident>)?, $class:literal,
     { $($option:ident $(= $default:expr)?),* $(; $($array:ident: $how:ident $($role:ident)?),*)? } => $make:expr) => {
        impl<A: crate::Element> crate::describe::Describe<A> for $layer $(<$elem>)? {
            fn class(&self) -> &'static str {
                $class
            }

            #[allow(unused_variables)]
            fn parts(&self, each: &mut dyn FnMut(crate::describe::Part<A>)) {
                let Self { $($option,)* $($($array),*)? } = self;
                $(each(crate::describe::Part::Option(stringify!($option), $option));)*
                $($(crate::describe::each_array(
                    each, stringify!($array), crate::describe::describe!(@role $($role)?), $array,
                );)*)?
            }

            #[allow(unused_variables)]
            fn parts_mut(&mut self, each: &mut dyn FnMut(crate::describe::PartMut<A>)) {
                $($(crate::describe::each_array_mut(each, stringify!($array), &mut self.$array);)*)?
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }

        #[cfg(feature = "saved")]
        impl $(<$elem: crate::Element>)? crate::describe::Saved for $layer $(<$elem>)? {
            type Number = crate::describe::element_of!($($elem)?);

            fn read_from(from: &mut crate::describe::In) -> crate::Result<Self> {
                from.class($class)?;
                $(let $option = crate::describe::describe!(@get from, $option $(, $default)?);)*
                $($(let $array = from.$how(stringify!($array))?;)*)?
                $make
            }
        }
    };
    (@get $from:ident, $option:ident) => { $from.get(stringify!($option))? };
    (@get $from:ident, $option:ident, $default:expr) => { $from.get_or(stringify!($option), $default)? };
    (@role) => { crate::describe::Role::Trainable };
    (@role fixed) => { crate::describe::Role::Fixed };
    (@role constant) => { crate::describe::Role::Constant };
}
pub(crate) use describe;

/// The type of a layer's numbers. For a layer without numbers it may be any type.
#[cfg(feature = "saved")]
macro_rules! element_of {
    () => {
        f32
    };
    ($elem:ident) => {
        $elem
    };
}
#[cfg(feature = "saved")]
pub(crate) use element_of;
