//! What a Go struct type has to say about its JSON: the vocabulary of the field tables.
//!
//! Hashes and equality follow the typed values that a Go controller sees, not the text a user wrote. The types are data
//! here, so that one walk serves decoding, encoding and comparing, and so that a new Kubernetes release is one
//! regenerated table.

/// A Go struct: its fields in declaration order, embedded structs already flattened into it.
#[derive(Debug)]
pub struct GoStruct {
    /// The Go name of the type, for messages.
    pub name: &'static str,
    /// The fields in the order in which Go writes them.
    pub fields: &'static [GoField],
}

impl GoStruct {
    /// The field that has this JSON name, if the type knows it.
    pub fn field(&self, name: &str) -> Option<&'static GoField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One field of a [`GoStruct`].
#[derive(Debug)]
pub struct GoField {
    /// The JSON name; matched exactly, as the API machinery does.
    pub name: &'static str,
    /// The type behind the pointer, if there is one.
    pub kind: Kind,
    /// Whether absence differs from the zero value.
    pub pointer: bool,
    /// Go's `omitempty`: nil pointers and empty scalars, lists and maps are not written; structs always are.
    pub omit_empty: bool,
    /// Go's `omitzero`: a zero value is not written, struct or not.
    pub omit_zero: bool,
}

/// The type of a field or an element.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `string`, and every type derived from it.
    Str,
    /// `resource.Quantity`, written in its canonical form.
    Quantity,
    /// `intstr.IntOrString`.
    IntOrString,
    /// `metav1.Time`, written in UTC with whole seconds.
    Time,
    /// JSON that Go passes through.
    Raw,
    /// A slice.
    List(&'static Kind),
    /// A map from strings; Go writes it sorted by key.
    Map(&'static Kind),
    /// A struct.
    Struct(&'static GoStruct),
}

/// A field without options; the generated tables chain them.
pub const fn field(name: &'static str, kind: Kind) -> GoField {
    GoField { name, kind, pointer: false, omit_empty: false, omit_zero: false }
}

impl GoField {
    /// The field is a pointer.
    #[must_use]
    pub const fn pointer(self) -> Self {
        Self { pointer: true, ..self }
    }

    /// The field's tag has `omitempty`.
    #[must_use]
    pub const fn omit_empty(self) -> Self {
        Self { omit_empty: true, ..self }
    }

    /// The field's tag has `omitzero`.
    #[must_use]
    pub const fn omit_zero(self) -> Self {
        Self { omit_zero: true, ..self }
    }
}
