//! An object at the API server that this version cannot read.

/// An object that does not decode. Another version wrote it, or another program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// The object's name.
    pub name: String,
    /// The error.
    pub problem: String,
    /// True if the object is being deleted.
    pub being_deleted: bool,
}
