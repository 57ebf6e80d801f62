//! worsen *(pure)*: the notebooks whose verdict is worse than at the last pass, for events.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::{
    api::NotebookRootAccessPolicyStatus as Status,
    domain::{Evaluation, Finding, NotebookArn, Verdict},
};

/// The verdicts of a pass, for comparison with the next pass. A notebook without an entry was
/// compliant or absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(HashMap<NotebookArn, Known>);

/// The known facts of a notebook that was not plainly compliant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    verdict: Verdict,
    /// True if the notebook violated the policy when it was last judged. A violation that continues
    /// after failed reads is not new.
    violated: bool,
}

impl From<Verdict> for Known {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            violated: verdict == Verdict::NonCompliant,
        }
    }
}

impl Baseline {
    /// Returns the baseline after a pass.
    #[must_use]
    pub fn after(evaluation: &Evaluation) -> Self {
        let verdicts = evaluation
            .findings
            .iter()
            .filter(|finding| finding.verdict != Verdict::Compliant)
            .map(|finding| (finding.notebook.summary.arn.clone(), finding.verdict.into()));
        Self(verdicts.collect())
    }

    /// Returns the baseline after another pass.
    #[must_use]
    pub fn followed_by(&self, evaluation: &Evaluation) -> Self {
        let mut next = Self::after(evaluation);
        for (arn, known) in &mut next.0 {
            let violated = self.0.get(arn).is_some_and(|before| before.violated);
            known.violated |= violated && known.verdict == Verdict::Unknown;
        }
        next
    }

    /// Returns the baseline after a restart of the operator. `None` if the status omits findings,
    /// because new violations are then unknown.
    #[must_use]
    pub fn from_status(status: Option<&Status>) -> Option<Self> {
        let Some(status) = status else {
            return Some(Self::default());
        };
        if status.findings_omitted > 0 {
            return None;
        }
        let verdicts = status.findings.iter().map(|finding| {
            (
                NotebookArn::from(finding.arn.as_str()),
                finding.verdict.into(),
            )
        });
        Some(Self(verdicts.collect()))
    }

    /// Returns the notebooks that violate the policy, or cannot be judged, since this baseline.
    pub fn worsened<'a>(&'a self, evaluation: &'a Evaluation) -> impl Iterator<Item = &'a Finding> {
        let compliant = Known::from(Verdict::Compliant);
        evaluation.findings.iter().filter(move |finding| {
            let before = self
                .0
                .get(&finding.notebook.summary.arn)
                .copied()
                .unwrap_or(compliant);
            match finding.verdict {
                Verdict::Compliant | Verdict::Exempt => false,
                Verdict::Unknown => matches!(before.verdict, Verdict::Compliant | Verdict::Exempt),
                Verdict::NonCompliant => !before.violated,
            }
        })
    }
}
