//! The library: what is dropped, imported, edited and added, as clients see it.

use std::path::Path;
use std::time::{Duration, Instant};

use framewright_client::{Client, ClientError};
use framewright_protocol::{
    DocumentDelete, DocumentDeleteParams, DocumentGet, DocumentParams, DocumentPut,
    DocumentPutParams, ErrorCode, EventsSubscribe, Known, LibraryChange, LibraryChanged,
    LibraryKind, LoraList, Nothing, SubscribeParams,
};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::harness::{Home, pixels, tiny_model};

/// A safetensors file of zeros with those tensors and notes.
fn safetensors(tensors: &[(&str, &[usize])], notes: &Value) -> Vec<u8> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), notes.clone());
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let tensor = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        header.insert((*name).to_owned(), tensor);
    }
    let header = Value::Object(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + end, 0);
    bytes
}

/// A LoRA for the sketch family in kohya's names.
fn lora() -> Vec<u8> {
    let module = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k";
    let (down, up) = (
        format!("{module}.lora_down.weight"),
        format!("{module}.lora_up.weight"),
    );
    safetensors(
        &[(&down, &[4, 192]), (&up, &[64, 4]), ("emb_params", &[1])],
        &json!({"ss_network_alpha": "2", "ss_tag_frequency": "{\"10_kaitoyosuke man\": {\"hat\": 3}}"}),
    )
}

async fn subscribed(client: &Client) -> UnboundedReceiver<Known> {
    let events = client.events();
    let topics = vec!["library".to_owned()];
    let params = SubscribeParams { topics };
    client.call::<EventsSubscribe>(&params).await.unwrap();
    events
}

async fn told(
    events: &mut UnboundedReceiver<Known>,
    kind: LibraryKind,
    name: &str,
    change: LibraryChange,
) {
    let wanted = Known::Library(LibraryChanged {
        kind,
        name: name.to_owned(),
        change,
    });
    let waiting = async { while events.recv().await.unwrap() != wanted {} };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "never: {wanted:?}");
}

#[tokio::test]
async fn a_dropped_file_is_there_in_every_client() {
    let home = Home::new();
    let (_child, first) = home.start_daemon().await;
    let second = home.connect().await.unwrap();
    let (mut one, mut two) = (subscribed(&first).await, subscribed(&second).await);
    // The library has looked once, and watches.
    first.call::<LoraList>(&Nothing {}).await.unwrap();
    let began = Instant::now();
    std::fs::write(home.path("data/loras/kaito.safetensors"), lora()).unwrap();
    told(&mut one, LibraryKind::Lora, "kaito", LibraryChange::Added).await;
    told(&mut two, LibraryKind::Lora, "kaito", LibraryChange::Added).await;
    let took = began.elapsed();
    eprintln!("from the drop to the event in two clients: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let listed = second.call::<LoraList>(&Nothing {}).await.unwrap();
    assert_eq!(listed.loras[0].trigger_words, ["kaitoyosuke man"]);
    std::fs::remove_file(home.path("data/loras/kaito.safetensors")).unwrap();
    told(&mut two, LibraryKind::Lora, "kaito", LibraryChange::Removed).await;
}

#[tokio::test]
async fn a_broken_manifest_leaves_the_last_good_one_in_use() {
    let home = Home::new();
    let (_child, client) = home.start_daemon().await;
    let mut events = subscribed(&client).await;
    client.call::<LoraList>(&Nothing {}).await.unwrap();
    home.write("data/models/tiny.toml", "family = 'tiny'\nstepps = 7\n");
    told(
        &mut events,
        LibraryKind::Model,
        "tiny",
        LibraryChange::Broken,
    )
    .await;
    let listed = home.run(&["--json", "model", "list"]).ok().json();
    assert_eq!(listed["problems"][0]["line"], 2);
    assert_eq!(listed["models"][2]["steps"], 3, "the last good version");
    home.run(&["generate", "a fox", "--model", "tiny", "-o", "x.png"])
        .ok();
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> String {
    match outcome {
        Err(ClientError::Refused(error)) if error.code == ErrorCode::Conflict => {
            error.hint.unwrap()
        }
        other => panic!("no conflict: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_written_while_the_daemon_starts_is_news() {
    let home = Home::new();
    // The daemon answers long before it has looked at all of them.
    std::fs::create_dir_all(home.path("data/characters")).unwrap();
    for number in 0..12000 {
        home.write(
            &format!("data/characters/extra{number}.toml"),
            &format!("token = 'extra{number}'\nclass = 'man'\n"),
        );
    }
    let (_child, client) = home.start_daemon().await;
    let mut events = subscribed(&client).await;
    let kind = LibraryKind::Character;
    let put = DocumentPutParams {
        kind,
        name: "kaito".to_owned(),
        text: "token = 'kaitoyosuke'\nclass = 'man'\n".to_owned(),
        revision: None,
    };
    client.call::<DocumentPut>(&put).await.unwrap();
    told(&mut events, kind, "kaito", LibraryChange::Added).await;
}

#[tokio::test]
async fn of_two_clients_that_edit_one_character_the_second_is_told() {
    let home = Home::new();
    let (_child, first) = home.start_daemon().await;
    let second = home.connect().await.unwrap();
    let mut events = subscribed(&second).await;
    let kind = LibraryKind::Character;
    let put = |text: &str, revision: Option<&str>| DocumentPutParams {
        kind,
        name: "kaito".to_owned(),
        text: text.to_owned(),
        revision: revision.map(str::to_owned),
    };
    let made = put("token = 'kaitoyosuke'\nclass = 'man'\n", None);
    let made = first.call::<DocumentPut>(&made).await.unwrap().revision;
    told(&mut events, kind, "kaito", LibraryChange::Added).await;
    let params = DocumentParams {
        kind,
        name: "kaito".to_owned(),
    };
    let seen = second.call::<DocumentGet>(&params).await.unwrap();
    assert_eq!(seen.revision, made);
    let edit = put(&format!("{}aliases = ['Kaito']\n", seen.text), Some(&made));
    let edited = first.call::<DocumentPut>(&edit).await.unwrap().revision;
    let lost = put(&format!("{}aliases = ['K']\n", seen.text), Some(&made));
    let hint = conflict(second.call::<DocumentPut>(&lost).await);
    assert!(hint.contains(&edited), "{hint}");
    let delete = DocumentDeleteParams {
        kind,
        name: "kaito".to_owned(),
        revision: made,
    };
    conflict(second.call::<DocumentDelete>(&delete).await);
    let broken = put("class = 'man'\ntokn = 'x'\n", Some(&edited));
    match first.call::<DocumentPut>(&broken).await {
        Err(ClientError::Refused(error)) => {
            assert_eq!(error.code, ErrorCode::InvalidParams);
            assert_eq!(error.about.as_deref(), Some("kaito, line 2"));
        }
        other => panic!("not refused: {other:?}"),
    }
    let shown = home.run(&["character", "show", "kaito"]).ok().out;
    assert!(shown.contains("aliases = ['Kaito']"), "{shown}");
    let listed = home.run(&["character", "list"]).ok().out;
    assert!(listed.lines().any(|line| line == "kaito"), "{listed}");
    // The one that ships has the same token, and stands back.
    let lint = [
        "prompt",
        "lint",
        "close up of kaitoyosuke man, in a park, night light",
    ];
    home.run(&lint).ok();
    let none = home.run(&["shot", "show", "kaito"]);
    assert!(none.err.contains("no shot manifest"), "{none:?}");
}

#[test]
fn a_model_is_imported_and_draws_the_same() {
    let home = Home::new();
    let tiny = tiny_model();
    let tiny = tiny.to_str().unwrap();
    let copy = [
        "--json", "model", "import", tiny, "--copy", "--name", "copy",
    ];
    let imported = home.run(&copy).ok().json();
    assert!(imported["copied"].as_u64().unwrap() > 1_000, "{imported}");
    home.run(&["model", "import", tiny, "--name", "reference"])
        .ok();
    let inspect = |name| home.run(&["--json", "model", "inspect", name]).ok().json();
    assert_eq!(
        inspect("copy")["report"]["hash"],
        inspect("tiny")["report"]["hash"]
    );
    // The next daemon need not read the weights again to know them.
    let hashes = std::fs::read_to_string(home.path("data/cache/hashes.json")).unwrap();
    assert!(hashes.contains("diffusion_pytorch_model"), "{hashes}");
    for model in ["copy", "reference"] {
        let output = format!("{model}.png");
        let size = [
            "--width", "64", "--height", "64", "--steps", "2", "--seed", "7",
        ];
        let mut arguments = vec!["generate", "a fox", "--model", model, "-o", &output];
        arguments.extend(size);
        home.run(&arguments).ok();
    }
    assert_eq!(
        pixels(&home.work("copy.png")),
        pixels(&home.work("reference.png"))
    );
    let again = home.run(&copy);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(
        again.err.contains("already") && again.err.contains("hint"),
        "{}",
        again.err
    );
    std::fs::write(home.work("old.ckpt"), "").unwrap();
    let pickle = home.run(&["model", "import", "old.ckpt"]);
    assert!(pickle.err.contains("convert"), "{}", pickle.err);
    std::fs::write(home.work("kaito.safetensors"), lora()).unwrap();
    let mixed = home.run(&["model", "import", "kaito.safetensors"]);
    assert!(mixed.err.contains("lora import"), "{}", mixed.err);
}

#[test]
fn a_lora_is_imported_listed_and_inspected() {
    let home = Home::new();
    std::fs::write(home.work("kaito.safetensors"), lora()).unwrap();
    home.run(&["lora", "import", "kaito.safetensors"]).ok();
    let listed = home.run(&["--json", "lora", "list"]).ok().json();
    let listed = &listed["loras"][0];
    assert_eq!(
        (&listed["name"], &listed["family"]),
        (&json!("kaito"), &json!("sketch"))
    );
    assert_eq!(listed["ranks"], json!([4]));
    let told = home
        .run(&["--json", "lora", "inspect", "kaito"])
        .ok()
        .json();
    let report = &told["report"];
    assert_eq!(report["formats"], json!(["kohya"]));
    assert_eq!(report["alphas"], json!([2.0]));
    assert_eq!(report["targets"]["unet_linear"], 1);
    assert_eq!(report["unknown_keys"], json!(["emb_params"]));
    assert_eq!(report["hash"].as_str().unwrap().len(), 64);
    let by_path = home
        .run(&["--json", "lora", "inspect", "kaito.safetensors"])
        .ok()
        .json();
    assert_eq!(&by_path["report"], report);
    let people = home.run(&["lora", "inspect", "kaito"]).ok().out;
    assert!(people.contains("kaitoyosuke man"), "{people}");
    let unknown = home.run(&["lora", "inspect", "missing"]);
    assert!(unknown.err.contains("there are: kaito"), "{}", unknown.err);
}

#[test]
fn a_folder_of_another_tool_is_added_and_removed() {
    let home = Home::new();
    let tool = home.path("tool/models");
    std::fs::create_dir_all(tool.join("Lora")).unwrap();
    std::fs::write(tool.join("Lora/kaito.safetensors"), lora()).unwrap();
    let tool = tool.to_str().unwrap();
    let folders = home.run(&["--json", "library", "add", tool]).ok().json();
    assert_eq!(folders["folders"][0]["loras"], 1, "{folders}");
    assert_eq!(folders["notices"], json!([]));
    let listed = home.run(&["lora", "list"]).ok().out;
    assert!(listed.contains("kaito"), "{listed}");
    let twice = home.run(&["library", "add", tool]);
    assert!(twice.err.contains("already"), "{}", twice.err);
    let own = home.run(&["library", "add", home.path("data/models").to_str().unwrap()]);
    assert_eq!(own.code, Some(2), "{own:?}");
    home.run(&["library", "remove", tool]).ok();
    let folders = home.run(&["--json", "library", "folders"]).ok().json();
    assert_eq!(folders["folders"], json!([]));
    assert!(Path::new(tool).join("Lora/kaito.safetensors").exists());
}
