//! YAML syntax, as `kubectl` reads it.

use std::fmt::Write;

use super::*;

#[test]
fn invalid_yaml_is_an_error_and_the_next_document_is_read() {
    let text = format!("a: [1, 2\n---\n{}", policy("  mode: audit\n"));
    let messages = messages(&text);
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(
        messages[0].contains("error : this is not YAML: "),
        "{messages:#?}"
    );
    assert!(
        messages[1].starts_with("11:9 error spec.mode: "),
        "{messages:#?}"
    );
}

#[test]
fn template_of_something_else_is_a_warning() {
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
fn field_written_twice_is_rejected() {
    let text = policy("  mode: Audit\n  mode: Enforce\n");
    assert_eq!(
        messages(&text),
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
    let messages = messages(&wrong);
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(
        messages.iter().all(|line| line.starts_with("9:32 error ")),
        "{messages:#?}"
    );
}

#[test]
fn aliases_beyond_the_limit_are_rejected() {
    let mut text =
        "apiVersion: sudoless.dev/v1alpha1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        writeln!(text, "a{level}: &a{level} [{before}]").unwrap();
    }
    let messages = messages(&text);
    assert!(
        messages[0].contains("has more than 1000000 values"),
        "{messages:?}"
    );

    assert!(check("sudoless.dev: &a [*a]\n").problems[0].severity == Severity::Error);
    assert!(super::messages("a: *b # sudoless.dev\n")[0].contains("this is not YAML"));
    let deep = format!(
        "# sudoless.dev\na: {}{}\n",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert!(super::messages(&deep)[0].contains("this is not YAML"));
}

#[test]
fn byte_order_mark_line_ends_and_empty_texts_are_accepted() {
    let text = policy("  mode: audit\n");
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(messages(&windows), messages(&text));
    assert_eq!(
        messages(&text),
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
        messages(text),
        [
            "5:31 error spec.accounts[0].id: must be a string, not a number: put it in quotes: \"111122223333\""
        ]
    );
}

#[test]
fn suggestion_quotes_booleans_and_numbers_as_written() {
    let text = policy("  suspend: \"yes\"\n  exemptions:\n    - {reason: no, names: [on, 0123]}\n");
    assert_eq!(
        messages(&text),
        [
            "9:12 error spec.suspend: must be true or false, not a string: write true or false without quotes",
            "11:16 error spec.exemptions[0].reason: must be a string, not true or false: put it in quotes: \"no\"",
            "11:28 error spec.exemptions[0].names[0]: must be a string, not true or false: put it in quotes: \"on\"",
            "11:32 error spec.exemptions[0].names[1]: must be a string, not a number: put it in quotes: \"0123\"",
        ]
    );
    assert_eq!(check(&policy("  suspend: yes\n")).problems, []);
}
