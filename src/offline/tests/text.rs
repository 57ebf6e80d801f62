//! YAML syntax, as `kubectl` reads it.

use std::fmt::Write;

use super::*;

#[test]
fn what_is_no_yaml_is_said_and_the_next_document_is_read() {
    let text = format!("a: [1, 2\n---\n{}", policy("  mode: audit\n"));
    let told = told(&text);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("error : this is not YAML: "), "{told:#?}");
    assert!(told[1].starts_with("11:9 error spec.mode: "), "{told:#?}");
}

#[test]
fn somebody_elses_template_is_no_error() {
    let checked = check("metadata:\n  name: {{ .Release.Name }}-x: y\n");
    assert_eq!(checked.problems.len(), 1);
    assert_eq!(checked.problems[0].severity, Severity::Warning);
    assert!(
        checked.problems[0]
            .message
            .ends_with("; a template must be rendered first")
    );

    let ours = check("apiVersion: sudoless.dev/v1alpha1\nname: {{ .Values.x }}: y\n");
    assert_eq!(ours.problems[0].severity, Severity::Error);
}

#[test]
fn a_field_that_is_written_twice_is_refused() {
    let text = policy("  mode: Audit\n  mode: Enforce\n");
    assert_eq!(
        told(&text),
        ["10:3 error spec.mode: is written twice in the same place: keep one of them"]
    );
    // Duplicate fields in objects of other kinds are ignored.
    assert_eq!(check("kind: ConfigMap\na: 1\na: 2\n").problems, []);
}

#[test]
fn anchors_aliases_and_merges_are_followed() {
    let text = policy(
        "  selector: {names: &names [a, b]}
  exemptions:
    - &first {reason: x, names: *names}
    - {<<: *first, reason: z}
",
    );
    assert_eq!(check(&text).problems, []);
    let wrong = policy(
        "  selector: {names: &names [a, b c]}
  exemptions:
    - {reason: x, names: *names}
",
    );
    let told = told(&wrong);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told.iter().all(|line| line.starts_with("9:32 error ")),
        "{told:#?}"
    );
}

#[test]
fn aliases_do_not_multiply_without_end() {
    let mut text =
        "apiVersion: sudoless.dev/v1alpha1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        writeln!(text, "a{level}: &a{level} [{before}]").unwrap();
    }
    let told = told(&text);
    assert!(told[0].contains("has more than 1000000 values"), "{told:?}");

    assert!(check("sudoless.dev: &a [*a]\n").problems[0].severity == Severity::Error);
    assert!(super::told("a: *b # sudoless.dev\n")[0].contains("this is not YAML"));
    let deep = format!(
        "# sudoless.dev\na: {}{}\n",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert!(super::told(&deep)[0].contains("this is not YAML"));
}

#[test]
fn marks_line_ends_and_empty_texts_do_no_harm() {
    let text = policy("  mode: audit\n");
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(told(&windows), told(&text));
    assert_eq!(
        told(&text),
        ["9:9 error spec.mode: \"audit\" is not one of Audit, Enforce; did you mean Audit?"]
    );
    for nothing in [
        "",
        "\n",
        "---\n",
        "# only words\n",
        "---\n---\n...\n",
        "null\n",
    ] {
        let checked = check(nothing);
        assert_eq!(checked.problems, [], "{nothing:?}");
        assert_eq!(
            (checked.policies.len(), checked.skipped),
            (0, 0),
            "{nothing:?}"
        );
    }
}

#[test]
fn json_is_yaml() {
    let text = "{\n\t\"apiVersion\": \"sudoless.dev/v1alpha1\",\n\t\"kind\": \"NotebookRootAccessPolicy\",\n\t\"metadata\": {\"name\": \"x\"},\n\t\"spec\": {\"accounts\": [{\"id\": 111122223333}], \"regions\": [\"eu-west-1\"]}\n}\n";
    assert_eq!(
        told(text),
        [
            "5:31 error spec.accounts[0].id: must be a string, not a number: put it in quotes: \"111122223333\""
        ]
    );
}

#[test]
fn booleans_and_numbers_of_yaml_are_named_as_they_are_written() {
    let text = policy("  suspend: \"yes\"\n  exemptions:\n    - {reason: no, names: [on, 0123]}\n");
    assert_eq!(
        told(&text),
        [
            "9:12 error spec.suspend: must be true or false, not a string: write true or false without quotes",
            "11:16 error spec.exemptions[0].reason: must be a string, not true or false: put it in quotes: \"no\"",
            "11:28 error spec.exemptions[0].names[0]: must be a string, not true or false: put it in quotes: \"on\"",
            "11:32 error spec.exemptions[0].names[1]: must be a string, not a number: put it in quotes: \"0123\"",
        ]
    );
    assert_eq!(check(&policy("  suspend: yes\n")).problems, []);
}
