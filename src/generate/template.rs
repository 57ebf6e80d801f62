//! Templates: texts with placeholders for blocks.

/// Replaces each line that is only `{{name}}` by the block of that name, indented like the line. A
/// placeholder without a block, or with an empty block, leaves no line.
pub(super) fn fill(template: &str, blocks: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len());
    for line in template.lines() {
        let place = line.trim_start();
        let indent = line.get(..line.len() - place.len()).unwrap_or_default();
        let name = place
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        match name {
            None => push(&mut text, "", line),
            Some(name) => {
                let block = blocks.iter().find(|(each, _)| *each == name);
                let lines = block.iter().flat_map(|(_, block)| block.lines());
                lines.for_each(|line| push(&mut text, indent, line));
            }
        }
    }
    text
}

fn push(text: &mut String, indent: &str, line: &str) {
    if !line.is_empty() {
        text.push_str(indent);
        text.push_str(line);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_take_the_indentation_of_their_place() {
        let template = "a:\n  {{b}}\n  {{c}}\nd: '{{b}}'\n";
        let blocks = [("b", "- 1\n\n- 2\n".to_owned()), ("c", String::new())];
        assert_eq!(fill(template, &blocks), "a:\n  - 1\n\n  - 2\nd: '{{b}}'\n");
    }
}
