//! Bytes from outside: garbage is refused with an error, never with a panic,
//! and what is written is what is read.

use framewright_protocol::{
    ErrorCode, Event, FrameError, GenerateParams, JobProgress, Known, Limits, Message,
    MessageError, Picture, PictureFormat, Request, Response, WireError, decode_fields, encode,
    read_frame, write_frame,
};
use proptest::prelude::*;
use serde_bytes::ByteBuf;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

/// Decodes a payload as far as the daemon or a client would.
fn read_whole(payload: &[u8]) {
    match Message::parse(payload) {
        Ok(Message::Request { params, .. }) => {
            let _ = decode_fields::<GenerateParams>(params);
        }
        Ok(Message::Result { result, .. }) => {
            let _ = decode_fields::<framewright_protocol::GenerateResult>(result);
        }
        Ok(Message::Event { event, fields, .. }) => {
            let _ = Known::decode(event, fields);
        }
        Ok(Message::Error { .. }) | Err(_) => {}
    }
}

fn generate(prompt: &str, seed: Option<u64>, pixels: Vec<u8>) -> GenerateParams {
    GenerateParams {
        prompt: prompt.to_owned(),
        seed,
        guidance_scale: Some(7.5),
        image: Some(Picture {
            format: PictureFormat::Bgra8,
            width: 1,
            height: 1,
            data: ByteBuf::from(pixels),
            blob: None,
        }),
        ..GenerateParams::default()
    }
}

proptest! {
    #[test]
    fn garbage_is_refused_without_a_panic(payload in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_whole(&payload);
    }

    #[test]
    fn garbage_in_a_map_is_refused_without_a_panic(
        mut payload in proptest::collection::vec(any::<u8>(), 1..400),
        entries in 0_u8..16,
    ) {
        payload[0] = 0x80 | entries;
        read_whole(&payload);
    }

    #[test]
    fn a_damaged_request_is_refused_without_a_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let params = generate("a fox", Some(3), vec![1, 2, 3, 4]);
        let mut payload = encode(&Request { id: 1, method: "frame.generate", params: &params }).unwrap();
        let at = at.index(payload.len());
        payload[at] = byte;
        read_whole(&payload);
        payload.truncate(cut.index(payload.len()));
        read_whole(&payload);
    }

    #[test]
    fn a_request_is_read_as_it_was_written(
        id in any::<u64>(),
        prompt in ".*",
        seed in any::<Option<u64>>(),
        pixels in proptest::collection::vec(any::<u8>(), 0..70_000),
    ) {
        let params = generate(&prompt, seed, pixels);
        let payload = encode(&Request { id, method: "frame.generate", params: &params }).unwrap();
        let Message::Request { id: read_id, method, params: bytes } = Message::parse(&payload).unwrap() else {
            panic!("not a request");
        };
        prop_assert_eq!(read_id, id);
        prop_assert_eq!(method, "frame.generate");
        prop_assert_eq!(decode_fields::<GenerateParams>(bytes).unwrap(), params);
    }

    #[test]
    fn frames_come_out_of_a_stream_as_they_went_in(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5_000), 0..5),
    ) {
        runtime().block_on(async {
            let mut stream = Vec::new();
            for payload in &payloads {
                write_frame(&mut stream, payload).await.unwrap();
            }
            let mut reader = stream.as_slice();
            for payload in &payloads {
                assert_eq!(read_frame(&mut reader).await.unwrap().as_ref(), Some(payload));
            }
            assert!(read_frame(&mut reader).await.unwrap().is_none());
        });
    }
}

#[test]
fn an_overlong_frame_is_refused_by_its_prefix_alone() {
    let limit = Limits::CURRENT.frame_bytes;
    for length in [limit + 1, u64::from(u32::MAX)] {
        let prefix = u32::try_from(length).unwrap().to_le_bytes();
        let outcome = runtime().block_on(read_frame(&mut prefix.as_slice()));
        assert!(
            matches!(outcome, Err(FrameError::TooLong { length: told, .. }) if told == length),
            "{outcome:?}"
        );
    }
}

#[test]
fn half_a_frame_is_told_from_the_end_of_the_conversation() {
    for stream in [&[5_u8, 0][..], &[5, 0, 0, 0, 1, 2]] {
        let outcome = runtime().block_on(read_frame(&mut &stream[..]));
        assert!(matches!(outcome, Err(FrameError::Half)), "{outcome:?}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    // {"a": [[[[…]]]]}
    let mut payload = vec![0x81, 0xa1, b'a'];
    payload.extend(std::iter::repeat_n(0x91, 10_000));
    payload.push(0xc0);
    let outcome = Message::parse(&payload);
    assert!(
        matches!(
            outcome,
            Err(MessageError::Frame(FrameError::TooMuch {
                what: "levels of nesting",
                ..
            }))
        ),
        "{outcome:?}"
    );
}

#[test]
fn more_values_than_the_limit_are_refused() {
    let count = u32::try_from(Limits::CURRENT.frame_values).unwrap() + 1;
    let mut payload = vec![0x81, 0xa1, b'a', 0xdd];
    payload.extend(count.to_be_bytes());
    payload.extend(std::iter::repeat_n(0xc0, count as usize));
    let outcome = Message::parse(&payload);
    assert!(
        matches!(
            outcome,
            Err(MessageError::Frame(FrameError::TooMuch {
                what: "values",
                ..
            }))
        ),
        "{outcome:?}"
    );
}

#[test]
fn an_announced_list_that_never_comes_costs_no_memory() {
    // {"id": array32 of 4294967295}: refused on the spot, nothing reserved.
    let payload = [0x81, 0xa2, b'i', b'd', 0xdd, 0xff, 0xff, 0xff, 0xff];
    assert!(matches!(
        Message::parse(&payload),
        Err(MessageError::Frame(FrameError::NotAMap(_)))
    ));
}

#[test]
fn bytes_after_the_map_are_refused() {
    let mut payload = encode(&Request {
        id: 1,
        method: "ping",
        params: &framewright_protocol::Nothing {},
    })
    .unwrap();
    payload.push(0);
    assert!(matches!(
        Message::parse(&payload),
        Err(MessageError::Frame(FrameError::NotAMap(_)))
    ));
}

#[test]
fn a_map_that_is_no_message_keeps_its_id() {
    let payload = encode(&serde_json::json!({"id": 7, "params": {}})).unwrap();
    let outcome = Message::parse(&payload);
    assert!(
        matches!(&outcome, Err(MessageError::Shape { id: Some(7), reason }) if reason.contains("method")),
        "{outcome:?}"
    );
}

#[test]
fn a_wrong_type_is_named_by_its_field() {
    let payload = encode(
        &serde_json::json!({"id": 7, "method": "frame.generate", "params": {"prompt": "a", "steps": "many"}}),
    )
    .unwrap();
    let Ok(Message::Request { params, .. }) = Message::parse(&payload) else {
        panic!("not a request");
    };
    let reason = decode_fields::<GenerateParams>(params).unwrap_err();
    assert_eq!(
        reason,
        "`steps`: a string stands where another type belongs"
    );
}

#[test]
fn keys_that_a_newer_peer_adds_are_ignored() {
    let payload = encode(
        &serde_json::json!({"id": 7, "method": "frame.generate", "novelty": [1], "params": {"prompt": "a", "novelty": {}}}),
    )
    .unwrap();
    let Ok(Message::Request { params, .. }) = Message::parse(&payload) else {
        panic!("not a request");
    };
    let params = decode_fields::<GenerateParams>(params).unwrap();
    assert_eq!(params.prompt, "a");
}

#[test]
fn parameters_may_be_left_out() {
    for message in [
        serde_json::json!({"id": 7, "method": "ping"}),
        serde_json::json!({"id": 7, "method": "ping", "params": null}),
    ] {
        let payload = encode(&message).unwrap();
        let message = Message::parse(&payload).unwrap();
        let Message::Request { params, .. } = message else {
            panic!("not a request");
        };
        decode_fields::<framewright_protocol::Nothing>(params).unwrap();
    }
}

#[test]
fn errors_and_results_go_both_ways() {
    let error = WireError::new(ErrorCode::NotFound, "no such job")
        .about("j7")
        .hint("see `job list`");
    let payload = encode(&Response::<()>::Error {
        id: Some(4),
        error: error.clone(),
    })
    .unwrap();
    assert_eq!(
        Message::parse(&payload).unwrap(),
        Message::Error { id: Some(4), error }
    );

    let payload = encode(&Response::Result {
        id: 5,
        result: framewright_protocol::CancelResult { was_running: true },
    })
    .unwrap();
    let Message::Result { id: 5, result } = Message::parse(&payload).unwrap() else {
        panic!("not a result");
    };
    assert!(
        decode_fields::<framewright_protocol::CancelResult>(result)
            .unwrap()
            .was_running
    );
}

#[test]
fn an_unknown_error_code_is_kept() {
    let payload =
        encode(&serde_json::json!({"id": 7, "error": {"code": "from_the_future", "message": "?"}}))
            .unwrap();
    let Ok(Message::Error { error, .. }) = Message::parse(&payload) else {
        panic!("not an error");
    };
    assert_eq!(error.code, ErrorCode::Other("from_the_future".to_owned()));
}

#[test]
fn an_event_is_read_as_it_was_written() {
    let progress = JobProgress {
        job: "j1".to_owned(),
        job_seq: 5,
        request: Some(9),
        candidate: 0,
        candidates: 1,
        step: 3,
        steps: 20,
        seconds_left: Some(1.5),
        preview: Some(Picture {
            format: PictureFormat::Rgba8,
            width: 1,
            height: 1,
            data: ByteBuf::from(vec![1, 2, 3, 255]),
            blob: None,
        }),
    };
    let payload = progress.encode(12).unwrap();
    let Message::Event {
        event: "job.progress",
        seq: 12,
        fields,
    } = Message::parse(&payload).unwrap()
    else {
        panic!("not the event");
    };
    assert_eq!(
        Known::decode("job.progress", fields).unwrap(),
        Some(Known::Progress(progress))
    );
    assert_eq!(Known::decode("job.novelty", fields).unwrap(), None);
}
