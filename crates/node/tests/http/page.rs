//! `docs/api/node.json`, which says what may be asked, is true.

use std::collections::BTreeSet;

use node::http::{ROUTES, problem};
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/api/node.json");

#[test]
fn every_route_and_every_refusal_is_in_the_page_and_no_other() {
    let page: Value = serde_json::from_str(PAGE).expect("it is JSON");
    let mut said = BTreeSet::new();
    for (path, methods) in page["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} says what it does");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|it| it.starts_with('2')), "{method} {path}");
            for parameter in path.split('/').filter_map(|it| it.strip_prefix('{')) {
                let name = parameter.trim_end_matches('}');
                let all = operation["parameters"].as_array().unwrap();
                assert!(all.iter().any(|it| it["name"] == name && it["in"] == "path"));
            }
            said.insert((method.clone(), path.clone()));
        }
    }
    let routes = ROUTES.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(said, BTreeSet::from(routes));

    let codes = &page["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let said: Vec<_> = codes.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let codes: Vec<_> = problem::all().map(|it| it.code).collect();
    assert_eq!(said, codes);
    let different: BTreeSet<_> = codes.iter().collect();
    assert_eq!(different.len(), codes.len(), "a code means one thing");
}
