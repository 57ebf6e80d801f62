//! sudoless finds Amazon SageMaker notebook instances whose users have root access, and disables
//! root access without losing work and without leaving a notebook down.
//!
//! A platform team declares a `NotebookRootAccessPolicy` in Kubernetes. The operator describes the
//! notebooks of the named accounts and regions, and reports each notebook in the policy's status
//! and in Prometheus. In mode `Enforce` the operator also stops, updates and restarts notebooks.
//! `sudoless scan`, `validate`, `explain` and `generate` use the same code without the operator.
//!
//! # The contract
//!
//! `docs/design.md` is the contract: promises P1 to P11, both passes, and the reasons for them.
//! Each "promise P…" in the code names a heading of that page, which also lists the tests that
//! prove the promise. `docs/adr/` has the decisions and their rejected alternatives.
//! `docs/remediation.md` has the decision table, the states and the reasons.
//!
//! # Terms
//!
//! | term | meaning | type |
//! |---|---|---|
//! | notebook | a SageMaker notebook instance | [`domain::Notebook`] |
//! | root access | AWS's `RootAccess` of a notebook: `Enabled`, `Disabled`, or unknown | [`domain::RootAccess`] |
//! | target | one account in one region, the unit of reading | [`domain::Target`] |
//! | access | the role and external id by which an account is reached | [`domain::Access`] |
//! | policy | a checked `NotebookRootAccessPolicy` | [`domain::Policy`] |
//! | snapshot | the notebooks of a target as last read | [`domain::Snapshot`] |
//! | finding | a policy's judgement of one notebook: a verdict, and the next action in mode `Enforce` | [`domain::Finding`] |
//! | verdict | `Compliant`, `NonCompliant`, `Exempt` or `Unknown` | [`domain::Verdict`] |
//! | exemption | a rule of a policy that lets matching notebooks keep root access; respected by all policies | [`domain::Exemption`] |
//! | record | a `NotebookRemediation`: the stored intent and progress of one remediation | [`domain::Record`] |
//! | intent | the unchanging part of a record, written before anything is done | [`domain::Intent`] |
//! | progress | the changing part of a record | [`domain::Progress`] |
//! | claim | the creation of a record; its name is the lock on the notebook | [`domain::RecordName`] |
//! | budget | the number of notebooks that may be down at a time: `maxConcurrent`, `maxConcurrentPerRegion` | [`decide::Usage`] |
//! | canary | the first restart in a target, which must come back before a second notebook goes down there | [`decide::Usage`] |
//! | brake | the halt of a whole policy after `maxFailures` notebooks are down and need attention | [`decide::Usage`] |
//! | window | a time at which running notebooks may be stopped | [`decide::Opening`] |
//! | probe | an Update of a running notebook; AWS's refusal tells whether the Update is permitted | [`decide::Request`] |
//! | desired state | proceed, defer, withdraw or unknown, as the policies say now | [`decide::Desired`] |
//! | settled | no write that was sent can still arrive at AWS | [`decide::Times`] |
//! | stopped by the operator | the record says that the notebook was running and that a Stop was requested | [`domain::Record::was_stopped_by_us`] |
//! | rollback | the notebook is started again without an Update | [`domain::EndReason`] |
//! | lease, fence | leader election, and the time bound on writes that follows from it | [`kubernetes::Fence`] |
//!
//! # The two loops
//!
//! [`controller`] runs both. All decisions are pure functions in [`decide`]: no clock, no client,
//! no randomness.
//!
//! **Over policies** (`src/controller/policy.rs`), at each scan interval and after each change:
//!
//! 1. [`decide::validate()`] checks the resource.
//! 2. [`fleet`] reads the policy's targets through [`aws`], once for all policies.
//! 3. [`decide::evaluate()`] judges each notebook.
//! 4. [`decide::plan()`] gives each violation a step, `Claim` or `Blocked`; [`decide::admit()`] is
//!    its chain of checks.
//! 5. `src/controller/claim.rs` executes the plan: it checks each candidate again with fresh data
//!    and creates its record.
//! 6. [`decide::conclude()`] writes the next steps into the findings, [`decide::summarize()`]
//!    computes the status, and [`kubernetes::publish()`] applies it if it differs.
//!
//! **Over records** (`src/controller/remediation.rs`), at each poll interval while a record is
//! unfinished:
//!
//! 1. `src/controller/remediation/observe.rs` reads record, notebook, tags and policies.
//! 2. [`decide::desired()`] computes the desired state from the policies.
//! 3. [`decide::step()`] finds the row of the decision table: the new progress, and at most one
//!    request.
//! 4. [`kubernetes::Records`] stores the progress.
//! 5. `src/controller/remediation/act.rs` sends the request through [`aws::TargetWriter`], if
//!    [`kubernetes::Fence`] allows it.
//! 6. [`decide::on_response()`] interprets the answer, and the result is stored.
//!
//! # Where to look
//!
//! | subject | place |
//! |---|---|
//! | decision to stop a notebook | rows 13 and 15 of the table in `crates/core/src/decide/step.rs`; row 13 continues in `crates/core/src/decide/step/on_response.rs` |
//! | sending of the Stop | `src/controller/remediation/act.rs`, then `src/aws/writer.rs`, the only file that writes to AWS |
//! | choice of the notebooks that get a record; reasons to wait | the chain of checks in `crates/core/src/decide/plan/admit.rs` |
//! | count of the budgets | `crates/core/src/decide/plan/usage.rs` |
//! | withdrawal or deferral of a remediation | `crates/core/src/decide/desired.rs` |
//! | verdict `Unknown` | `crates/core/src/decide/evaluate.rs` |
//! | condition `Compliant` | `crates/core/src/decide/summarize/conditions.rs` |
//! | meaning of an AWS error | the table in `src/aws/outcome.rs` |
//! | slowing down a throttled account | `src/aws/rate.rs` (fewer Describes) and `src/aws/foundation.rs` (rate limit); all limits are in `docs/adr/0006-limits-for-slow-accounts.md` |
//! | permission of this process to write | `src/kubernetes/fence.rs` |
//! | manifests that the API server rejects | `crates/core/src/api/schema.rs` |
//! | adding a reason to wait | `WaitReason` in `crates/core/src/domain/finding.rs` and a check in `crates/core/src/decide/plan/admit.rs`; the compiler and `tests/it/documentation.rs` name the rest |
//! | adding a row to the table | `crates/core/src/decide/step.rs`, `docs/remediation.md` and the model in `tests/search/` |
//!
//! # The modules
//!
//! [`api`], [`domain`] and [`decide`] are the crate `sudoless-core`, which has no dependency that
//! reads a clock or the network.
//!
//! | module | content |
//! |---|---|
//! | [`api`] | the custom resources, as data and schema |
//! | [`domain`] | checked types: account, region, notebook, policy, record |
//! | [`decide`] | all decisions, pure |
//! | [`aws`] | the AWS SDK: reading, the three writes, errors, limits |
//! | [`fleet`] | the shared cache of what AWS answered |
//! | [`kubernetes`] | the API server: records, status, events, lease |
//! | [`controller`] | the two loops |
//! | [`observability`] | metrics, health, logs |
//! | [`scan`], [`report`] | a scan without a cluster, and its report in several formats |
//! | [`offline`] | `sudoless validate`: manifests checked as the API server checks them |
//! | [`explain`] | `sudoless explain`: the reasons why a notebook is fixed, or is not |
//! | [`generate`] | IAM policies, an SCP, templates for CloudFormation and Terraform |
//! | [`cli`] | the subcommands |
//!
//! Imports point one way: `cli → controller → {fleet, aws, kubernetes, observability} → decide
//! → api → domain`, and within the braces `fleet → {aws, observability}` and `observability →
//! aws`, for the names of operations and outcomes. The commands without a cluster add
//! `cli → scan → {fleet, aws, report}`, `report → decide`,
//! `cli → offline → {decide, domain, api}`, `cli → generate → domain` and
//! `cli → explain → {report, decide, domain, api}`. `tests/it/layering.rs` checks the imports.

pub mod aws;
pub mod cli;
pub mod controller;
pub mod explain;
pub mod fleet;
pub mod generate;
pub mod kubernetes;
pub mod observability;
pub mod offline;
pub mod report;
pub mod scan;

pub use sudoless_core::{api, decide, domain};
