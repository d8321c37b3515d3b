//! Properties that are flattened into their object, all of them or none: utoipa makes a choice between them and null of
//! that, which no object fits. Here they become properties of which none is required.

use utoipa::Modify;
use utoipa::openapi::{OpenApi, RefOr, Schema};

pub struct Flattened;

impl Modify for Flattened {
    fn modify(&self, api: &mut OpenApi) {
        for schema in api.components.iter_mut().flat_map(|components| components.schemas.values_mut()) {
            if let RefOr::T(schema) = schema {
                loosen(schema);
            }
        }
    }
}

fn loosen(schema: &mut Schema) {
    let Schema::AllOf(all) = schema else { return };
    for part in &mut all.items {
        let RefOr::T(Schema::OneOf(choice)) = part else { continue };
        let found = choice.items.iter().find_map(|item| match item {
            RefOr::T(schema @ Schema::AllOf(_)) => Some(schema.clone()),
            RefOr::T(schema @ Schema::Object(object)) if !object.properties.is_empty() => {
                Some(schema.clone())
            }
            _ => None,
        });
        if let Some(mut found) = found {
            loosen(&mut found);
            require_nothing(&mut found);
            *part = RefOr::T(found);
        }
    }
}

fn require_nothing(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => object.required.clear(),
        Schema::AllOf(all) => {
            for part in &mut all.items {
                if let RefOr::T(part) = part {
                    require_nothing(part);
                }
            }
        }
        _ => {}
    }
}
