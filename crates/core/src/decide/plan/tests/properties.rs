//! Properties of every policy, fleet and set of records.

use proptest::{collection, option, prelude::*, sample};
use strum::VariantArray;

use super::*;
use crate::{
    decide::{
        UnreadablePolicy,
        fixtures::arbitrary::{any_policy, any_snapshots},
    },
    domain::{Match, Matcher, NotebookStatus, Snapshot, WhenRunning},
};

/// The inputs of a plan.
#[derive(Clone, Debug)]
struct Input {
    policy: Policy,
    policies: Policies,
    fleet: Vec<Arc<Snapshot>>,
    evaluation: Evaluation,
    records: Vec<Record>,
}

/// Generates policies with small budgets, mostly enforcing.
fn any_own_policy() -> impl Strategy<Value = Policy> {
    let flags = [0.9, 0.9, 0.05].map(prop::bool::weighted);
    (any_policy(), flags, 1..9_u32, 1..3_u32, 1..4_u32).prop_map(
        |(policy, [enforces, restarts, suspended], most, most_per_region, most_failures)| {
            let mut policy = Policy {
                suspended,
                accounts: enforcing(&json!({})).accounts,
                ..policy
            };
            if enforces {
                policy.mode = Mode::Enforce;
            }
            if restarts {
                policy.remediation.when_running = WhenRunning::Restart;
            }
            policy.remediation.max_concurrent = most;
            policy.remediation.max_concurrent_per_region = most_per_region;
            policy.remediation.max_failures = most_failures;
            policy
        },
    )
}

/// Generates few other policies, because most exempt much.
fn any_others() -> impl Strategy<Value = Policies> {
    let valid = option::weighted(0.3, any_policy());
    let accounts = option::of(sample::subsequence(vec![HERE.0, ELSEWHERE.0], 0..=1));
    (valid, option::weighted(0.1, accounts)).prop_map(|(valid, unreadable)| Policies {
        valid: valid
            .into_iter()
            .map(|policy| {
                Arc::new(Policy {
                    name: "other".into(),
                    ..policy
                })
            })
            .collect(),
        unreadable: unreadable
            .into_iter()
            .map(|accounts| UnreadablePolicy {
                name: "odd".into(),
                accounts: accounts.map(|ids| ids.iter().map(|id| id.parse().unwrap()).collect()),
            })
            .collect(),
        ..Policies::default()
    })
}

/// Generates snapshots in which each notebook has its own ARN. Most notebooks give their users root
/// and can be changed.
fn any_fleet() -> impl Strategy<Value = Vec<Arc<Snapshot>>> {
    let statuses = sample::select(&["Stopped", "InService"]);
    let statuses = collection::vec(option::weighted(0.7, statuses), 20);
    (any_snapshots(), statuses).prop_map(|(snapshots, statuses)| {
        let mut statuses = statuses.into_iter();
        snapshots
            .iter()
            .map(|snapshot| {
                let place = (
                    snapshot.target.account.as_str(),
                    snapshot.target.region.as_str(),
                );
                let notebooks = snapshot.notebooks.iter().map(|any| {
                    let name = &any.summary.name;
                    let status = statuses.next().flatten();
                    let mut notebook = notebook(place, name, status.unwrap_or("Stopped"));
                    if status.is_none() {
                        notebook.details.clone_from(&any.details);
                    }
                    notebook.tags.clone_from(&any.tags);
                    Arc::new(notebook)
                });
                Arc::new(Snapshot {
                    notebooks: notebooks.collect(),
                    ..(**snapshot).clone()
                })
            })
            .collect()
    })
}

/// A record of one notebook.
#[derive(Clone, Debug)]
struct Recorded {
    state: RecordState,
    is_own: bool,
    was_running: bool,
    recurrence: u32,
}

impl Recorded {
    fn of(self, place: (&str, &str), notebook: &Notebook) -> Record {
        let policy = if self.is_own { "no-root" } else { "other" };
        let mut record = super::of(policy, record(place, notebook, self.state));
        record.intent.was_running = self.was_running;
        record.intent.recurrence = self.recurrence;
        record
    }
}

fn any_recorded() -> impl Strategy<Value = Recorded> {
    // Many records have succeeded already. Otherwise all would wait for the first.
    let state = prop_oneof![
        2 => Just(RecordState::Succeeded),
        3 => sample::select(RecordState::VARIANTS),
    ];
    (state, any::<bool>(), any::<bool>(), 0..4_u32).prop_map(
        |(state, is_own, was_running, recurrence)| Recorded {
            state,
            is_own,
            was_running,
            recurrence,
        },
    )
}

fn any_input() -> impl Strategy<Value = Input> {
    let recorded = collection::vec(option::weighted(0.25, any_recorded()), 20);
    // Records of notebooks without a finding.
    let place = sample::select(&[HERE, THERE, ELSEWHERE]);
    let besides = collection::vec((place, any_recorded()), 0..9);
    (
        any_own_policy(),
        any_others(),
        any_fleet(),
        recorded,
        besides,
    )
        .prop_map(|(policy, mut policies, fleet, recorded, besides)| {
            let places = fleet.iter().flat_map(|snapshot| {
                let target = &snapshot.target;
                let place = (target.account.as_str(), target.region.as_str());
                snapshot
                    .notebooks
                    .iter()
                    .map(move |notebook| (place, notebook))
            });
            let mut records: Vec<Record> = places
                .zip(recorded)
                .filter_map(|((place, notebook), recorded)| Some(recorded?.of(place, notebook)))
                .collect();
            records.extend(
                besides
                    .into_iter()
                    .enumerate()
                    .map(|(number, (place, recorded))| {
                        recorded.of(
                            place,
                            &notebook(place, &format!("gone-{number}"), "InService"),
                        )
                    }),
            );
            policies.valid.push(Arc::new(policy.clone()));
            Input {
                evaluation: evaluate(&policy, &fleet, now()),
                policy,
                policies,
                fleet,
                records,
            }
        })
}

impl Input {
    /// Removes selectors and exemptions, so that many notebooks are claimed and budgets matter.
    fn of_everything(mut self) -> Self {
        self.policy.selector = Matcher::default();
        self.policy.exemptions.clear();
        self.policies = policies(&[&self.policy]);
        self.evaluation = evaluate(&self.policy, &self.fleet, now());
        self
    }

    fn claims(&self) -> Vec<Record> {
        claims(
            &self.policy,
            &self.evaluation,
            &self.policies,
            &self.records,
        )
    }

    /// Returns the finding of a record's notebook.
    fn finding(&self, record: &Record) -> &Finding {
        let arn = &record.intent.notebook.arn;
        let mut findings = self.evaluation.findings.iter();
        findings
            .find(|finding| finding.notebook.summary.arn == *arn)
            .unwrap()
    }

    /// Returns all records after the first claims. A claim replaces its predecessor.
    fn after<'a>(&'a self, claims: &'a [Record]) -> impl Iterator<Item = &'a Record> + Clone {
        let is_replaced = |record: &&Record| {
            let arn = &record.intent.notebook.arn;
            !claims.iter().any(|claim| claim.intent.notebook.arn == *arn)
        };
        self.records.iter().filter(is_replaced).chain(claims)
    }
}

fn count<'a>(records: impl Iterator<Item = &'a Record>, is: impl Fn(&Record) -> bool) -> u32 {
    u32::try_from(records.filter(|record| is(record)).count()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Promise P6, whatever was in progress before.
    #[test]
    fn no_claim_breaks_a_budget(input in any_input().prop_map(Input::of_everything)) {
        let remediation = &input.policy.remediation;
        let claims = input.claims();
        for (index, claim) in claims.iter().enumerate() {
            let here = |record: &Record| record.intent.notebook.target() == claim.intent.notebook.target();
            let is_own = |record: &Record| record.intent.policy == input.policy.name;
            let is_down = |record: &Record| record.intent.was_running && !record.progress.state.is_finished();
            let records = input.after(&claims[..=index]);
            if claim.intent.was_running {
                let needs_attention = |record: &Record| record.progress.state == RecordState::NeedsAttention;
                let down = count(records.clone(), |record| is_own(record) && is_down(record) && !needs_attention(record));
                prop_assert!(down <= remediation.max_concurrent, "{} down", down);
                let down = count(records.clone(), |record| is_own(record) && is_down(record) && here(record));
                prop_assert!(down <= remediation.max_concurrent_per_region, "{} down in a region", down);
                // The canary: the record is the only one, or a notebook came back before.
                let came_back = input.records.iter().any(|record| {
                    here(record) && record.intent.was_running && record.progress.state == RecordState::Succeeded
                });
                let down = count(records.clone(), |record| is_down(record) && here(record));
                prop_assert!(came_back || down == 1, "{} down before one came back", down);
            } else {
                let updates = count(records.clone(), |record| !record.intent.was_running && here(record) && !record.is_finished());
                prop_assert!(updates <= MOST_UPDATES);
            }
            let failed = count(records, |record| is_own(record) && here(record) && record.progress.state == RecordState::Failed);
            prop_assert!(failed < remediation.max_failures);
        }
    }

    /// Promises P1, P3, P5 and P7.
    #[test]
    fn only_what_may_be_changed_is_claimed(input in any_input()) {
        let claims = input.claims();
        if input.policy.mode == Mode::Audit || input.policy.suspended {
            prop_assert_eq!(&claims, &[]);
        }
        for claim in &claims {
            let finding = input.finding(claim);
            let notebook = &finding.notebook;
            prop_assert_eq!(finding.verdict, Verdict::NonCompliant);
            prop_assert_eq!(notebook.root_access(), RootAccess::Enabled);
            let expected = if claim.intent.was_running { NotebookStatus::InService } else { NotebookStatus::Stopped };
            prop_assert_eq!(notebook.status(), &expected);
            // Promise P2: AWS starts every stopped notebook again.
            let starts = notebook.platform().is_some_and(|platform| !platform.starts_with("notebook-al2-"));
            prop_assert!(starts || !claim.intent.was_running, "{:?}", notebook.platform());
            let predecessor = input.records.iter().find(|record| record.intent.notebook.arn == claim.intent.notebook.arn);
            if let Some(predecessor) = predecessor {
                let state = predecessor.progress.state;
                prop_assert!(matches!(state, RecordState::Succeeded | RecordState::Cancelled), "{}", state);
                prop_assert!(claim.intent.recurrence >= predecessor.intent.recurrence);
            }
            prop_assert!(claim.intent.recurrence < 3);
            let again = claims.iter().filter(|each| each.intent.notebook == claim.intent.notebook);
            prop_assert_eq!(again.count(), 1);
        }
        let kinds: Vec<bool> = claims.iter().map(|claim| claim.intent.was_running).collect();
        prop_assert!(kinds.is_sorted(), "stopped ones come first");
    }

    #[test]
    fn nothing_is_claimed_that_anybody_may_exempt(input in any_input()) {
        for claim in input.claims() {
            let (account, region) = (&claim.intent.notebook.account, &claim.intent.notebook.region);
            let notebook = &input.finding(&claim).notebook;
            for policy in input.policies.valid.iter().filter(|policy| policy.names(account, region)) {
                let matches = |matcher: &Matcher| matcher.matches(account, Some(region), notebook) != Match::No;
                let may_exempt = policy.exemptions.iter().any(|each| {
                    each.expires_at.is_none_or(|expiry| expiry > now()) && matches(&each.matcher)
                });
                prop_assert!(!(may_exempt && matches(&policy.selector)), "{:?} {:?}", policy, notebook);
            }
            for policy in &input.policies.unreadable {
                prop_assert!(policy.accounts.as_ref().is_some_and(|accounts| !accounts.contains(account)));
            }
        }
    }

    /// Only findings of violations change, and each keeps one action.
    #[test]
    fn findings_say_what_follows(input in any_input()) {
        let concluded = || concluded_with(&input.policy, &input.policies, input.evaluation.clone(), &input.records);
        let (evaluation, again) = (concluded(), concluded());
        prop_assert_eq!(format!("{evaluation:?}"), format!("{again:?}"));
        prop_assert_eq!(evaluation.remediations.window_opens, None);
        for (before, after) in input.evaluation.findings.iter().zip(&evaluation.findings) {
            prop_assert_eq!(before.verdict, after.verdict);
            if before.verdict != Verdict::NonCompliant {
                prop_assert_eq!(format!("{before:?}"), format!("{after:?}"));
            }
            if let Next::Wait(reason) = after.next {
                prop_assert_eq!(after.reason.as_deref(), Some(reason.as_str()));
                let passes = matches!(reason, WaitReason::Budget | WaitReason::Canary | WaitReason::Window);
                prop_assert!(!passes || input.policy.mode == Mode::Enforce);
            }
        }
        for report in &evaluation.targets {
            let waits = |finding: &&Finding| finding.target == report.target && finding.next == Next::Wait(WaitReason::NotRestartable);
            prop_assert_eq!(report.not_restartable as usize, evaluation.findings.iter().filter(waits).count());
        }
        // A second judgement of a claimed notebook has the same result.
        for claim in input.claims() {
            let arn = &claim.intent.notebook.arn;
            let mut findings = evaluation.findings.iter();
            let finding = findings.find(|finding| finding.notebook.summary.arn == *arn).unwrap();
            let expected = if claim.intent.was_running { Next::Restart } else { Next::Update };
            prop_assert_eq!(finding.next, expected);
        }
    }
}
