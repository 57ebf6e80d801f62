//! HTML: one file for people to open, print and keep. The page loads nothing. It also works without
//! its script, which only sorts and filters.
//!
//! The template escapes every untrusted text. If that ever fails, the page's content security
//! policy still blocks all scripts, styles and requests, except the page's own script and style, by
//! their hashes.

mod page;
#[cfg(test)]
mod tests;

use askama::Template as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use self::page::Page;
use super::{Error, model::Report};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Renders the report as HTML.
pub(super) fn html(report: &Report) -> Result<String, Error> {
    let page = Page::of(report);
    Ok(page.render()? + "\n")
}

/// Returns the content security policy. It allows only the page's own style and script.
fn content_security_policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|text| BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}
