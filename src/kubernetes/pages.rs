//! Lists read page by page.

use std::fmt::Debug;

use kube::{Api, Error, api::ListParams};
use serde::de::DeserializeOwned;

/// Objects per page. They may be large.
const PAGE: u32 = 100;

/// Reads all pages of a list, past every cache.
pub(super) async fn list_all<K>(api: &Api<K>) -> Result<Vec<K>, Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut parameters = ListParams::default().limit(PAGE);
    let mut items = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        items.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(items),
        }
    }
}
