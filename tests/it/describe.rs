//! What a person reads: `kubectl describe` and `kubectl get` of policies and records in the
//! situations that there are.
//!
//! All of them are on one stage, each in an account of its own, and come about at the same time.

mod prose;
mod records;
mod shown;
mod situations;

use jiff::Timestamp;
use situations::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn every_situation_reads_as_sentences() {
    let scene = Scene::set(Timestamp::now()).await;
    tokio::join!(
        scene.clean(),
        scene.findings(),
        scene.partial(),
        scene.denied(),
        scene.unreachable(),
        scene.invalid(),
        scene.suspended(),
        scene.first_scan(),
        scene.window(),
        scene.expiry(),
        scene.done(),
        scene.flight(),
        scene.halted(),
        scene.attention(),
    );
}
