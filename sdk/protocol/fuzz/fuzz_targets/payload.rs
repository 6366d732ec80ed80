//! Any bytes, as the daemon and its clients would read them: frames, messages,
//! and the parameters of every method. Nothing may panic, and what was read
//! once must be read again the same after it was written.
//!
//! `cargo fuzz run payload` in `sdk/protocol`.
#![no_main]

use framewright_protocol::{
    AgainParams, BlobPutParams, GenerateParams, JobListParams, Known, Message, SubmitParams,
    decode_fields, encode, read_frame,
};
use libfuzzer_sys::fuzz_target;

/// Parameters that can be read can be written, and mean the same again.
fn there_and_back<T>(bytes: &[u8])
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    if let Ok(read) = decode_fields::<T>(bytes) {
        let written = encode(&read).expect("what was read fits a frame");
        let again = decode_fields::<T>(&written).expect("what was written is read");
        // By bytes: a number may be NaN, which equals nothing.
        assert_eq!(encode(&again).expect("it fits"), written);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut stream = bytes;
    while let Ok(Some(payload)) = runtime.block_on(read_frame(&mut stream)) {
        let _ = Message::parse(&payload);
    }
    match Message::parse(bytes) {
        Ok(Message::Request { params, .. }) => {
            there_and_back::<GenerateParams>(params);
            there_and_back::<AgainParams>(params);
            there_and_back::<SubmitParams>(params);
            there_and_back::<BlobPutParams>(params);
            there_and_back::<JobListParams>(params);
        }
        Ok(Message::Event { event, fields, .. }) => {
            let _ = Known::decode(event, fields);
        }
        _ => {}
    }
});
