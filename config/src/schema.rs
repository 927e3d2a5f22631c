//! The JSON Schema of the whole file, for editors.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::document::{Document, GUESTS};

/// The JSON Schema of a configuration file. A filter's table is `use`, `on_error` and the settings of the filter that
/// `use` names; `filters` has those settings by name.
pub fn schema(filters: &[(&str, Schema)]) -> Value {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let mut root = generator.into_root_schema_for::<Document>().to_value();
    let Some(definitions) = root.get_mut("$defs").and_then(Value::as_object_mut) else {
        return root;
    };
    let common = definitions.get("Filter").cloned().unwrap_or_default();
    let mut kinds = Vec::with_capacity(filters.len());
    for (name, settings) in filters {
        let mut settings = settings.clone().to_value();
        hoist_definitions(&mut settings, name, definitions);
        let definition = format!("filter_{name}");
        definitions.insert(definition.clone(), with_common(settings, &common, name));
        kinds.push(json!({ "$ref": format!("#/$defs/{definition}") }));
    }
    if !kinds.is_empty() {
        definitions.insert(
            "Filter".to_owned(),
            json!({ "description": "A filter and its settings.", "anyOf": kinds }),
        );
    }
    root
}

/// Adds `use` and `on_error` to the schema of a filter's settings.
fn with_common(mut settings: Value, common: &Value, name: &str) -> Value {
    let Some(object) = settings.as_object_mut() else {
        return settings;
    };
    let is_guest = GUESTS.contains(&name);
    object.remove("$schema");
    object.remove("title");
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        if !is_guest {
            properties.insert(
                "use".to_owned(),
                json!({ "const": name, "description": "What the filter is." }),
            );
        }
        properties.insert(
            "on_error".to_owned(),
            common["properties"]["on_error"].clone(),
        );
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut().filter(|_| !is_guest) {
        required.push(json!("use"));
    }
    settings
}

/// Moves the definitions of a filter's settings to those of the file, under names of their own.
fn hoist_definitions(settings: &mut Value, name: &str, definitions: &mut Map<String, Value>) {
    let own = settings
        .as_object_mut()
        .and_then(|object| object.remove("$defs"));
    rename_references(settings, name);
    if let Some(Value::Object(own)) = own {
        for (definition, mut schema) in own {
            rename_references(&mut schema, name);
            definitions.insert(format!("filter_{name}_{definition}"), schema);
        }
    }
}

fn rename_references(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        *reference =
                            reference.replacen("#/$defs/", &format!("#/$defs/filter_{name}_"), 1);
                    }
                    value => rename_references(value, name),
                }
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| rename_references(value, name)),
        _ => {}
    }
}
