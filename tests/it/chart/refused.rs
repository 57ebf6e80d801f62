//! Values that the schema or the templates refuse, and with which words: what is refused says
//! where.

use serde::Deserialize;
use serde_json::{Value, json};

use super::rendered::{HELMS, render};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    values: Value,
    place: String,
    word: String,
}

fn wrong() -> Vec<Wrong> {
    serde_saphyr::from_str(include_str!("refused.yaml")).unwrap()
}

#[test]
fn what_is_wrong_is_refused_and_named() {
    for Wrong {
        values,
        place,
        word,
    } in wrong()
    {
        for version in HELMS {
            let Err(complaint) = render(version, &values) else {
                panic!("{values} is taken")
            };
            let lower = complaint.to_lowercase();
            assert!(complaint.contains(&place), "{values}: {complaint}");
            assert!(
                lower.contains(&word.to_lowercase()),
                "{values}: {complaint}"
            );
        }
    }
}

#[test]
fn what_other_charts_hand_down_is_taken() {
    for version in HELMS {
        // Helm itself gives `global` to a chart within another one, and `enabled` is what
        // `condition` usually names.
        render(
            version,
            &json!({"global": {"imageRegistry": "x"}, "enabled": true}),
        )
        .unwrap();
    }
}
