//! The page that says what may be asked: what its paths share is said here once.

use utoipa::openapi::{
    OpenApi, PathItem, RefOr, Response,
    path::{Operation, Parameter},
    schema::{ObjectBuilder, Schema, SchemaType, Type},
};

/// Parameters that mean the same wherever they stand, and what they look like.
const PATTERNS: [(&str, &str); 11] = [
    ("as_of", MOMENT),
    ("from", MOMENT),
    ("account", "^[0-9a-fA-F]{32}$"),
    ("instrument", INSTRUMENT),
    ("isin", INSTRUMENT),
    ("currency", INSTRUMENT),
    ("status", STATUS),
    ("cursor", "^[0-9]{1,18}:.{1,200}$"),
    ("id", "^([0-9]{1,10}|[0-9a-fA-F]{32})-[0-9]{1,5}-[0-9]{1,20}-[0-9]{1,5}$"),
    ("key", KEY),
    ("Idempotency-Key", KEY),
];
/// A height, or a time with its offset.
const MOMENT: &str =
    r"^([0-9]{1,18}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}(Z|[+-][0-9]{2}:[0-9]{2}))$";
const INSTRUMENT: &str = "^([A-Z]{2}[A-Z0-9]{9}[0-9]|[A-Z]{3})$";
const STATUS: &str = "^(unmatched|on-hold|counterparty-on-hold|awaiting-sign-off|awaiting-date|pending|settled|\
                      cancelled|expired|sign-off-refused|refused)$";
const KEY: &str = "^[A-Za-z0-9_-]{1,64}$";
const PROBLEM: &str = "application/problem+json";

/// Says of every path what it shares with the others.
pub fn share(page: &mut OpenApi) {
    for item in page.paths.paths.values_mut() {
        operations(item).for_each(share_operation);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch]
        .into_iter()
        .filter_map(Option::as_mut)
}

fn share_operation(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            share_parameter(parameter);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with(['4', '5']), response) {
            is_problem(response);
        }
    }
}

/// A refusal is `application/problem+json`.
fn is_problem(response: &mut Response) {
    if let Some(content) = response.content.swap_remove("application/json") {
        response.content.insert(PROBLEM.into(), content);
    }
}

fn share_parameter(parameter: &mut Parameter) {
    if let Some((_, pattern)) = PATTERNS.iter().find(|it| it.0 == parameter.name) {
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let text = text.pattern(Some(*pattern)).build();
        parameter.schema = Some(RefOr::T(Schema::Object(text)));
    }
}
