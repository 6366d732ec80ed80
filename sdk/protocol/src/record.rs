//! Structs that know their own fields, so that documentation, `describe` and
//! decoding come from one place.

/// One field of a [`Record`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key on the wire.
    pub name: &'static str,
    /// The type's name on the wire, such as `u32`, `string` or `list of frame`.
    pub kind: String,
    /// Whether the key may be left out (or nil).
    pub optional: bool,
    /// What the field means.
    pub doc: &'static str,
}

/// A map on the wire whose keys are known.
pub trait Record {
    /// The fields, in the order in which they are written.
    fn fields() -> Vec<Field>;
}

/// A type that can stand in a field.
pub trait WireType {
    /// Whether the key may be left out.
    const OPTIONAL: bool = false;
    /// The type's name for people and for `describe`.
    fn kind() -> String;
}

macro_rules! wire_types {
    ($($type:ty => $name:literal),* $(,)?) => {
        $(impl WireType for $type {
            fn kind() -> String { $name.to_owned() }
        })*
    };
}

wire_types! {
    bool => "bool",
    u32 => "u32",
    u64 => "u64",
    f32 => "f32",
    f64 => "f64",
    String => "string",
    serde_bytes::ByteBuf => "bytes",
    serde_json::Value => "any",
    rmpv::Value => "any",
}

impl<T: WireType> WireType for Option<T> {
    const OPTIONAL: bool = true;
    fn kind() -> String {
        T::kind()
    }
}

impl<T: WireType> WireType for Vec<T> {
    fn kind() -> String {
        format!("list of {}", T::kind())
    }
}

/// Declares structs that are maps on the wire. Each field's documentation
/// comment is also what `describe` says about it.
macro_rules! records {
    ($(
        $(#[doc = $struct_doc:literal])*
        $(#[derive($($derive:ident),*)])?
        $name:ident $wire_name:literal {
            $( $(#[doc = $doc:literal])+ $field:ident : $type:ty ),* $(,)?
        }
    )*) => {
        $(
            $(#[doc = $struct_doc])*
            #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize $($(, $derive)*)?)]
            pub struct $name {
                $( $(#[doc = $doc])+ pub $field: $type, )*
            }

            impl $crate::record::Record for $name {
                fn fields() -> Vec<$crate::record::Field> {
                    vec![ $( $crate::record::Field {
                        name: stringify!($field),
                        kind: <$type as $crate::record::WireType>::kind(),
                        optional: <$type as $crate::record::WireType>::OPTIONAL,
                        doc: concat!($($doc),+).trim(),
                    }, )* ]
                }
            }

            impl $crate::record::WireType for $name {
                fn kind() -> String { $wire_name.to_owned() }
            }
        )*
    };
}
