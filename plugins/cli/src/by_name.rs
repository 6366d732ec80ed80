//! `framewright call`

use std::process::ExitCode;

use framewright_client::ClientError;
use rmpv::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::{connect, print_json};

/// Makes a call by its name.
///
/// # Errors
/// See [`Failure`].
pub async fn run(method: &str, params: &[String]) -> Result<ExitCode, Failure> {
    let params = params
        .iter()
        .map(|param| read(param))
        .collect::<Result<_, _>>()?;
    let client = connect().await?;
    let bytes = client.call_by_name(method, &Value::Map(params)).await?;
    let result = rmpv::decode::read_value(&mut bytes.as_slice())
        .map_err(|error| ClientError::Answer(error.to_string()))?;
    print_json(&to_json(result));
    Ok(ExitCode::SUCCESS)
}

/// `key=value` as a map's entry.
fn read(param: &str) -> Result<(Value, Value), Failure> {
    let Some((key, text)) = param.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        return Err(Failure::refused("a parameter is not KEY=VALUE").about(param));
    };
    let value = match text.strip_prefix('@') {
        Some(path) => Value::Binary(std::fs::read(path).map_err(|error| {
            Failure::refused(format!("the file cannot be read: {error}")).about(path)
        })?),
        None => match serde_json::from_str(text) {
            Ok(json) => from_json(json),
            Err(_) => Value::from(text),
        },
    };
    Ok((Value::from(key), value))
}

fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(truth) => Value::from(truth),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(whole)) => Value::from(whole),
            (None, None) => Value::from(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(list) => Value::Array(list.into_iter().map(from_json).collect()),
        serde_json::Value::Object(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (Value::from(key), from_json(value)))
                .collect(),
        ),
    }
}

/// A value as JSON, which has no bytes: they are told by their number.
pub fn to_json(value: Value) -> serde_json::Value {
    match value {
        Value::Nil => serde_json::Value::Null,
        Value::Boolean(truth) => json!(truth),
        Value::Integer(number) => match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => json!(whole),
            (None, whole) => json!(whole),
        },
        Value::F32(number) => json!(number),
        Value::F64(number) => json!(number),
        Value::String(text) => json!(text.as_str()),
        Value::Binary(bytes) => json!(format!("<{} bytes>", bytes.len())),
        Value::Array(list) => list.into_iter().map(to_json).collect(),
        Value::Map(map) => map
            .into_iter()
            .map(|(key, value)| {
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                (key, to_json(value))
            })
            .collect(),
        Value::Ext(..) => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_where_they_are() {
        let value = |param: &str| read(param).map(|(_, value)| value);
        assert_eq!(value("a=3").expect("read"), Value::from(3));
        assert_eq!(value("a=-3").expect("read"), Value::from(-3));
        assert_eq!(value("a=true").expect("read"), Value::from(true));
        assert_eq!(value("a=a fox").expect("read"), Value::from("a fox"));
        assert_eq!(value("a=\"3\"").expect("read"), Value::from("3"));
        assert_eq!(value("a=b=c").expect("read"), Value::from("b=c"));
        assert_eq!(
            value("a=[1,{\"b\":null}]").map(to_json).expect("read"),
            json!([1, {"b": null}])
        );
        for broken in ["a", "=3", "", "a=@/nonexistent/file"] {
            assert!(value(broken).is_err(), "{broken}");
        }
    }
}
