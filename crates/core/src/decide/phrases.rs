//! Parts of the sentences that users see.

use std::fmt::Display;

/// The maximum number of names in a sentence. The status or report lists the rest.
pub(super) const MOST_NAMED: usize = 5;

/// Returns a number with its noun, such as `1 notebook` or `3 notebooks`.
#[expect(clippy::needless_pass_by_value, reason = "a number")]
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, several: &str) -> String {
    let noun = if count == N::from(1) { one } else { several };
    format!("{count} {noun}")
}

/// Lists the first names, and the number of the others. `count` is the number of all names.
pub fn named(names: impl IntoIterator<Item = String>, count: usize) -> String {
    let first: Vec<String> = names.into_iter().take(MOST_NAMED).collect();
    let first = first.join(", ");
    match count.saturating_sub(MOST_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Returns a number of targets.
pub fn places<N: Display + PartialEq + From<u8>>(count: N) -> String {
    counted(count, "account and region", "accounts and regions")
}
