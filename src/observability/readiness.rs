//! What has to happen before the operator is of use.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

/// A thing that has to happen before the operator is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// The API server serves the operator's kinds.
    CustomResourceDefinitions,
    /// The watch has told of every policy once.
    PolicyWatch,
}

/// Which gates are still shut, and why. Clones share everything; every gate starts shut.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<BTreeMap<Gate, Option<String>>>>);

impl Gate {
    /// Every gate, in the order in which they open.
    pub const ALL: [Self; 2] = [Self::CustomResourceDefinitions, Self::PolicyWatch];

    /// The gate's name on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CustomResourceDefinitions => "custom-resource-definitions",
            Self::PolicyWatch => "policy-watch",
        }
    }

    /// What it waits for as long as nobody has said more.
    fn waits_for(self) -> &'static str {
        match self {
            Self::CustomResourceDefinitions => {
                "the API server to serve the custom resource definitions of sudoless.dev"
            }
            Self::PolicyWatch => "the first list of all NotebookRootAccessPolicies",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Every gate shut.
    #[must_use]
    pub fn new() -> Self {
        let gates = Gate::ALL.map(|gate| (gate, Some(gate.waits_for().to_owned())));
        Self(Arc::new(Mutex::new(gates.into())))
    }

    /// Opens a gate.
    pub fn open(&self, gate: Gate) {
        self.lock(|gates| gates.insert(gate, None));
    }

    /// Shuts a gate that was open, as it was at the start.
    pub fn reset(&self, gate: Gate) {
        self.shut(gate, gate.waits_for());
    }

    /// Shuts a gate, or says more of why it is: what it waits for, as a phrase.
    pub fn shut(&self, gate: Gate, waits_for: impl Into<String>) {
        let waits_for = waits_for.into();
        self.lock(|gates| gates.insert(gate, Some(waits_for)));
    }

    /// Whether every gate is open.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock(|gates| gates.values().all(Option::is_none))
    }

    /// One line for each gate, in the manner of the API server's own `/readyz?verbose`, and whether all are open: both of
    /// the same moment.
    #[must_use]
    pub fn page(&self) -> (bool, String) {
        self.lock(|gates| {
            let page = gates.iter().fold(String::new(), |mut page, (gate, shut)| {
                // Writing to a String does not fail.
                let _ = match shut {
                    None => writeln!(page, "[+]{gate} ok"),
                    Some(reason) => writeln!(page, "[-]{gate} waits for {}", one_line(reason)),
                };
                page
            });
            (gates.values().all(Option::is_none), page)
        })
    }

    fn lock<T>(&self, access: impl FnOnce(&mut BTreeMap<Gate, Option<String>>) -> T) -> T {
        // Whoever panicked left a whole map behind: an insert does not stop half-way.
        access(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reasons come from errors, which may have several lines; the page has one for each gate.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_when_every_gate_is_open() {
        let readiness = Readiness::new();
        for gate in Gate::ALL {
            assert!(!readiness.is_ready());
            readiness.clone().open(gate);
        }
        assert!(readiness.is_ready());
        readiness.shut(Gate::CustomResourceDefinitions, "somebody to put them back");
        assert!(!readiness.is_ready());
    }

    #[test]
    fn the_page_names_what_each_shut_gate_waits_for() {
        let readiness = Readiness::new();
        assert_eq!(
            readiness.page(),
            (
                false,
                "[-]custom-resource-definitions waits for the API server to serve the custom resource definitions of \
                 sudoless.dev\n\
                 [-]policy-watch waits for the first list of all NotebookRootAccessPolicies\n"
                    .to_owned()
            )
        );
        readiness.open(Gate::CustomResourceDefinitions);
        readiness.shut(Gate::PolicyWatch, "a list that is not\nForbidden");
        assert_eq!(
            readiness.page(),
            (
                false,
                "[+]custom-resource-definitions ok\n[-]policy-watch waits for a list that is not Forbidden\n"
                    .to_owned()
            )
        );
    }
}
