//! The text form of explanations.

use serde_json::json;

use super::{super::*, world::*};
use crate::report::{Appearance, Colors};

/// Returns facts whose explanation has every kind of line.
fn world() -> Facts {
    let windows = json!({
        "exemptions": [{"reason": "needs Docker", "names": ["churn"], "expiresAt": "2026-05-01T00:00:00Z"}],
        "remediation": {"windows": [{"schedule": "0 2 * * SAT", "duration": "4h"}]},
    });
    facts(
        [
            policy(windows, violation()),
            named(
                "q",
                json!({}),
                waits("Canary", "the first has not come back yet"),
            ),
            named(
                "another-policy-with-a-long-name",
                json!({"regions": ["us-east-1"]}),
                json!({}),
            ),
        ],
        [
            record((ACCOUNT, REGION, "other"), "q", "Starting", json!({})),
            own("Cancelled", json!({"spec": {"recurrence": 1}})),
        ],
    )
}

#[test]
fn it_fits_the_terminal() {
    let explanation = explained(&world());
    for width in [40, 60, 80, 120] {
        let appearance = Appearance {
            width: Some(width),
            ..Appearance::default()
        };
        let shown = text(&explanation, appearance);
        for line in shown.lines() {
            // Commands are never wrapped, and neither are words without a blank.
            let whole = line.contains("kubectl") || !line.trim().contains(' ');
            assert!(
                whole || line.chars().count() <= usize::from(width),
                "{width}: {line}"
            );
        }
        let words = |text: &str| text.split_whitespace().collect::<String>();
        let wide = text(&explanation, Appearance::default());
        assert_eq!(words(&shown), words(&wide), "nothing is lost at {width}");
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let explanation = explained(&world());
    assert!(!text(&explanation, Appearance::default()).contains('\u{1b}'));
    let colored = Appearance {
        colors: Colors::Ansi,
        ..Appearance::default()
    };
    assert!(text(&explanation, colored).contains("\u{1b}[33;1mNOT BEING FIXED NOW\u{1b}[0m"));
}

#[test]
fn what_others_wrote_cannot_act_on_a_terminal() {
    let nasty = exempt("\u{1b}[2Jgone\nnext");
    let spec = json!({"exemptions": [{"reason": "\u{1b}[2Jgone\nnext", "names": ["churn"]}]});
    let shown = text(
        &explained(&facts([policy(spec, nasty)], [])),
        Appearance::default(),
    );
    assert!(
        !shown.contains('\u{1b}') && shown.contains("\\u{1b}[2Jgone\\u{a}next"),
        "{shown}"
    );
}

#[test]
fn the_json_says_the_same() {
    let json = serde_json::to_value(explained(&world())).unwrap();
    for (pointer, expected) in [
        ("/apiVersion", json!("sudoless.dev/v1alpha1")),
        ("/kind", json!("NotebookExplanation")),
        ("/notebook/seen/status", json!("InService")),
        ("/answer/outcome", json!("Waits")),
        ("/policies/0/name", json!("p")),
        ("/policies/0/reason", json!("Window")),
        ("/policies/0/window/opens", json!("2026-06-06T02:00:00Z")),
        ("/policies/0/exemption/expired", json!(true)),
        ("/policies/1/reason", json!("Canary")),
        ("/policies/1/blockers/0/notebook", json!("other")),
        ("/policies/2/relation", json!("RegionNotNamed")),
        ("/records/0/state", json!("Cancelled")),
    ] {
        assert_eq!(
            json.pointer(pointer),
            Some(&expected),
            "{pointer}: {json:#}"
        );
    }
}
