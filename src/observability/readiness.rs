//! Conditions for the operator's readiness.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use strum::{Display, IntoStaticStr, VariantArray};

/// Condition for the operator's readiness. A gate opens when it is met.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum ReadinessCheck {
    /// The API server serves the operator's kinds.
    CustomResourceDefinitions,
    /// The watch has listed every policy once.
    PolicyWatch,
}

/// Closed gates and their reasons. Clones share all state. Every gate is closed at the start.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<BTreeMap<ReadinessCheck, Option<String>>>>);

impl ReadinessCheck {
    /// Returns the gate's name on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the reason shown until a more specific one is set.
    fn waits_for(self) -> &'static str {
        match self {
            Self::CustomResourceDefinitions => {
                "the API server to serve the custom resource definitions of sudoless.dev"
            }
            Self::PolicyWatch => "the first list of all NotebookRootAccessPolicies",
        }
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Creates the readiness with all gates closed.
    #[must_use]
    pub fn new() -> Self {
        let gates = ReadinessCheck::VARIANTS.iter();
        let shut = gates.map(|gate| (*gate, Some(gate.waits_for().to_owned())));
        Self(Arc::new(Mutex::new(shut.collect())))
    }

    /// Opens a gate.
    pub fn open(&self, gate: ReadinessCheck) {
        self.lock(|gates| gates.insert(gate, None));
    }

    /// Closes a gate with its initial reason.
    pub fn reset(&self, gate: ReadinessCheck) {
        self.shut(gate, gate.waits_for());
    }

    /// Closes a gate, or replaces its reason. The reason is a phrase that names what the gate waits
    /// for.
    pub fn shut(&self, gate: ReadinessCheck, waits_for: impl Into<String>) {
        let waits_for = waits_for.into();
        self.lock(|gates| gates.insert(gate, Some(waits_for)));
    }

    /// Returns true if all gates are open.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock(|gates| gates.values().all(Option::is_none))
    }

    /// Returns true if all gates are open, and one line for each gate as on the API server's
    /// `/readyz?verbose`. Both are of the same moment.
    #[must_use]
    pub fn page(&self) -> (bool, String) {
        self.lock(|gates| {
            let page = gates.iter().fold(String::new(), |mut page, (gate, shut)| {
                // Writing to a `String` never fails.
                let _ = match shut {
                    None => writeln!(page, "[+]{gate} ok"),
                    Some(reason) => writeln!(page, "[-]{gate} waits for {}", one_line(reason)),
                };
                page
            });
            (gates.values().all(Option::is_none), page)
        })
    }

    fn lock<T>(
        &self,
        access: impl FnOnce(&mut BTreeMap<ReadinessCheck, Option<String>>) -> T,
    ) -> T {
        // A panic leaves a whole map behind, because an insert does not stop half-way.
        access(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Joins the lines of a reason. Reasons come from errors with several lines, and the page has one
/// line for each gate.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_when_every_gate_is_open() {
        let readiness = Readiness::new();
        for &gate in ReadinessCheck::VARIANTS {
            assert!(!readiness.is_ready());
            readiness.clone().open(gate);
        }
        assert!(readiness.is_ready());
        readiness.shut(
            ReadinessCheck::CustomResourceDefinitions,
            "somebody to put them back",
        );
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
        readiness.open(ReadinessCheck::CustomResourceDefinitions);
        readiness.shut(ReadinessCheck::PolicyWatch, "a list that is not\nForbidden");
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
