//! `docs/recipe.schema.json` says what the parser does.

use serde_json::Value;
use winkiln_bake::Preset;
use winkiln_bake::recipe::{BCD, FILES, FIRST_BOOT, REGISTRY, ROOT};

fn keys(schema: &Value, pointer: &str) -> Vec<String> {
    let properties = schema.pointer(pointer).and_then(Value::as_object);
    let mut keys: Vec<String> = properties.expect(pointer).keys().cloned().collect();
    keys.sort();
    keys
}

#[test]
fn the_schema_names_exactly_the_keys_that_the_parser_knows() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/recipe.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let presets = Preset::names();
    for (pointer, known) in [
        ("/properties", ROOT),
        ("/properties/registry/items/properties", REGISTRY),
        ("/properties/files/items/properties", FILES),
        ("/properties/bcd/items/properties", BCD),
        ("/properties/firstboot/items/properties", FIRST_BOOT),
        ("/properties/presets/properties", &presets),
    ] {
        let mut known: Vec<String> = known.iter().map(|key| (*key).to_owned()).collect();
        known.sort();
        assert_eq!(keys(&schema, pointer), known, "{pointer}");
    }
}
