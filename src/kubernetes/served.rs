//! Waits until the API server serves the kinds, and the operator may list them.

use std::{fmt::Debug, time::Duration};

use kube::{Api, Error, Resource, api::ListParams};
use serde::de::DeserializeOwned;

/// Between two looks. The first install of chart and CRDs takes seconds; a watch would need a right of its own.
const PAUSE: Duration = Duration::from_secs(2);

/// Returns once the API server answers a list of the kind. Until then `waits` is told what for, as a phrase that says what to do.
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
                "the operator may not list {plural}.{}: give its service account the role of the chart ({})",
                K::group(&()),
                status.message
            ),
            Err(Error::Api(status)) if status.code == 400 => {
                format!(
                    "the API server refuses the list of {plural}, perhaps for --watch-label-selector: {}",
                    status.message
                )
            }
            Err(error) => format!("the API server does not answer: {error}"),
        };
        waits(problem);
        tokio::time::sleep(PAUSE).await;
    }
}
