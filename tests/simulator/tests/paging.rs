//! Pages of notebooks and tags, filters, order and tokens.

use aws_sdk_sagemaker::{
    Client,
    types::{
        NotebookInstanceSortKey as SortKey, NotebookInstanceSortOrder as SortOrder,
        NotebookInstanceStatus,
    },
};
use sagemaker_simulator::{Effect, Fault, Notebook, Operation};

use crate::clients::{code, notebook, refusal, simulate};

fn many(count: usize) -> impl Iterator<Item = Notebook> {
    (0..count).map(|number| notebook(&format!("notebook-{number:03}")))
}

/// All names, and the size of each page.
async fn walk(client: &Client, size: i32) -> (Vec<String>, Vec<usize>) {
    let (mut names, mut sizes, mut token) = (Vec::new(), Vec::new(), None);
    loop {
        let list = client.list_notebook_instances().max_results(size);
        let page = list.set_next_token(token).send().await.unwrap();
        let summaries = page.notebook_instances();
        sizes.push(summaries.len());
        names.extend(
            summaries
                .iter()
                .map(|it| it.notebook_instance_name().unwrap().to_owned()),
        );
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            return (names, sizes);
        }
    }
}

#[tokio::test]
async fn pages_hold_what_was_asked_for_and_everything_once() {
    let (_simulator, client) = simulate(many(230)).await;
    let all: Vec<String> = many(230).map(|it| it.name).collect();
    assert_eq!(walk(&client, 100).await, (all.clone(), vec![100, 100, 30]));
    assert_eq!(walk(&client, 1).await.0, all);
    assert_eq!(
        client
            .list_notebook_instances()
            .send()
            .await
            .unwrap()
            .notebook_instances()
            .len(),
        10
    );
}

#[tokio::test]
async fn a_full_last_page_has_no_token() {
    let (_simulator, client) = simulate(many(200)).await;
    assert_eq!(walk(&client, 100).await.1, [100, 100]);
    let (_simulator, client) = simulate([]).await;
    assert_eq!(walk(&client, 100).await.1, [0]);
}

#[tokio::test]
async fn page_sizes_out_of_range_are_refused() {
    let (_simulator, client) = simulate([]).await;
    for size in [0, 101] {
        let (code, message) = refusal(
            client
                .list_notebook_instances()
                .max_results(size)
                .send()
                .await,
        );
        assert_eq!(code, "ValidationException");
        assert!(message.contains("'maxResults'"), "{message}");
    }
}

#[tokio::test]
async fn a_token_belongs_to_its_filters_and_order() {
    let (_simulator, client) = simulate(many(5)).await;
    let list = || client.list_notebook_instances().max_results(2);
    let token = list()
        .name_contains("note")
        .send()
        .await
        .unwrap()
        .next_token
        .unwrap();
    let with_token = || list().next_token(&token);
    for other in [
        with_token(),
        with_token().name_contains("book"),
        with_token()
            .name_contains("note")
            .status_equals(NotebookInstanceStatus::InService),
        with_token()
            .name_contains("note")
            .sort_by(SortKey::CreationTime),
        with_token()
            .name_contains("note")
            .sort_order(SortOrder::Descending),
        list().next_token("garbage").name_contains("note"),
    ] {
        assert_eq!(code(other.send().await), "ValidationException");
    }
    let next = with_token()
        .name_contains("note")
        .max_results(3)
        .send()
        .await
        .unwrap();
    assert_eq!(
        next.notebook_instances().len(),
        3,
        "the size of the page may change"
    );
}

#[tokio::test]
async fn filters_and_order() {
    let (_simulator, client) = simulate([
        notebook("a").status("Stopped"),
        notebook("b").lifecycle_config("setup"),
        notebook("bb").status("Stopped"),
        notebook("c"),
    ])
    .await;
    let list = || client.list_notebook_instances().max_results(1);
    let names = async |list: aws_sdk_sagemaker::operation::list_notebook_instances::builders::ListNotebookInstancesFluentBuilder| {
        let items = list.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
        items.into_iter().map(|it| it.notebook_instance_name.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names(list().name_contains("b")).await, ["b", "bb"]);
    assert_eq!(
        names(list().status_equals(NotebookInstanceStatus::Stopped)).await,
        ["a", "bb"]
    );
    assert_eq!(
        names(list().notebook_instance_lifecycle_config_name_contains("set")).await,
        ["b"]
    );
    assert_eq!(
        names(list().sort_order(SortOrder::Descending)).await,
        ["c", "bb", "b", "a"]
    );
    assert_eq!(
        names(list().sort_by(SortKey::Status)).await,
        ["b", "c", "a", "bb"]
    );
    assert_eq!(
        names(
            list()
                .sort_by(SortKey::CreationTime)
                .sort_order(SortOrder::Descending)
        )
        .await
        .len(),
        4
    );
}

#[tokio::test]
async fn notebooks_deleted_between_pages_are_skipped() {
    let (simulator, client) = simulate(many(4)).await;
    let first = client
        .list_notebook_instances()
        .max_results(2)
        .send()
        .await
        .unwrap();
    for name in ["notebook-001", "notebook-002"] {
        assert!(simulator.remove_notebook(crate::clients::ACCOUNT, crate::clients::REGION, name));
    }
    let list = client
        .list_notebook_instances()
        .max_results(2)
        .set_next_token(first.next_token);
    let second = list.send().await.unwrap();
    assert_eq!(
        second.notebook_instances()[0].notebook_instance_name(),
        Some("notebook-003")
    );
}

#[tokio::test]
async fn empty_pages_carry_a_token() {
    let (simulator, client) = simulate(many(5)).await;
    simulator.add_fault(Effect::EmptyPages { pages: 2 });
    let (names, sizes) = walk(&client, 3).await;
    assert_eq!(names.len(), 5);
    assert_eq!(sizes, [0, 0, 3, 0, 0, 2]);
}

#[tokio::test]
async fn a_repeated_token_never_ends() {
    let (simulator, client) = simulate(many(2)).await;
    simulator
        .add_fault(Fault::new(Effect::RepeatToken).operation(Operation::ListNotebookInstances));
    let first = client
        .list_notebook_instances()
        .max_results(1)
        .send()
        .await
        .unwrap();
    let mut token = first.next_token;
    for _ in 0..3 {
        let list = client
            .list_notebook_instances()
            .max_results(1)
            .set_next_token(token.clone());
        let page = list.send().await.unwrap();
        assert_eq!(
            page.notebook_instances()[0].notebook_instance_name(),
            Some("notebook-001")
        );
        assert!(page.next_token.is_some());
        assert_eq!(page.next_token, token);
        token = page.next_token;
    }
}

#[tokio::test]
async fn tags_come_in_pages() {
    let tagged = (0..120).fold(notebook("churn"), |it, number| {
        it.tag(&format!("key-{number:03}"), "x")
    });
    let arn = tagged.arn();
    let (_simulator, client) = simulate([tagged, notebook("bare")]).await;
    let first = client.list_tags().resource_arn(&arn).send().await.unwrap();
    assert_eq!(first.tags().len(), 50);
    assert!(first.next_token().is_some());
    let all = client
        .list_tags()
        .resource_arn(&arn)
        .into_paginator()
        .items()
        .send();
    let all = all.collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(all.len(), 120);
    assert_eq!(
        (all[119].key(), all[119].value()),
        (Some("key-119"), Some("x"))
    );
    let bare = client
        .list_tags()
        .resource_arn(notebook("bare").arn())
        .send()
        .await
        .unwrap();
    assert_eq!((bare.tags().len(), bare.next_token()), (0, None));
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    assert_eq!(
        refusal(client.list_tags().resource_arn(elsewhere).send().await).1,
        "RecordNotFound"
    );
}
