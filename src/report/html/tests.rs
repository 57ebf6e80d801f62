//! The page, as an HTML parser reads it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;

use html5gum::{Token, Tokenizer, emitters::default::DefaultEmitter};

use super::{SCRIPT, STYLE, content_security_policy, html};
use crate::report::{
    model::{BrokenOff, Report},
    tests::mixed,
};

/// Elements that have no end tag.
const VOID: [&str; 2] = ["meta", "input"];

/// A page's tags in their order, and its text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parsed {
    tags: Vec<String>,
    attributes: BTreeSet<(String, String)>,
    text: String,
}

/// Parses the page, which must be well-formed.
fn parsed(page: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut open: Vec<String> = Vec::new();
    let mut emitter = DefaultEmitter::<()>::default();
    // The content of style and script is not markup.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match token.unwrap() {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                parsed.tags.push(name.clone());
                for (attribute, value) in &tag.attributes {
                    parsed.attributes.insert((text(attribute), text(value)));
                }
                if !VOID.contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => assert_eq!(open.pop(), Some(text(&tag.name))),
            Token::String(string) => parsed.text.push_str(&text(&string)),
            Token::Error(error) => panic!("{error:?}"),
            Token::Comment(comment) => panic!("{comment:?}"),
            Token::Doctype(_) => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    parsed
}

/// Returns a report with the text in every untrusted field.
fn with(text: &str) -> Report {
    let mut report = mixed();
    let policy = &mut report.policies[0];
    let set = |field: &mut Option<String>| *field = Some(text.to_owned());
    policy.name = text.to_owned();
    policy.warnings = vec![text.to_owned()];
    set(&mut policy.source);
    for target in &mut policy.targets {
        target.region = text.to_owned();
        set(&mut target.role);
        set(&mut target.message);
    }
    for notebook in &mut policy.notebooks {
        notebook.name = text.to_owned();
        notebook.arn = text.to_owned();
        notebook.status = text.to_owned();
        set(&mut notebook.reason);
        set(&mut notebook.message);
        set(&mut notebook.lifecycle_config);
        if let Some(remedy) = &mut notebook.remedy {
            for step in &mut remedy.steps {
                set(&mut step.command);
            }
        }
    }
    report
}

#[test]
fn no_text_of_others_is_markup() {
    let tame = parsed(&html(&with("tame")).unwrap());
    for hostile in [
        "<script>acted()</script>",
        "\"><img src=x onerror=acted()>",
        "' onmouseover='acted()",
        "</td></table></style></script><iframe src=https://example.org>",
        "&lt;b&gt; &#60;i&#62; &amp",
        "<!-- ]]> {{ 7 * 7 }} ${7*7}",
        "javascript:acted()",
    ] {
        let page = parsed(&html(&with(hostile)).unwrap());
        assert_eq!(page.tags, tame.tags, "{hostile}");
        let names = |parsed: &Parsed| -> BTreeSet<String> {
            let names = parsed.attributes.iter();
            names.map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&page), names(&tame), "{hostile}");
        let shown = |parsed: &Parsed, text: &str| parsed.text.matches(text).count();
        assert_eq!(
            shown(&page, hostile),
            shown(&tame, "tame"),
            "it is shown as it is: {hostile}"
        );
        assert!(shown(&page, hostile) > 20);
    }
}

#[test]
fn the_page_reaches_for_nothing_outside_of_itself() {
    let page = parsed(&html(&with("tame")).unwrap());
    for (name, value) in &page.attributes {
        match name.as_str() {
            "href" => assert!(value.starts_with('#'), "{value}"),
            "src" | "srcset" | "style" | "action" | "data" | "poster" | "background" => {
                panic!("{name}={value}")
            }
            name => assert!(!name.starts_with("on"), "{name}={value}"),
        }
    }
    for (name, text) in [("style", STYLE), ("script", SCRIPT)] {
        for reach in [
            "url(",
            "@import",
            "@font-face",
            "http",
            "fetch",
            "import(",
            "XMLHttp",
            "innerHTML",
            "eval",
            "</",
        ] {
            assert!(!text.contains(reach), "{name}: {reach}");
        }
    }
    let links: Vec<_> = page
        .attributes
        .iter()
        .filter(|(name, value)| name == "href" && value.len() > 1)
        .collect();
    assert!(!links.is_empty());
    for (_, link) in links {
        let anchor = ("id".to_owned(), link[1..].to_owned());
        assert!(page.attributes.contains(&anchor), "{link} leads nowhere");
    }
}

#[test]
fn the_page_may_run_nothing_but_its_own_script() {
    let page = parsed(&html(&with("tame")).unwrap());
    let policy = content_security_policy();
    let directives: Vec<&str> = policy.split("; ").collect();
    assert_eq!(directives[0], "default-src 'none'");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(page.attributes.contains(&("content".to_owned(), policy)));
    for tag in ["style", "script"] {
        assert_eq!(page.tags.iter().filter(|each| *each == tag).count(), 1);
    }
    let at = |tag: &str| page.tags.iter().position(|each| each == tag).unwrap();
    assert!(
        at("meta") < at("style"),
        "what comes before it is not bound by it"
    );
    for text in [STYLE, SCRIPT] {
        assert!(
            page.text.contains(text),
            "the hashes are of what is in the page"
        );
    }
}

#[test]
fn what_could_not_be_read_comes_before_what_was_found() {
    let page = parsed(&html(&mixed()).unwrap()).text;
    let place = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{words}: {page}"))
    };
    let order = [
        "1 of 4 notebooks gives its users root and should not.",
        "Not complete",
        "1 of 2 accounts and regions",
        "Accounts and regions that could not be read",
        "AccessDenied",
        "Notebooks that could not be judged",
        "unclear",
        "Every notebook that is covered, worst first",
        "tame",
        "aws sagemaker stop-notebook-instance",
        "SageMaker.3",
    ];
    assert!(order.map(place).is_sorted(), "{page}");
}

#[test]
fn only_a_complete_scan_is_called_complete() {
    let mut report = mixed();
    report.broken_off = Some(BrokenOff::Interrupted);
    let page = parsed(&html(&report).unwrap());
    assert!(page.text.contains("The scan was interrupted"));
    let flag = |value: &str| ("data-complete".to_owned(), value.to_owned());
    assert!(page.attributes.contains(&flag("false")));
    report.complete = true;
    report.broken_off = None;
    let page = parsed(&html(&report).unwrap());
    assert!(page.attributes.contains(&flag("true")));
    assert!(!page.text.contains("Not complete"));
}
