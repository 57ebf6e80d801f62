//! Lua as Argo CD runs it: version 5.1, with the base functions, `table`, and of `os` what
//! `require` gives: `time` and `date`.
//!
//! Source: `util/lua/lua.go` and `util/lua/oslib_safe.go` of argoproj/argo-cd.

use mlua::{
    Lua, LuaOptions, LuaSerdeExt, StdLib, Table,
    serde::{DeserializeOptions, SerializeOptions},
};
use serde_json::{Map, Value};

/// Runs a script with the global `obj`, and returns what it returns.
///
/// # Panics
/// If it fails.
pub fn run(script: &str, object: &Value) -> Value {
    let lua = sandbox();
    let nothing_is_nil = SerializeOptions::new()
        .serialize_none_to_null(false)
        .serialize_unit_to_null(false)
        .set_array_metatable(false);
    let object = lua.to_value_with(object, nothing_is_nil).unwrap();
    lua.globals().set("obj", object).unwrap();
    let returned = lua
        .load(script)
        .eval()
        .unwrap_or_else(|error| panic!("{error}\n{script}"));
    // As there: an empty table could be either, and becomes an array.
    let options = DeserializeOptions::new().encode_empty_tables_as_array(true);
    lua.from_value_with(returned, options).unwrap()
}

fn sandbox() -> Lua {
    let libraries = StdLib::TABLE | StdLib::PACKAGE | StdLib::OS;
    let lua = Lua::new_with(libraries, LuaOptions::default()).unwrap();
    let globals = lua.globals();
    let os: Table = globals.get("os").unwrap();
    let safe = lua.create_table().unwrap();
    for function in ["time", "date"] {
        safe.set(function, os.get::<mlua::Function>(function).unwrap())
            .unwrap();
    }
    // The base functions of the C library bring coroutines along.
    for name in ["os", "coroutine"] {
        globals.set(name, mlua::Nil).unwrap();
    }
    let loaded: Table = globals
        .get::<Table>("package")
        .and_then(|package| package.get("loaded"))
        .unwrap();
    loaded.set("os", safe).unwrap();
    lua
}

/// The object that an action makes of one: what became an empty array without having been one is
/// put back, as Argo CD does.
pub fn act(script: &str, object: &Value) -> Value {
    cleaned(run(script, object), object)
}

fn cleaned(new: Value, old: &Value) -> Value {
    match (new, old) {
        (Value::Array(items), Value::Object(_)) if items.is_empty() => old.clone(),
        (Value::Object(fields), Value::Object(before)) => {
            let clean = |(name, field): (String, Value)| {
                let field = match before.get(&name) {
                    Some(old) => cleaned(field, old),
                    None => field,
                };
                (name, field)
            };
            Value::Object(fields.into_iter().map(clean).collect())
        }
        (Value::Array(items), Value::Array(before)) => {
            let mut before = before.iter();
            let clean = |item| match before.next() {
                Some(old) => cleaned(item, old),
                None => item,
            };
            Value::Array(items.into_iter().map(clean).collect())
        }
        // Lua has one kind of number.
        (Value::Number(new), Value::Number(old)) if new.as_f64() == old.as_f64() => {
            Value::Number(old.clone())
        }
        (new, _) => new,
    }
}

/// The merge patch (RFC 7386) that leads from one object to another: what Argo CD sends after an
/// action.
pub fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return after.clone();
    };
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    let mut patch: Map<String, Value> = removed.map(|name| (name.clone(), Value::Null)).collect();
    for (name, field) in new {
        match old.get(name) {
            Some(same) if same == field => {}
            Some(was) => {
                patch.insert(name.clone(), merge_patch(was, field));
            }
            None => {
                patch.insert(name.clone(), field.clone());
            }
        }
    }
    Value::Object(patch)
}

#[test]
fn the_sandbox_is_as_bare_as_argo_cds() {
    let script = "local found = {}
        for _, name in ipairs({'os', 'io', 'string', 'math', 'debug', 'coroutine'}) do
            if _G[name] ~= nil then table.insert(found, name) end
        end
        for name in pairs(require('os')) do table.insert(found, name) end
        table.sort(found)
        table.insert(found, _VERSION)
        return found";
    let found = run(script, &Value::Null);
    assert_eq!(found, serde_json::json!(["date", "time", "Lua 5.1"]));
    let methods = "return {pcall(function() return ('a'):upper() end)}";
    assert_eq!(
        run(methods, &Value::Null)[0],
        false,
        "no methods of strings"
    );
}
