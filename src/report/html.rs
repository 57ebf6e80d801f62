//! HTML: one file for people, to open, to print and to keep. It loads nothing, and works without its script, which only sorts and
//! filters.
//!
//! Every text of others is escaped by the template. Should that ever fail, the page's own content security policy still runs no script
//! and loads nothing but what is in it by the hashes of both.

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

/// The whole report.
pub(super) fn html(report: &Report) -> Result<String, Error> {
    let page = Page::of(report);
    Ok(page.render()? + "\n")
}

/// What the page may do: nothing but look as it does and run its own script.
fn content_security_policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|text| BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}
