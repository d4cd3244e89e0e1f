//! A model's OpenAPI document, of the shape that the provider's schema call was recorded with (2026-10-01).

use serde_json::{Map, Value, json};

use super::market_rows::{Field, Row};

/// The document of one model.
pub(super) fn document(row: &Row) -> Value {
    let id = row.id.as_str();
    let operation = json!({
        "summary": id,
        "deprecated": false,
        "description": "After submitting a task, use the unified query endpoint to check progress and retrieve results.",
        "operationId": id.replace(['/', '.'], "-"),
        "tags": [],
        "parameters": [],
        "requestBody": {
            "content": {"application/json": {"schema": request(row)}},
            "required": true,
        },
        "responses": {"200": {
            "description": "Request successful",
            "content": {"application/json": {"schema": {
                "allOf": [{"$ref": "#/components/schemas/response%20not%20with%20recordId"}],
            }}},
            "headers": {},
        }},
        "security": [{"BearerAuth": []}],
        "callbacks": {"videoTaskCompleted": {"{request.body#/callBackUrl}": {"post": callback(id)}}},
    });
    json!({
        "openapi": "3.1.0",
        "info": {"title": "kie.ai", "description": "", "version": "1.0.0"},
        "tags": [],
        "paths": {"/api/v1/jobs/createTask": {"post": operation}},
        "webhooks": {},
        "components": {
            "schemas": {"response not with recordId": {
                "type": "object",
                "required": ["data"],
                "properties": {
                    "code": {"type": "integer", "enum": [200, 401, 402, 404, 422, 429, 433, 455, 500, 501, 505]},
                    "msg": {"type": "string"},
                    "data": {
                        "type": "object",
                        "required": ["taskId"],
                        "properties": {"taskId": {"type": "string"}},
                    },
                },
            }},
            "responses": {},
            "securitySchemes": {"BearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "API Key"}},
        },
        "servers": [{"url": "https://api.kie.ai", "description": ""}],
        "security": [{"BearerAuth": []}],
    })
}

fn request(row: &Row) -> Value {
    let id = row.id.as_str();
    json!({
        "type": "object",
        "required": ["model"],
        "properties": {
            "model": {"type": "string", "enum": [id], "default": id, "description": "The model name to use for generation."},
            "callBackUrl": {"type": "string", "format": "uri", "description": "The URL to receive task completion updates."},
            "input": object(&row.fields, "Input parameters for the generation task"),
        },
    })
}

fn object(fields: &[Field], description: &str) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.clone(), property(field))).collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    let mut object = json!({"type": "object", "properties": properties, "required": required});
    if !description.is_empty() {
        object["description"] = description.into();
    }
    object
}

fn property(field: &Field) -> Value {
    let mut property = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            property.insert(name.to_owned(), value);
        }
    };
    let inner = field.kind.strip_prefix("array<").and_then(|kind| kind.strip_suffix('>'));
    put("type", inner.map_or(field.kind.as_str(), |_| "array").into());
    put(
        "items",
        match inner {
            None => Value::Null,
            Some("object") => object(&field.fields, ""),
            Some(inner) => json!({"type": inner}),
        },
    );
    if !field.values.is_empty() {
        put("enum", field.values.clone().into());
    }
    put("default", field.default.clone().unwrap_or_default());
    put("minimum", json!(field.min));
    put("maximum", json!(field.max));
    put("minLength", json!(field.min_length));
    put("maxLength", json!(field.max_length));
    put("minItems", json!(field.min_items));
    put("maxItems", json!(field.max_items));
    Value::Object(property)
}

fn callback(id: &str) -> Value {
    json!({
        "description": format!("The system sends this callback when the `{id}` task succeeds or fails."),
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["code", "msg", "data"],
            "properties": {
                "code": {"type": "integer", "enum": [200, 501]},
                "msg": {"type": "string", "enum": ["Playground task completed successfully.", "Playground task failed."]},
                "data": {"type": "object", "required": ["taskId", "model", "state", "param", "resultJson", "failCode", "failMsg"]},
            },
        }}}},
    })
}
