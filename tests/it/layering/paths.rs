//! The paths that a source file of Rust names: those of its `use` lines, taken apart, and those in
//! its code.

use std::iter::Peekable;

/// A path such as `crate::domain::Policy`, by its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub parts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Joint,
    Other(char),
}

/// Every path in a source, without those in comments and texts.
pub fn paths(source: &str) -> Vec<Named> {
    let mut named = Vec::new();
    let mut tokens = tokens(&code(source)).into_iter().peekable();
    while let Some((line, token)) = tokens.next() {
        if let Token::Word(word) = token {
            rest(vec![word], line, &mut tokens, &mut named);
        }
    }
    named
}

/// What follows the first part of a path: nothing, more parts, or a group of paths in braces.
fn rest(
    mut parts: Vec<String>,
    line: usize,
    tokens: &mut Peekable<impl Iterator<Item = (usize, Token)>>,
    named: &mut Vec<Named>,
) {
    while tokens
        .next_if(|(_, token)| *token == Token::Joint)
        .is_some()
    {
        match tokens.next_if(|(_, token)| !matches!(token, Token::Other(other) if *other != '{')) {
            Some((_, Token::Word(word))) => parts.push(word),
            Some((_, Token::Other('{'))) => return group(&parts, tokens, named),
            _ => break,
        }
    }
    named.push(Named { line, parts });
}

fn group(
    prefix: &[String],
    tokens: &mut Peekable<impl Iterator<Item = (usize, Token)>>,
    named: &mut Vec<Named>,
) {
    while let Some((line, token)) = tokens.next() {
        match token {
            Token::Other('}') => return,
            Token::Word(word) if word == "as" => drop(tokens.next()),
            Token::Word(word) => {
                let mut parts = prefix.to_vec();
                parts.push(word);
                rest(parts, line, &mut *tokens, named);
            }
            Token::Other(_) | Token::Joint => {}
        }
    }
}

fn tokens(code: &str) -> Vec<(usize, Token)> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            let token = if character.is_alphabetic() || character == '_' {
                let mut word = String::from(character);
                while let Some(next) =
                    characters.next_if(|next| next.is_alphanumeric() || *next == '_')
                {
                    word.push(next);
                }
                Token::Word(word)
            } else if character == ':' && characters.next_if_eq(&':').is_some() {
                Token::Joint
            } else if character.is_whitespace() {
                continue;
            } else {
                Token::Other(character)
            };
            tokens.push((index + 1, token));
        }
    }
    tokens
}

/// A source with its comments and texts blanked out; line breaks stay.
fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, kept) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => {
                (rest.find("*/").map_or(rest.len(), |end| end + 2), false)
            }
            'r' if raw(rest).is_some() && !ends_in_word(&code) => (raw(rest).unwrap_or(1), false),
            '"' => (quoted(rest), false),
            '\'' => character(rest),
            other => (other.len_utf8(), true),
        };
        let (part, after) = rest.split_at(length);
        if kept {
            code.push_str(part);
        } else {
            code.push(' ');
            code.extend(part.chars().filter(|character| *character == '\n'));
        }
        rest = after;
    }
    code
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(|last: char| last.is_alphanumeric() || last == '_')
}

/// The length of the text in quotes that `source` begins with.
fn quoted(source: &str) -> usize {
    let mut escaped = false;
    for (index, character) in source.char_indices().skip(1) {
        match character {
            '"' if !escaped => return index + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    source.len()
}

/// The length of the raw text that `source` begins with, if it does.
fn raw(source: &str) -> Option<usize> {
    let hashes = source[1..]
        .chars()
        .take_while(|character| *character == '#')
        .count();
    let opened = 1 + hashes + 1;
    source[1 + hashes..].starts_with('"').then(|| {
        let close = format!("\"{}", "#".repeat(hashes));
        source[opened..]
            .find(&close)
            .map_or(source.len(), |end| opened + end + close.len())
    })
}

/// A character in quotes is blanked out, the mark of a lifetime is kept.
fn character(source: &str) -> (usize, bool) {
    let mut characters = source.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((after, escaped))) => {
            let from = after + escaped.len_utf8();
            (
                source[from..]
                    .find('\'')
                    .map_or(source.len(), |end| from + end + 1),
                false,
            )
        }
        (Some(_), Some((end, '\''))) => (end + 1, false),
        _ => (1, true),
    }
}
