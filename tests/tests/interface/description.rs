//! The operations that the description has.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Answer, Request};

/// A path called by a method.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// The path as it is described, with the names of its parameters in braces.
    pub(crate) path: String,
    path_parameters: Vec<Parameter>,
    pub(crate) method: String,
    pub(crate) needs_token: bool,
    pub(crate) parameters: Vec<Parameter>,
    body: Option<Value>,
    responses: BTreeMap<u16, Value>,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) is_required: bool,
    pub(crate) schema: Value,
    pub(crate) example: String,
    /// Whether it takes the place of other parameters.
    is_alternative: bool,
}

impl Operation {
    /// The operation with the values of the examples for the parameters and the body.
    pub(crate) fn request(&self) -> Request {
        self.request_with(|parameter| (!parameter.is_alternative).then(|| parameter.example.clone()))
    }

    /// The path with the values of the examples.
    pub(crate) fn example_path(&self) -> String {
        self.path_with(|parameter| parameter.example.clone())
    }

    /// The path with these values of its parameters; `None` if it has none.
    pub(crate) fn other_path(&self, value: &str) -> Option<String> {
        (!self.path_parameters.is_empty()).then(|| self.path_with(|_| value.to_owned()))
    }

    fn path_with(&self, value: impl Fn(&Parameter) -> String) -> String {
        let parameters = self.path_parameters.iter();
        parameters.fold(self.path.clone(), |path, parameter| {
            path.replace(&format!("{{{}}}", parameter.name), &value(parameter))
        })
    }

    /// The operation with what must be given, and nothing else.
    pub(crate) fn least_request(&self) -> Request {
        self.request_with(|parameter| parameter.is_required.then(|| parameter.example.clone()))
    }

    /// The operation with these values of its parameters.
    pub(crate) fn request_with(&self, value: impl Fn(&Parameter) -> Option<String>) -> Request {
        let mut request = Request::new(&self.method, self.example_path());
        if let Some(body) = &self.body {
            request = request.body(body.to_string());
        }
        for parameter in &self.parameters {
            if let Some(value) = value(parameter) {
                request = request.parameter(&parameter.name, &value);
            }
        }
        request
    }

    pub(crate) fn takes_body(&self) -> bool {
        self.body.is_some()
    }

    pub(crate) fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses.keys().copied()
    }

    /// Checks that an answer is one that the operation is described with.
    #[track_caller]
    pub(crate) fn check(&self, document: &Value, answer: &Answer) {
        let told = format!("{} {}: {}", self.method, self.path, answer.status);
        let response = self.responses.get(&answer.status);
        let response = response.unwrap_or_else(|| panic!("{told} is not described: {}", answer.text()));
        check_response(document, response, answer, &told);
    }
}

/// Checks an answer's headers, type and body.
#[track_caller]
pub(crate) fn check_response(document: &Value, response: &Value, answer: &Answer, told: &str) {
    let response = followed(document, response);
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let is_there = answer.header(name).is_some();
        assert!(is_there || header["required"] != true, "{told}: no header {name}");
    }
    let Some((content_type, content)) = response["content"]
        .as_object()
        .and_then(|content| content.iter().next())
    else {
        assert_eq!(answer.text(), "", "{told}: a body that is not described");
        return;
    };
    assert_eq!(answer.content_type(), Some(content_type.as_str()), "{told}");
    let body = match content_type.as_str() {
        "application/json" => answer.json(),
        _ => Value::from(answer.text()),
    };
    let misfits = crate::schema::misfits(document, &content["schema"], &body);
    assert!(misfits.is_empty(), "{told}: {misfits:#?}\n{body:#}");
}

fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        None => value,
        Some(reference) => document
            .pointer(&reference[1..])
            .expect("the reference leads somewhere"),
    }
}

/// Every operation of a description.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        let methods = methods.filter(|(method, _)| !method.starts_with("x-"));
        methods.map(move |(method, described)| operation(document, path, method, described))
    });
    methods.collect()
}

fn operation(document: &Value, path: &str, method: &str, described: &Value) -> Operation {
    let all = described["parameters"].as_array().into_iter().flatten();
    let (in_path, parameters): (Vec<&Value>, Vec<&Value>) = all.partition(|described| described["in"] == "path");
    let responses = described["responses"].as_object().unwrap().iter();
    Operation {
        path: path.to_owned(),
        method: method.to_uppercase(),
        needs_token: !described["security"].as_array().unwrap().is_empty(),
        path_parameters: in_path.into_iter().map(parameter).collect(),
        parameters: parameters.into_iter().map(parameter).collect(),
        body: described["requestBody"]["content"]["application/json"]["schema"]
            .get("example")
            .cloned(),
        responses: responses
            .map(|(status, response)| (status.parse().unwrap(), followed(document, response).clone()))
            .collect(),
    }
}

fn parameter(described: &Value) -> Parameter {
    assert!(described["in"] == "query" || described["in"] == "path");
    Parameter {
        is_alternative: described["x-instead-of"].is_array(),
        name: described["name"].as_str().unwrap().to_owned(),
        is_required: described["required"].as_bool().unwrap(),
        schema: described["schema"].clone(),
        example: match &described["example"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
    }
}
