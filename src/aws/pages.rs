//! Pages of a list.

use std::collections::HashSet;

use super::{fault::Fault, outcome::Operation};

/// Upper limit on the pages of one list, empty pages included. Ten thousand notebooks fill a
/// hundred pages.
const MOST_PAGES: usize = 2_000;

/// Page tokens of a paginated list.
#[derive(Debug, Default)]
pub(super) struct Pages {
    next: Option<String>,
    seen: HashSet<String>,
}

impl Pages {
    /// Returns the token of the next request.
    pub(super) fn next(&mut self) -> Option<String> {
        self.next.take()
    }

    /// Returns true if the page that came with this token is the last one. A page may be empty
    /// without being the last. A repeated token or too many pages are an error, because the list
    /// would never end and its pages are not the whole.
    pub(super) fn end_at(
        &mut self,
        token: Option<String>,
        operation: Operation,
    ) -> Result<bool, Fault> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(true);
        };
        if !self.seen.insert(token.clone()) {
            return Err(Fault::of_answer(operation, "repeated page token"));
        }
        if self.seen.len() >= MOST_PAGES {
            return Err(Fault::of_answer(operation, "too many pages"));
        }
        self.next = Some(token);
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetState;

    const LIST: Operation = Operation::ListNotebookInstances;

    #[test]
    fn pages_end_without_a_token() {
        let mut pages = Pages::default();
        assert_eq!(pages.next(), None);
        assert!(!pages.end_at(Some("a".into()), LIST).unwrap());
        assert_eq!(pages.next().as_deref(), Some("a"));
        assert!(!pages.end_at(Some("b".into()), LIST).unwrap());
        assert!(pages.end_at(Some(String::new()), LIST).unwrap());
        assert!(pages.end_at(None, LIST).unwrap());
    }

    #[test]
    fn pages_never_go_round() {
        let mut pages = Pages::default();
        pages.end_at(Some("a".into()), LIST).unwrap();
        pages.end_at(Some("b".into()), LIST).unwrap();
        let fault = pages.end_at(Some("a".into()), LIST).unwrap_err();
        assert_eq!(fault.outcome.target_state(), Some(TargetState::Unreachable));

        let mut pages = Pages::default();
        let ends = (0..=MOST_PAGES).find(|n| pages.end_at(Some(n.to_string()), LIST).is_err());
        assert_eq!(ends, Some(MOST_PAGES - 1));
    }
}
