//! An object at the API server that this version cannot read.

/// An object that does not decode: another version wrote it, or somebody who is none of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it is being deleted.
    pub being_deleted: bool,
}
