//! What a status must say, computed from the simulator's fleet with none of the operator's own
//! code.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sagemaker_simulator::{Notebook, Operation, RootAccess, Simulator, Status as NotebookStatus};
use serde_json::{Value, json};
use sudoless::api::NotebookRootAccessPolicyStatus as Status;

use super::fleets::RETIRED;
use crate::support::stage::{DEADLINE, Stage, condition};

/// Findings and targets that a status lists at most.
const MOST_LISTED: usize = 100;

type Filter = Box<dyn Fn(&Notebook) -> bool + Send + Sync>;

/// What a policy must say about a fleet.
#[derive(Default)]
pub struct Expectation {
    notebooks: Vec<Notebook>,
    /// By account and region.
    targets: BTreeMap<(String, String), State>,
    selected: Vec<Filter>,
    /// With the reason, the first that matches wins.
    exempt: Vec<(String, Filter)>,
    /// With the reason.
    unread: Vec<(String, Filter)>,
    first_scan: bool,
}

/// `targets[].state`, and whether the notebooks there were listed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    name: &'static str,
    listed: bool,
}

/// What is expected of one notebook.
struct Judged<'a> {
    notebook: &'a Notebook,
    verdict: &'static str,
    next: &'static str,
    reason: String,
    root_access: &'static str,
    platform: Option<&'a str>,
}

impl Expectation {
    /// Of these notebooks in all pairs of these accounts and regions, each of which can be read.
    pub fn of(notebooks: Vec<Notebook>, accounts: &[&str], regions: &[&str]) -> Self {
        let expectation = Self {
            notebooks,
            ..Self::default()
        };
        accounts.iter().fold(expectation, |expectation, account| {
            expectation.also(account, regions)
        })
    }

    /// Of these regions of an account too.
    pub fn also(mut self, account: &str, regions: &[&str]) -> Self {
        for region in regions {
            self = self.set(account, region, "Scanned", true);
        }
        self
    }

    /// A target that cannot even be listed: nothing is known of its notebooks.
    pub fn unlisted(self, account: &str, region: &str, state: &'static str) -> Self {
        self.set(account, region, state, false)
    }

    /// A target whose notebooks are listed, and each of them Unknown.
    pub fn undescribed(self, account: &str, region: &str, state: &'static str) -> Self {
        let (in_account, in_region) = (account.to_owned(), region.to_owned());
        self.failing(account, region, state)
            .unread(state, move |notebook| {
                notebook.account == in_account && notebook.region == in_region
            })
    }

    /// A target that is listed and yet not `Scanned`.
    pub fn failing(self, account: &str, region: &str, state: &'static str) -> Self {
        self.set(account, region, state, true)
    }

    /// These notebooks are Unknown because AWS gave no answer.
    pub fn unread(
        mut self,
        reason: &str,
        filter: impl Fn(&Notebook) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.unread.push((reason.to_owned(), Box::new(filter)));
        self
    }

    /// Only these are covered.
    pub fn selecting(mut self, filter: impl Fn(&Notebook) -> bool + Send + Sync + 'static) -> Self {
        self.selected.push(Box::new(filter));
        self
    }

    /// These are exempt.
    pub fn exempting(
        mut self,
        reason: &str,
        filter: impl Fn(&Notebook) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.exempt.push((reason.to_owned(), Box::new(filter)));
        self
    }

    /// While some targets are still being read for the first time.
    pub fn during_first_scan(mut self) -> Self {
        self.first_scan = true;
        self
    }

    fn set(mut self, account: &str, region: &str, name: &'static str, listed: bool) -> Self {
        self.targets.insert(
            (account.to_owned(), region.to_owned()),
            State { name, listed },
        );
        self
    }

    /// Waits for the first complete scan, and proves what it published, and that nothing before
    /// said more than is true.
    pub async fn mark_canary_passed(&self, stage: &Stage, policy: &str) -> Status {
        self.prove_within(stage, policy, DEADLINE).await
    }

    /// The same with another deadline.
    pub async fn prove_within(&self, stage: &Stage, policy: &str, deadline: Duration) -> Status {
        let scanned = |status: &Status| {
            self.holds_meanwhile(status);
            condition(status, "Ready").0 != "Unknown" && status.last_scan_time.is_some()
        };
        let status = stage.until_within(policy, deadline, scanned).await;
        self.holds(&status);
        only_read(&stage.simulator);
        status
    }

    /// Waits until it holds, for what changes after the first scan; returns how long that took.
    pub async fn come_true(&self, stage: &Stage, policy: &str, deadline: Duration) -> Duration {
        let started = Instant::now();
        stage
            .until_within(policy, deadline, |status| self.difference(status).is_none())
            .await;
        only_read(&stage.simulator);
        started.elapsed()
    }

    /// Whether the status already says all that will ever be known: of the targets that can be
    /// read.
    pub fn is_known(&self, status: &Status) -> bool {
        let summary = json!(status.summary);
        let expected = self.summary();
        let judged = ["compliant", "nonCompliant", "exempt"];
        let found = without_messages(json!(status.targets));
        judged
            .iter()
            .all(|verdict| summary[verdict] == expected[verdict])
            && self
                .listed_targets()
                .iter()
                .filter(|target| target["state"] == "Scanned")
                .all(|target| found.as_array().unwrap().contains(target))
    }

    /// That the status says exactly this.
    ///
    /// # Panics
    /// With the first difference, if it does not.
    pub fn holds(&self, status: &Status) {
        if let Some(difference) = self.difference(status) {
            panic!("{difference}\nin {status:#?}");
        }
    }

    /// That an incomplete status claims nothing that is not so.
    fn holds_meanwhile(&self, status: &Status) {
        let compliant = self.count("Compliant");
        let claimed = status.summary.unwrap_or_default().compliant;
        assert!(
            claimed as usize <= compliant,
            "{claimed} compliant, not {compliant}: {status:#?}"
        );
        if self.compliance().0 != "True" {
            assert_ne!(condition(status, "Compliant").0, "True", "{status:#?}");
        }
    }

    /// How many notebooks have a verdict.
    pub fn count(&self, verdict: &str) -> usize {
        self.judged()
            .iter()
            .filter(|judged| judged.verdict == verdict)
            .count()
    }

    /// The first thing that a status says and should not, or the other way round.
    pub fn difference(&self, status: &Status) -> Option<String> {
        let listed = |values: Vec<Value>| values.into_iter().take(MOST_LISTED).collect::<Vec<_>>();
        let omitted = |all: usize| json!(all.saturating_sub(MOST_LISTED));
        let (findings, targets) = (self.findings(), self.listed_targets());
        let found = without_conflicts(json!(status.findings), &findings);
        let pairs = [
            ("summary", self.summary(), json!(status.summary)),
            (
                "findingsOmitted",
                omitted(findings.len()),
                json!(status.findings_omitted),
            ),
            (
                "targetsOmitted",
                omitted(targets.len()),
                json!(status.targets_omitted),
            ),
            ("findings", json!(listed(findings)), without_messages(found)),
            (
                "targets",
                json!(listed(targets)),
                without_messages(json!(status.targets)),
            ),
            ("conditions", self.conditions(), conditions(status)),
        ];
        let differing = pairs
            .into_iter()
            .find(|(_, expected, found)| expected != found);
        if let Some((what, expected, found)) = differing {
            return Some(first_difference(what, &expected, &found));
        }
        let unexplained = status
            .findings
            .iter()
            .find(|finding| finding.message.as_ref().is_none_or(String::is_empty));
        let unexplained = unexplained.map(|finding| format!("{finding:?} without a message"));
        unexplained.or_else(|| {
            status
                .targets
                .iter()
                .find(|target| {
                    json!(target.state) != "Scanned"
                        && target.message.as_ref().is_none_or(String::is_empty)
                })
                .map(|target| format!("{target:?} without a message"))
        })
    }

    /// Everything in scope that was seen, sorted by account, region and name.
    fn judged(&self) -> Vec<Judged<'_>> {
        let mut judged: Vec<Judged<'_>> = self
            .notebooks
            .iter()
            .filter(|notebook| {
                let target = (notebook.account.clone(), notebook.region.clone());
                self.targets.get(&target).is_some_and(|state| state.listed)
            })
            .filter(|notebook| self.selected.iter().all(|selects| selects(notebook)))
            .map(|notebook| self.judge(notebook))
            .collect();
        judged.sort_by_key(|judged| {
            let Notebook {
                account,
                region,
                name,
                ..
            } = judged.notebook;
            (account, region, name)
        });
        judged
    }

    fn judge<'a>(&self, notebook: &'a Notebook) -> Judged<'a> {
        let matching = |filters: &[(String, Filter)]| {
            filters
                .iter()
                .find(|(_, filter)| filter(notebook))
                .map(|(reason, _)| reason.clone())
        };
        let root_access = match notebook.root_access {
            RootAccess::Enabled => "Enabled",
            RootAccess::Disabled => "Disabled",
            RootAccess::Absent | RootAccess::Other(_) => "Unknown",
        };
        let (verdict, next, reason) = match (matching(&self.unread), matching(&self.exempt)) {
            (Some(reason), _) => ("Unknown", "None", reason),
            _ if root_access == "Unknown" => ("Unknown", "None", "RootAccessUnknown".to_owned()),
            (None, Some(reason)) => ("Exempt", "None", reason),
            (None, None) if root_access == "Disabled" => ("Compliant", "None", String::new()),
            (None, None) => {
                let (next, reason) = match &notebook.status {
                    NotebookStatus::Stopped => ("Update", "RootAccessEnabled"),
                    NotebookStatus::InService if !is_restartable(notebook) => {
                        ("Wait", "NotRestartable")
                    }
                    NotebookStatus::InService => ("Restart", "RootAccessEnabled"),
                    NotebookStatus::Failed => ("Wait", "Failed"),
                    _ => ("Wait", "TransitionalStatus"),
                };
                ("NonCompliant", next, reason.to_owned())
            }
        };
        // What was not described is not known; where only the tags are missing, the rest was.
        let described = verdict != "Unknown" || reason == "TagsUnknown";
        let without_root_access = reason == "RootAccessUnknown";
        Judged {
            notebook,
            verdict,
            next,
            reason,
            root_access: if described { root_access } else { "Unknown" },
            platform: notebook
                .platform
                .wire()
                .filter(|_| described || without_root_access),
        }
    }

    fn findings(&self) -> Vec<Value> {
        self.judged()
            .iter()
            .filter(|judged| judged.verdict != "Compliant")
            .map(|judged| {
                let notebook = judged.notebook;
                let mut finding = json!({
                    "account": notebook.account,
                    "region": notebook.region,
                    "name": notebook.name,
                    "arn": notebook.arn(),
                    "verdict": judged.verdict,
                    "status": notebook.status.as_str(),
                    "rootAccess": judged.root_access,
                    "next": judged.next,
                    "reason": judged.reason,
                });
                if let Some(platform) = judged.platform {
                    finding["platform"] = json!(platform);
                }
                if let Some(name) = &notebook.lifecycle_config {
                    finding["lifecycleConfig"] = json!(name);
                }
                finding
            })
            .collect()
    }

    /// Worst first.
    fn listed_targets(&self) -> Vec<Value> {
        let judged = self.judged();
        let mut targets: Vec<_> = self
            .targets
            .iter()
            .map(|((account, region), state)| {
                let here = || {
                    judged.iter().filter(|judged| {
                        judged.notebook.account == *account && judged.notebook.region == *region
                    })
                };
                let violations = here()
                    .filter(|judged| judged.verdict == "NonCompliant")
                    .count();
                let mut target = json!({"account": account, "region": region, "state": state.name});
                // A figure of what was not read would be taken for the truth.
                if state.listed && (state.name == "Scanned" || here().count() > 0) {
                    target["notebooks"] = json!(here().count());
                    target["nonCompliant"] = json!(violations);
                }
                let badness = [
                    "InvalidCredentials",
                    "AccessDenied",
                    "Unreachable",
                    "Throttled",
                    "Scanned",
                    "RegionDisabled",
                ]
                .iter()
                .position(|name| *name == state.name)
                .unwrap();
                ((badness, Reverse(violations)), target)
            })
            .collect();
        targets.sort_by_key(|(rank, _)| *rank);
        targets.into_iter().map(|(_, target)| target).collect()
    }

    fn unreadable(&self) -> usize {
        self.targets
            .values()
            .filter(|state| !["Scanned", "RegionDisabled"].contains(&state.name))
            .count()
    }

    fn summary(&self) -> Value {
        let judged = self.judged();
        json!({
            "notebooks": judged.len(),
            "compliant": self.count("Compliant"),
            "nonCompliant": self.count("NonCompliant"),
            "exempt": self.count("Exempt"),
            "unknown": self.count("Unknown"),
            "remediating": 0,
            "needsAttention": 0,
            "notRestartable": judged.iter().filter(|judged| judged.reason == "NotRestartable").count(),
            "failed": 0,
            "lifecycleConfigs": judged.iter().filter(|judged| judged.notebook.lifecycle_config.is_some()).count(),
            "targets": self.targets.len(),
            "unreadableTargets": self.unreadable(),
        })
    }

    /// Promise P1, in the words of the condition.
    fn compliance(&self) -> (&'static str, &'static str) {
        let scanned = self.targets.values().any(|state| state.name == "Scanned");
        let complete = scanned && self.unreadable() == 0 && self.count("Unknown") == 0;
        if self.count("NonCompliant") > 0 {
            ("False", "RootAccessEnabled")
        } else if complete && !self.first_scan {
            ("True", "AllCompliant")
        } else if !scanned && self.judged().is_empty() {
            ("Unknown", "NotScanned")
        } else {
            ("Unknown", "IncompleteScan")
        }
    }

    fn readiness(&self) -> (&'static str, &'static str) {
        let counting = || {
            self.targets
                .values()
                .map(|state| state.name)
                .filter(|name| *name != "RegionDisabled")
        };
        let unreadable = self.unreadable();
        if self.first_scan {
            ("Unknown", "FirstScan")
        } else if unreadable == 0 {
            ("True", "Scanned")
        } else if unreadable < counting().count() {
            ("True", "PartialScan")
        } else if counting().all(|name| ["AccessDenied", "InvalidCredentials"].contains(&name)) {
            ("False", "EveryTargetDenied")
        } else {
            ("False", "NoTargetRead")
        }
    }

    fn conditions(&self) -> Value {
        let (ready, compliant) = (self.readiness(), self.compliance());
        let stalled = ready.1 == "EveryTargetDenied";
        let shown = |shown: bool| if shown { "True" } else { "False" };
        json!({
            "Ready": ready,
            "Reconciling": shown(self.first_scan),
            "Stalled": shown(stalled),
            "Compliant": compliant,
        })
    }
}

/// Status and, of two, the reason.
fn conditions(status: &Status) -> Value {
    let with_reason = |kind| {
        let (status, reason, _) = condition(status, kind);
        json!([status, reason])
    };
    json!({
        "Ready": with_reason("Ready"),
        "Reconciling": condition(status, "Reconciling").0,
        "Stalled": condition(status, "Stalled").0,
        "Compliant": with_reason("Compliant"),
    })
}

/// The API server is shared by tests whose policies exempt notebooks of the same names, and an
/// exemption of any policy holds against all: of findings that only wait for that, what would be
/// done otherwise is taken as expected. `tests/it/remediation` tests conflicts.
fn without_conflicts(mut found: Value, expected: &[Value]) -> Value {
    for finding in found.as_array_mut().into_iter().flatten() {
        let same = expected
            .iter()
            .find(|expected| expected["arn"] == finding["arn"]);
        if let Some(same) = same.filter(|_| finding["reason"] == "PolicyConflict") {
            finding["next"] = same["next"].clone();
            finding["reason"] = same["reason"].clone();
        }
    }
    found
}

fn without_messages(mut list: Value) -> Value {
    for entry in list.as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("message");
    }
    list
}

/// Returns true if AWS would start the notebook again: its platform is told and not retired, and no
/// accelerator is attached.
fn is_restartable(notebook: &Notebook) -> bool {
    let platform = notebook.platform.wire();
    platform.is_some_and(|platform| !RETIRED.contains(&platform))
        && notebook.accelerator_types.is_empty()
}

fn first_difference(what: &str, expected: &Value, found: &Value) -> String {
    if let (Some(expected), Some(found)) = (expected.as_array(), found.as_array()) {
        let differing = expected
            .iter()
            .zip(found)
            .find(|(expected, found)| expected != found);
        return match differing {
            Some((expected, found)) => format!("{what}: {found}\nnot {expected}"),
            None => format!("{what}: {} entries, not {}", found.len(), expected.len()),
        };
    }
    format!("{what}: {found}\nnot {expected}")
}

/// Promise P7: nothing that changes anything was ever sent, nor anything that the simulator does
/// not know.
pub fn only_read(simulator: &Simulator) {
    let counters = simulator.counters();
    assert_eq!(counters.writes(), 0);
    assert_eq!(counters.of(Operation::Unknown), 0);
    assert_eq!(simulator.writes(), []);
}
