//! Lists read page by page.

use std::fmt::Debug;

use kube::{Api, Error, api::ListParams};
use serde::de::DeserializeOwned;

/// Reads all pages of a list, past every cache. `parameters` contain the page size.
pub(super) async fn list_all<K>(api: &Api<K>, parameters: ListParams) -> Result<Vec<K>, Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut parameters = parameters;
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
