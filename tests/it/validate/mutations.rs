//! Manifests that are right, changed at random: the same verdict as the API server's.

use fastrand::Rng;
use serde_json::{Value, json};
use sudoless::offline::{Problem, Severity};

use super::{check, client, cluster, create, manifests, refusals};
use crate::support::manifests::Manifest;

/// Of the random numbers: every run tries the same.
const SEED: u64 = 0x5ed0_1e55;

/// How many manifests are tried.
const CASES: usize = 600;

/// A way down into a value: names and indices.
type Way = Vec<String>;

#[tokio::test]
async fn every_change_gets_the_same_verdict() {
    let client = client(cluster()).await;
    let mut random = Rng::with_seed(SEED);
    let originals: Vec<Value> = manifests("tests/it/admission/accept")
        .iter()
        .chain(&manifests("config/samples"))
        .map(Manifest::body)
        .collect();
    let (mut accepted, mut refused, mut failures) = (0, 0, Vec::new());
    for _ in 0..CASES {
        let mut body = random.choice(&originals).unwrap().clone();
        change(&mut body, &mut random);
        if random.u8(..4) == 0 {
            change(&mut body, &mut random);
        }
        let text = serde_json::to_string_pretty(&body).unwrap();
        let checked = check(&text);
        let problems = refusals(&checked);
        if let [found] = checked.policies.as_slice() {
            let is_error = |problem: &Problem| problem.severity == Severity::Error;
            let sound = !checked.problems.iter().any(is_error);
            assert_eq!(
                found.policy.is_some(),
                sound,
                "{text}\n{:#?}",
                checked.problems
            );
        }
        let answer = create(&client, &body).await;
        let is_accepted = checked.policies.len() == 1 && problems.is_empty();
        if is_accepted == answer.is_ok() {
            *(if is_accepted {
                &mut accepted
            } else {
                &mut refused
            }) += 1;
        } else {
            let answer = answer.map(|_| "accepted");
            failures.push(format!(
                "{text}\noffline: {problems:#?}\nthe API server: {answer:?}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    // Changes that hit nothing, or break everything, would prove little.
    assert!(
        accepted > CASES / 10 && refused > CASES / 3,
        "{accepted} accepted, {refused} refused"
    );
}

/// Drops, doubles, renames, retypes or garbles one field or item.
fn change(body: &mut Value, random: &mut Rng) {
    let mut ways = Vec::new();
    collect(body, &mut Vec::new(), &mut ways);
    // Seldom the whole spec: what is deep down has the rules.
    ways.retain(|way| way.len() > 1 || random.u8(..8) == 0);
    let Some(way) = random.choice(&ways).cloned() else {
        return;
    };
    let (last, above) = way.split_last().unwrap();
    let inside = above.iter().fold(body, |value, step| match value {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        Value::Object(fields) => fields.get_mut(step).unwrap(),
        _ => unreachable!(),
    });
    match inside {
        Value::Object(fields) => match random.usize(..8) {
            0 => drop(fields.remove(last)),
            1 => {
                let value = fields.remove(last).unwrap();
                fields.insert(garble(last, random), value);
            }
            2 => {
                let value = fields[last].clone();
                fields.insert(garble(last, random), value);
            }
            3 => fields[last] = any(random),
            _ => alter(&mut fields[last], random),
        },
        Value::Array(items) => {
            let index: usize = last.parse().unwrap();
            match random.usize(..5) {
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                2 => items[index] = any(random),
                _ => alter(&mut items[index], random),
            }
        }
        _ => unreachable!(),
    }
}

fn collect(value: &Value, way: &mut Way, ways: &mut Vec<Way>) {
    let mut below = |step: String, value: &Value| {
        way.push(step);
        ways.push(way.clone());
        collect(value, way, ways);
        way.pop();
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| below(name.clone(), value)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| below(index.to_string(), value));
        }
        _ => {}
    }
}

/// Something else of the same type, or nearly.
fn alter(value: &mut Value, random: &mut Rng) {
    *value = match &*value {
        Value::String(text) => Value::String(garble(text, random)),
        Value::Number(_) => {
            let numbers = [
                json!(0),
                json!(1),
                json!(-1),
                json!(100),
                json!(101),
                json!(2),
                json!(2.5),
                json!(1e12),
            ];
            random.choice(numbers).unwrap()
        }
        Value::Bool(value) => json!(!value),
        Value::Array(items) if !items.is_empty() => json!([]),
        Value::Object(_) => json!({}),
        _ => any(random),
    };
}

fn garble(text: &str, random: &mut Rng) -> String {
    const MORE: [&str; 24] = [
        "a", "Z", "0", "9", "-", "_", ".", "/", "*", " ", "\n", "\t", ":", "é", "\u{a0}", "٣", "{",
        "[", "s", "m", "h", "T", "😀", "\u{b}",
    ];
    let mut characters: Vec<char> = text.chars().collect();
    let place = random.usize(..=characters.len());
    match random.usize(..6) {
        0 => return text.to_uppercase(),
        1 => return text.repeat(random.usize(2..60)),
        2 if place < characters.len() => drop(characters.remove(place)),
        3 if place < characters.len() => {
            let other = random.usize(..characters.len());
            characters.swap(place, other);
        }
        _ => {
            let more = random.choice(MORE).unwrap().chars();
            characters.splice(place..place, more);
        }
    }
    characters.into_iter().collect()
}

fn any(random: &mut Rng) -> Value {
    let values = [
        Value::Null,
        json!(true),
        json!(0),
        json!(7),
        json!(-3),
        json!(2.5),
        json!(3.0),
        json!(111_122_223_333_u64),
        json!(""),
        json!(" "),
        json!("*"),
        json!("x"),
        json!("7"),
        json!("true"),
        json!("10m"),
        json!("0s"),
        json!("168h"),
        json!("168h0.001s"),
        json!("111122223333"),
        json!("eu-west-1"),
        json!("2027-01-31T00:00:00Z"),
        json!("2027-01-31T23:59:60Z"),
        json!("2027-01-31T23:59:59+24:00"),
        json!("2027-02-29T00:00:00Z"),
        json!("0 2 * * SAT"),
        json!("Enforce"),
        json!([]),
        json!([null]),
        json!(["*"]),
        json!(["eu-west-1", "eu-west-1"]),
        json!({}),
        json!({"a": "b"}),
        json!({"a": null}),
        json!({"": "b"}),
    ];
    random.choice(values).unwrap()
}
