//! Measures the library on a thousand checkpoints: the first look, later looks,
//! and the time from a dropped file to its event. Run it with `--release`.

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use std::time::{Duration, Instant};

use framewright_library::{Happening, Library};

/// A checkpoint with as many tensors as Stable Diffusion 1.5 has, of one number each.
fn checkpoint(tensors: usize) -> Vec<u8> {
    let mut header = String::from("{");
    let mut end = 0;
    for number in 0..tensors {
        let start = end;
        end += 4;
        header += &format!(
            "\"model.diffusion_model.input_blocks.{number}.1.transformer_blocks.0.attn2.to_k.weight\":{{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[{start},{end}]}},"
        );
    }
    header.pop();
    header.push('}');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + end, 0);
    bytes
}

fn main() {
    let home = tempfile::tempdir().unwrap();
    let bytes = checkpoint(1_131);
    std::fs::create_dir_all(home.path().join("models")).unwrap();
    for number in 0..1_000 {
        std::fs::write(
            home.path().join(format!("models/m{number}.safetensors")),
            &bytes,
        )
        .unwrap();
    }
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let library = Library::open(home.path());
    println!("open: {:?}", begun.elapsed());
    let count = library.snapshot().models.len();
    println!(
        "first look at {count} checkpoints of 1,131 tensors: {:?}",
        begun.elapsed()
    );
    library.look();
    let begun = Instant::now();
    library.look();
    println!("another look: {:?}", begun.elapsed());
    let begun = Instant::now();
    for _ in 0..1_000 {
        std::hint::black_box(library.snapshot());
    }
    println!("a snapshot: {:?}", begun.elapsed() / 1_000);
    let (tell, told) = std::sync::mpsc::channel();
    library.on_change(move |change| {
        let _ = tell.send(change.clone());
    });
    let mut times = Vec::new();
    for number in 0..20 {
        let begun = Instant::now();
        std::fs::write(
            home.path().join(format!("models/n{number}.safetensors")),
            &bytes,
        )
        .unwrap();
        let change = told.recv().unwrap();
        assert_eq!(change.change, Happening::Added);
        times.push(begun.elapsed());
        std::thread::sleep(Duration::from_millis(700));
    }
    times.sort();
    println!(
        "drop to event among 1,000: median {:?}, longest {:?}",
        times[10], times[19]
    );
}
