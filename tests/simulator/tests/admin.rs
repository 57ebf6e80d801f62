//! The admin interface over HTTP.

use sagemaker_simulator::{Operation, RootAccess, Status};
use serde_json::json;

use crate::clients::{ACCOUNT, REGION, assume, code, http, notebook, simulate, until};

const CHURN: &str = "/_admin/notebooks/111122223333/us-east-1/churn";

#[tokio::test]
async fn notebooks_are_shown_changed_added_and_removed() {
    let (simulator, _) = simulate([notebook("churn").tag("team", "a")]).await;
    let (status, churn) = http(&simulator, "GET", CHURN, None).await;
    assert_eq!(
        (status, &churn["rootAccess"], &churn["tags"]["team"]),
        (200, &json!("Enabled"), &json!("a"))
    );
    let patch = json!({"rootAccess": "absent", "status": "InMaintenance", "tags": null});
    assert_eq!(http(&simulator, "PATCH", CHURN, Some(patch)).await.0, 204);
    let known = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
    assert_eq!(known.root_access, RootAccess::Absent);
    assert_eq!(known.status, Status::from("InMaintenance"));
    assert!(known.tags.is_empty());
    let (status, error) = http(&simulator, "PATCH", CHURN, Some(json!({"rootaccess": "x"}))).await;
    assert_eq!(status, 422);
    assert!(error.as_str().unwrap().contains("rootaccess"), "{error}");
    let new = json!({"account": ACCOUNT, "region": REGION, "name": "new", "status": "Stopped"});
    assert_eq!(
        http(&simulator, "PUT", "/_admin/notebooks", Some(new))
            .await
            .0,
        204
    );
    let (_, all) = http(&simulator, "GET", "/_admin/notebooks", None).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(http(&simulator, "DELETE", CHURN, None).await.0, 204);
    for (method, body) in [("GET", None), ("DELETE", None), ("PATCH", Some(json!({})))] {
        assert_eq!(
            http(&simulator, method, CHURN, body).await.0,
            404,
            "{method}"
        );
    }
}

#[tokio::test]
async fn owners_act() {
    let (simulator, _) = simulate([notebook("churn").root_access("Disabled")]).await;
    let act = async |act: &str| http(&simulator, "POST", &format!("{CHURN}/{act}"), None).await;
    assert_eq!(act("enable-root").await.0, 204);
    assert_eq!(
        simulator
            .notebook(ACCOUNT, REGION, "churn")
            .unwrap()
            .root_access,
        RootAccess::Enabled
    );
    assert_eq!(act("stop").await.0, 204);
    let (status, words) = act("stop").await;
    assert_eq!(status, 409);
    assert!(
        words
            .as_str()
            .unwrap()
            .contains("Unable to transition to (Stopping)"),
        "{words}"
    );
    until("it is stopped", async || {
        let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
        (it.status == Status::Stopped).then_some(())
    })
    .await;
    assert_eq!(act("resize").await.0, 204);
    assert_eq!(act("resize").await.0, 409, "it is Updating");
    until("it is stopped again", async || {
        let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
        (it.status == Status::Stopped && it.instance_type == "ml.t3.large").then_some(())
    })
    .await;
    let platform = json!({"platform": "notebook-al2-v1"});
    assert_eq!(
        http(&simulator, "PATCH", CHURN, Some(platform)).await.0,
        204
    );
    let (status, words) = act("start").await;
    assert_eq!(status, 409);
    assert!(words.as_str().unwrap().contains("al2-v1"), "{words}");
    let platform = json!({"platform": null});
    assert_eq!(
        http(&simulator, "PATCH", CHURN, Some(platform)).await.0,
        204
    );
    assert_eq!(act("start").await.0, 204);
    assert_eq!(act("explode").await.0, 404);
}

#[tokio::test]
async fn faults_are_set_listed_and_removed() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let describe = || {
        client
            .describe_notebook_instance()
            .notebook_instance_name("churn")
            .send()
    };
    let fault = json!({"on": {"operation": "DescribeNotebookInstance"}, "effect": "deny", "when": {"next": 1}});
    let (status, answer) = http(&simulator, "POST", "/_admin/faults", Some(fault.clone())).await;
    assert_eq!((status, &answer), (200, &json!({"id": 1})));
    assert_eq!(code(describe().await), "AccessDeniedException");
    assert!(describe().await.is_ok());
    let (_, list) = http(&simulator, "GET", "/_admin/faults", None).await;
    let expected = json!([{"id": 1, "matched": 2, "fired": 1, "on": fault["on"], "effect": "deny", "when": {"next": 1}}]);
    assert_eq!(list, expected);
    assert_eq!(
        http(&simulator, "DELETE", "/_admin/faults/1", None).await.0,
        204
    );
    assert_eq!(
        http(&simulator, "DELETE", "/_admin/faults/1", None).await.0,
        404
    );
    assert_eq!(
        http(&simulator, "DELETE", "/_admin/faults", None).await.0,
        204
    );
    for wrong in [
        json!({"effect": "denied"}),
        json!({"on": {"acount": ACCOUNT}, "effect": "deny"}),
        json!({"on": {"operation": "Describe"}, "effect": "deny"}),
        json!({"effect": {"throttle": {"rate": 1}}}),
    ] {
        let (status, _) = http(&simulator, "POST", "/_admin/faults", Some(wrong.clone())).await;
        assert_eq!(status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn counters_and_writes_are_shown_and_zeroed() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    client
        .stop_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
    let (_, counters) = http(&simulator, "GET", "/_admin/counters", None).await;
    let stops = counters["requests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["operation"] == "StopNotebookInstance");
    let stops = stops.unwrap();
    assert_eq!(
        (&stops["count"], &stops["outcome"], &stops["service"]),
        (&json!(1), &json!("OK"), &json!("sagemaker"))
    );
    let (_, writes) = http(&simulator, "GET", "/_admin/writes", None).await;
    assert_eq!(writes[0]["body"], json!({"NotebookInstanceName": "churn"}));
    assert_eq!(writes[0]["statusBefore"], "InService");
    let (_, requests) = http(&simulator, "GET", "/_admin/requests", None).await;
    assert_eq!(requests.as_array().unwrap().len(), 2, "AssumeRole and Stop");
    assert_eq!(
        http(&simulator, "DELETE", "/_admin/counters", None).await.0,
        204
    );
    assert_eq!(
        http(&simulator, "DELETE", "/_admin/writes", None).await.0,
        204
    );
    assert_eq!(simulator.counters().of(Operation::StopNotebookInstance), 0);
    assert_eq!(simulator.writes(), []);
}

#[tokio::test]
async fn accounts_timings_and_sessions() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let role =
        json!({"id": "123456789012", "roles": [{"name": "sudoless"}], "regions": ["us-east-1"]});
    assert_eq!(
        http(&simulator, "PUT", "/_admin/accounts", Some(role))
            .await
            .0,
        204
    );
    assume(&simulator, "123456789012").await;
    let timings = json!({"stop": "1h", "updateLag": "20ms"});
    assert_eq!(
        http(&simulator, "PUT", "/_admin/timings", Some(timings))
            .await
            .0,
        204
    );
    assert_eq!(
        http(
            &simulator,
            "PUT",
            "/_admin/timings",
            Some(json!({"stopp": "1h"}))
        )
        .await
        .0,
        422
    );
    assert_eq!(
        http(&simulator, "DELETE", "/_admin/sessions", None).await.0,
        204
    );
    let answer = client.list_notebook_instances().send().await;
    assert_eq!(code(answer), "ExpiredTokenException");
    assert_eq!(
        http(&simulator, "GET", "/_admin/nothing", None).await.0,
        404
    );
}
