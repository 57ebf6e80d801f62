//! Waits until the API server serves the operator's kinds and lets the operator list them.

use std::{fmt::Debug, time::Duration};

use kube::{Api, Error, Resource, api::ListParams};
use serde::de::DeserializeOwned;

/// Interval of the checks. Installing chart and CRDs takes seconds, and a watch would need another
/// permission.
const PAUSE: Duration = Duration::from_secs(2);

/// Returns when the API server answers a list of the kind. Until then, `waits` is called with the
/// problem and its remedy, as a phrase.
pub async fn until_served<K>(
    api: &Api<K>,
    label_selector: Option<&str>,
    mut waits: impl FnMut(String),
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let (kind, plural) = (K::kind(&()), K::plural(&()));
    let mut look = ListParams::default().limit(1);
    if let Some(selector) = label_selector {
        look = look.labels(selector);
    }
    loop {
        let problem = match api.list_metadata(&look).await {
            Ok(_) => return,
            Err(Error::Api(status)) if status.code == 404 => {
                format!(
                    "the API server does not serve {kind}: install it with `sudoless crd | kubectl apply --server-side -f -`"
                )
            }
            Err(Error::Api(status)) if matches!(status.code, 401 | 403) => format!(
                "the operator lacks permission to list {plural}.{}: bind its service account to the chart's role ({})",
                K::group(&()),
                status.message
            ),
            Err(Error::Api(status)) if status.code == 400 => {
                format!(
                    "the API server rejects the list of {plural}, perhaps because of --watch-label-selector: {}",
                    status.message
                )
            }
            Err(error) => format!("the API server does not answer: {error}"),
        };
        waits(problem);
        tokio::time::sleep(PAUSE).await;
    }
}
