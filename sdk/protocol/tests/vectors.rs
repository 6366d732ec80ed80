//! The golden vectors, which the Python client is tested against too.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use framewright_protocol::{
    BlobGet, BlobPut, BoardPick, BoardRender, FrameError, FrameGenerate, Hello, JobCancel,
    JobEvents, JobList, JobPrune, JobSubmit, JobWait, Known, Message, MessageError, Method, Ping,
    Request, Response, Status, decode_fields, encode, read_frame, write_frame,
};
use rmpv::Value;
use serde_json::Value as Json;

fn vectors(section: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/vectors.json");
    let mut all: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let Json::Array(section) = all[section].take() else {
        panic!("there are no {section}");
    };
    assert!(!section.is_empty());
    section
}

fn name(vector: &Json) -> &str {
    vector["name"].as_str().unwrap()
}

fn canonical(vector: &Json) -> bool {
    vector.get("canonical") != Some(&Json::Bool(false))
}

fn times(piece: &Json) -> usize {
    usize::try_from(piece["times"].as_u64().unwrap()).unwrap()
}

fn bytes(pieces: &Json) -> Vec<u8> {
    match pieces {
        Json::String(hex) => (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect(),
        Json::Array(pieces) => pieces.iter().flat_map(bytes).collect(),
        piece => bytes(&piece["repeat"]).repeat(times(piece)),
    }
}

fn value(meaning: &Json) -> Value {
    match meaning {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => match number.as_u64() {
            Some(number) => number.into(),
            None => number.as_i64().unwrap().into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(entries) => {
            if entries.len() == 1 {
                let (kind, held) = entries.iter().next().unwrap();
                let number = || held.as_str().unwrap();
                match kind.as_str() {
                    "bytes" => return Value::Binary(bytes(held)),
                    "f32" => return Value::F32(number().parse().unwrap()),
                    "f64" => return Value::F64(number().parse().unwrap()),
                    "text" => {
                        return held["repeat"].as_str().unwrap().repeat(times(held)).into();
                    }
                    "list" => return Value::Array(vec![value(&held["repeat"]); times(held)]),
                    _ => {}
                }
            }
            let entry = |(key, held): (&String, &Json)| (key.as_str().into(), value(held));
            Value::Map(entries.iter().map(entry).collect())
        }
    }
}

/// With the keys of every map in order: their order is no part of a meaning.
/// (And JSON, as it is read here, does not keep it.)
fn in_order(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
        Value::Map(mut entries) => {
            entries.sort_by(|(left, _), (right, _)| left.as_str().cmp(&right.as_str()));
            let entry = |(key, held)| (key, in_order(held));
            Value::Map(entries.into_iter().map(entry).collect())
        }
        scalar => scalar,
    }
}

fn unpack(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = rmpv::decode::read_value(&mut rest).unwrap();
    assert!(rest.is_empty());
    value
}

/// Not a number is not equal to itself.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::F64(left), Value::F64(right)) => left.to_bits() == right.to_bits(),
        (Value::F32(left), Value::F32(right)) => left.to_bits() == right.to_bits(),
        _ => left == right,
    }
}

#[test]
fn values_are_read_and_written_as_agreed() {
    for vector in vectors("values") {
        let (data, meaning) = (bytes(&vector["hex"]), value(&vector["value"]));
        let name = name(&vector);
        // As a request's parameter, so that it goes through the checks of every frame.
        let mut payload = encode(&Response::Result { id: 1, result: () }).unwrap();
        assert_eq!(payload.pop(), Some(0xc0));
        payload.extend(&data);
        let Message::Result { result, .. } = Message::parse(&payload).unwrap() else {
            panic!("{name}: not a result");
        };
        let read = unpack(result);
        assert!(same(&in_order(read.clone()), &in_order(meaning)), "{name}");
        if canonical(&vector) {
            // What was read is in the file's order; its meaning is known by now.
            assert_eq!(encode_value(&read), data, "{name}");
        }
    }
}

/// A value as this crate writes it.
fn encode_value(value: &Value) -> Vec<u8> {
    encode(value).unwrap()
}

#[test]
fn messages_are_read_and_written_as_agreed() {
    for vector in vectors("messages") {
        let payload = bytes(&vector["hex"]);
        let name = name(&vector);
        let (kind, read) = match Message::parse(&payload).unwrap() {
            Message::Request { id, method, params } => {
                let params = unpack(params);
                let request = Request {
                    id,
                    method,
                    params: &params,
                };
                ("request", encode(&request).unwrap())
            }
            Message::Result { id, result } => {
                let result = unpack(result);
                ("result", encode(&Response::Result { id, result }).unwrap())
            }
            Message::Error { id, error } => {
                let error = Response::<()>::Error { id, error };
                ("error", encode(&error).unwrap())
            }
            Message::Event { event, seq, fields } => {
                let fields = unpack(fields);
                assert_eq!(
                    fields.as_map().unwrap().len(),
                    vector["event"].as_object().unwrap().len()
                );
                let told = &vector["event"];
                assert_eq!(
                    (told["event"].as_str(), told["seq"].as_u64()),
                    (Some(event), Some(seq)),
                    "{name}"
                );
                ("event", encode(&fields).unwrap())
            }
        };
        let meaning = vector
            .get(kind)
            .unwrap_or_else(|| panic!("{name}: a {kind}"));
        let without_nil = |value| match kind {
            // What is left out of an error and what is nil mean the same.
            "error" => drop_nil(value),
            _ => value,
        };
        assert_eq!(
            in_order(without_nil(unpack(&read))),
            in_order(without_nil(value(meaning))),
            "{name}"
        );
        if canonical(&vector) && kind != "error" {
            assert_eq!(read, payload, "{name}");
        }
    }
}

fn drop_nil(mut message: Value) -> Value {
    let Value::Map(entries) = &mut message else {
        panic!("a message is a map");
    };
    for (_, held) in entries {
        if let Value::Map(held) = held {
            held.retain(|(_, held)| !held.is_nil());
        }
    }
    message
}

/// Decodes a method's parameters and its result, whichever is given.
fn decode<M: Method>(params: Option<&[u8]>, result: Option<&[u8]>) -> Result<(), String> {
    if let Some(params) = params {
        decode_fields::<M::Params>(params)?;
    }
    if let Some(result) = result {
        decode_fields::<M::Result>(result)?;
    }
    Ok(())
}

fn decode_for(method: &str, params: Option<&[u8]>, result: Option<&[u8]>) -> Result<(), String> {
    match method {
        Hello::NAME => decode::<Hello>(params, result),
        Ping::NAME => decode::<Ping>(params, result),
        Status::NAME => decode::<Status>(params, None),
        FrameGenerate::NAME => decode::<FrameGenerate>(params, result),
        JobCancel::NAME => decode::<JobCancel>(params, result),
        JobSubmit::NAME => decode::<JobSubmit>(params, result),
        JobWait::NAME => decode::<JobWait>(params, result),
        JobList::NAME => decode::<JobList>(params, result),
        JobEvents::NAME => decode::<JobEvents>(params, result),
        JobPrune::NAME => decode::<JobPrune>(params, result),
        BlobPut::NAME => decode::<BlobPut>(params, result),
        BoardPick::NAME => decode::<BoardPick>(params, result),
        BoardRender::NAME => decode::<BoardRender>(params, result),
        BlobGet::NAME => decode::<BlobGet>(params, result),
        other => panic!("{other} is not known here"),
    }
}

#[test]
fn the_types_take_the_messages() {
    for vector in vectors("messages") {
        let payload = bytes(&vector["hex"]);
        let outcome = match (vector["of"].as_str(), Message::parse(&payload).unwrap()) {
            (_, Message::Request { method, params, .. }) => decode_for(method, Some(params), None),
            (Some(of), Message::Result { result, .. }) => decode_for(of, None, Some(result)),
            (_, Message::Event { event, fields, .. }) => {
                Known::decode(event, fields).map(|known| {
                    assert_eq!(known.is_none(), event == "job.novelty");
                })
            }
            _ => continue,
        };
        assert_eq!(outcome, Ok(()), "{}", name(&vector));
    }
}

#[test]
fn malformed_payloads_are_refused_as_agreed() {
    for vector in vectors("malformed") {
        let error = Message::parse(&bytes(&vector["hex"])).unwrap_err();
        if let MessageError::Shape { id, .. } = &error {
            assert_eq!(*id, vector["id"].as_u64(), "{}", name(&vector));
        }
        assert_eq!(kind(&error), vector["error"], "{}", name(&vector));
    }
}

fn kind(error: &MessageError) -> &'static str {
    match error {
        MessageError::Shape { .. } => "shape",
        MessageError::Frame(error) => frame_kind(error),
    }
}

fn frame_kind(error: &FrameError) -> &'static str {
    match error {
        FrameError::TooLong { .. } => "too_long",
        FrameError::Half => "half_frame",
        FrameError::TooMuch { what: "values", .. } => "too_many_values",
        FrameError::TooMuch { .. } => "too_deep",
        FrameError::NotAMap("it starts with something else") => "not_a_map",
        FrameError::NotAMap("it ends in the middle of a value") => "truncated",
        FrameError::NotAMap("it holds an extension type") => "extension_type",
        FrameError::NotAMap("a key is not a string") => "key_not_a_string",
        FrameError::NotAMap("a key is not UTF-8" | "a string is not UTF-8") => "not_utf8",
        FrameError::NotAMap("bytes follow after its end") => "trailing_bytes",
        other => panic!("{other}"),
    }
}

#[test]
fn streams_are_read_and_written_as_agreed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for vector in vectors("frames") {
            let name = name(&vector);
            let stream = bytes(&vector["hex"]);
            let mut reader = stream.as_slice();
            let mut written = Vec::new();
            for payload in vector["payloads"].as_array().unwrap() {
                let payload = bytes(payload);
                assert_eq!(
                    read_frame(&mut reader).await.unwrap(),
                    Some(payload.clone()),
                    "{name}"
                );
                write_frame(&mut written, &payload).await.unwrap();
            }
            match (read_frame(&mut reader).await, vector["error"].as_str()) {
                (Ok(None), None) => assert_eq!(written, stream, "{name}"),
                (Err(error), Some(told)) => assert_eq!(frame_kind(&error), told, "{name}"),
                (outcome, told) => panic!("{name}: {outcome:?} in place of {told:?}"),
            }
        }
    });
}
