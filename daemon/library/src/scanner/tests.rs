//! One look, and what it finds.

use fs::File;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::*;
use crate::model::{Embedded, Source};
use crate::testing::{Home, checkpoint, diffusers, lora, safetensors};

fn look(home: &Home) -> Snapshot {
    Scanner::new(home.data(), None).scan(None, &[]).snapshot
}

fn names<T>(things: &BTreeMap<String, T>) -> Vec<&str> {
    things.keys().map(String::as_str).collect()
}

fn problems(snapshot: &Snapshot) -> BTreeMap<&str, &Problem> {
    let problems = snapshot.problems.iter();
    problems
        .map(|problem| (problem.name.as_str(), problem))
        .collect()
}

/// Makes a file look as if nobody had touched it for a while.
fn age(path: &Path) {
    let file = File::options().append(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .expect("a date");
}

#[test]
fn a_directory_that_is_not_there_is_an_empty_library() {
    let home = Home::new();
    let scan = Scanner::new(home.path("nothing"), None).scan(None, &[]);
    assert_eq!(scan.snapshot, Snapshot::default());
    assert_eq!(scan.missing, [home.path("nothing")]);
    let model = scan
        .snapshot
        .find_model("sketch")
        .expect("the embedded model");
    assert_eq!(model.source, Source::Embedded(Embedded::Sketch));
}

#[test]
fn folders_files_and_manifests_are_models() {
    let home = Home::new();
    diffusers(&home.data().join("models/one"), 192);
    let two = home.write("models/two.safetensors", checkpoint(768));
    home.write("models/two.toml", "[defaults]\nsteps = 30\n");
    home.write(
        "models/three.toml",
        "path = 'two.safetensors'\nfamily = 'mine'",
    );
    home.write(
        "models/vae.safetensors",
        safetensors(&[("encoder.a", &[1]), ("decoder.a", &[1])], &[]),
    );
    home.write(
        "models/four.toml",
        format!("path = '{}'\nvae = 'vae.safetensors'", two.display()),
    );
    home.write("models/notes.txt", "");
    let snapshot = look(&home);
    assert_eq!(snapshot.problems, []);
    assert_eq!(names(&snapshot.models), ["four", "one", "three", "two"]);
    let model = |name| snapshot.find_model(name).expect("a model");
    assert_eq!(model("one").family.as_deref(), Some("sketch"));
    assert_eq!(model("two").family.as_deref(), Some("sd15"));
    assert_eq!(model("two").defaults.steps, Some(30));
    assert_eq!(model("three").family.as_deref(), Some("mine"));
    assert_eq!(model("three").source, Source::File(two.clone()));
    assert_eq!(
        model("four").vae,
        Some(home.data().join("models/vae.safetensors"))
    );
}

#[test]
fn what_cannot_be_used_is_told_and_hides_nothing() {
    let home = Home::new();
    let write = |name: &str, text: &str| home.write(&format!("models/{name}"), text);
    home.write("models/good.safetensors", checkpoint(768));
    home.write("models/sketch.safetensors", checkpoint(768));
    home.write("models/a LoRA.safetensors", lora(768));
    home.write("models/twice.safetensors", checkpoint(768));
    write("twice.ckpt", "");
    write("old.ckpt", "");
    write("broken.toml", "path = 'good.safetensors'\nstep = 3\n");
    write("lonely.toml", "family = 'sd15'");
    write("empty/readme", "");
    write("gone.toml", "path = 'gone.safetensors'");
    write("noise.safetensors", "this is no safetensors file");
    write("out.toml", "path = '../../secret.safetensors'");
    write(
        "novae.toml",
        "path = 'good.safetensors'\nvae = 'gone.safetensors'",
    );
    write("[x].safetensors", "");
    let snapshot = look(&home);
    assert_eq!(names(&snapshot.models), ["good"]);
    let told = problems(&snapshot);
    let expected = [
        "[x]", "a LoRA", "broken", "empty", "gone", "lonely", "noise", "novae", "old", "out",
        "sketch", "twice",
    ];
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), expected);
    assert_eq!(told["broken"].line, Some(2));
    assert!(
        told["old"].reason.contains("pickle"),
        "{}",
        told["old"].reason
    );
    assert!(
        told["out"].reason.contains("leads out"),
        "{}",
        told["out"].reason
    );
    assert!(
        told["a LoRA"]
            .hint
            .as_ref()
            .is_some_and(|hint| hint.contains("loras"))
    );
    assert!(told.values().all(|problem| problem.hint.is_some()));
    assert!(matches!(
        snapshot.find_model("old"),
        Err(FindError::Unusable(_))
    ));
    assert!(matches!(
        snapshot.find_model("../x"),
        Err(FindError::Name(_))
    ));
    let error = snapshot.find_model("unknown").expect_err("unknown");
    assert!(
        matches!(error, FindError::Unknown { known, .. } if known == ["sketch", "sketch-inpaint", "good"])
    );
}

#[test]
fn loras_characters_and_shots_are_listed() {
    let home = Home::new();
    home.write("loras/kaito.safetensors", lora(192));
    home.write(
        "loras/kaito.toml",
        "trigger_words = ['kaitoyosuke man']\nweight = 0.8",
    );
    home.write("loras/model.safetensors", checkpoint(768));
    home.write("loras/old.pt", "");
    home.write(
        "characters/kaito.toml",
        "token = 'kaitoyosuke'\nclass = 'man'",
    );
    home.write("characters/broken.toml", "token = 'x'\nclass = 7");
    home.write("shots/close-up.toml", "phrase = 'close up of'");
    for temporary in ["#a.toml#", "a.toml~", ".a.toml.swp", "a.toml.tmp", "4913"] {
        home.write(&format!("characters/{temporary}"), "half of it");
    }
    let snapshot = look(&home);
    let lora = snapshot.find_lora("kaito").expect("a LoRA");
    assert_eq!(lora.family.as_deref(), Some("sketch"));
    assert_eq!(lora.trigger_words, ["kaitoyosuke man"]);
    assert_eq!((lora.weight, lora.format.as_str()), (Some(0.8), "kohya"));
    assert_eq!(names(&snapshot.loras), ["kaito"]);
    assert_eq!(names(&snapshot.characters), ["kaito"]);
    assert_eq!(names(&snapshot.shots), ["close-up"]);
    let told = problems(&snapshot);
    assert_eq!(
        told.keys().copied().collect::<Vec<_>>(),
        ["broken", "model", "old"]
    );
    assert_eq!(
        (told["broken"].kind, told["broken"].line),
        (Kind::Character, Some(2))
    );
}

#[test]
fn a_half_copied_file_is_not_read() {
    let home = Home::new();
    let whole = checkpoint(768);
    let path = home.write("models/big.safetensors", &whole[..whole.len() - 1]);
    let mut scanner = Scanner::new(home.data(), None);
    let scan = scanner.scan(None, &[]);
    assert_eq!(scan.snapshot.problems, []);
    assert_eq!(scan.snapshot.arriving[0].name, "big");
    assert!(scan.again.is_some(), "someone must look again");
    assert!(matches!(
        scan.snapshot.find_model("big"),
        Err(FindError::Arriving(_))
    ));
    // Nothing is added for a while: the copy was given up.
    age(&path);
    let scan = scanner.scan(Some(&scan.snapshot), &[]);
    assert_eq!(scan.snapshot.arriving, []);
    let problem = problems(&scan.snapshot)["big"];
    assert!(problem.reason.contains("promises"), "{}", problem.reason);
    // It goes on, and comes to its end.
    home.write("models/big.safetensors", &whole);
    let scan = scanner.scan(Some(&scan.snapshot), &[]);
    assert_eq!(scan.snapshot.arriving[0].reason, "it is being written");
    age(&path);
    let scan = scanner.scan(Some(&scan.snapshot), &[]);
    assert_eq!(names(&scan.snapshot.models), ["big"]);
    assert!(scan.snapshot.problems.is_empty() && scan.again.is_none());
}

#[test]
fn a_folder_is_a_model_once_all_its_parts_are_there() {
    let home = Home::new();
    let folder = home.data().join("models/one");
    let mut scanner = Scanner::new(home.data(), None);
    let scan = scanner.scan(None, &[]);
    diffusers(&folder, 768);
    fs::rename(folder.join("vae"), home.path("vae")).expect("moved");
    let unet = folder.join("unet/diffusion_pytorch_model.safetensors");
    for file in [&unet, &folder.join("text_encoder/model.safetensors")] {
        age(file);
    }
    let scan = scanner.scan(Some(&scan.snapshot), &[]);
    assert_eq!(scan.snapshot.problems, []);
    assert!(scan.snapshot.arriving[0].reason.contains("vae"));
    fs::rename(home.path("vae"), folder.join("vae")).expect("moved");
    age(&folder.join("vae/diffusion_pytorch_model.safetensors"));
    let scan = scanner.scan(Some(&scan.snapshot), &[]);
    assert_eq!(names(&scan.snapshot.models), ["one"]);
    assert!(scan.watched.contains(&folder.join("unet")));
    // Pickles in its place are told as such.
    fs::rename(&unet, folder.join("unet/diffusion_pytorch_model.bin")).expect("renamed");
    let snapshot = look(&home);
    assert!(problems(&snapshot)["one"].reason.contains("pickle"));
}

#[test]
fn a_broken_manifest_keeps_its_last_good_version() {
    let home = Home::new();
    home.write("models/two.safetensors", checkpoint(768));
    let two = home.write("models/two.toml", "[defaults]\nsteps = 30\n");
    let kaito = home.write(
        "characters/kaito.toml",
        "token = 'kaitoyosuke'\nclass = 'man'\n",
    );
    let mut scanner = Scanner::new(home.data(), None);
    let mut snapshot = scanner.scan(None, &[]).snapshot;
    assert_eq!(snapshot.problems, []);
    home.write("models/two.toml", "[defaults]\nsteps = 'many'\n");
    home.write("characters/kaito.toml", "token = 'kaitoyosuke'\nclas");
    // While they may still be written, nothing is said.
    snapshot = scanner.scan(Some(&snapshot), &[]).snapshot;
    assert_eq!(snapshot.problems, []);
    assert_eq!(snapshot.arriving.len(), 2);
    for _ in 0..2 {
        age(&two);
        age(&kaito);
        snapshot = scanner.scan(Some(&snapshot), &[]).snapshot;
        let told = problems(&snapshot);
        assert_eq!((told["two"].line, told["kaito"].line), (Some(2), Some(2)));
        assert_eq!(
            snapshot.find_model("two").expect("kept").defaults.steps,
            Some(30)
        );
        assert_eq!(
            snapshot
                .find_character("kaito")
                .expect("kept")
                .manifest
                .class,
            "man"
        );
    }
    // Without its weights a model is gone, however good its manifest was.
    fs::remove_file(home.data().join("models/two.safetensors")).expect("removed");
    fs::remove_file(&kaito).expect("removed");
    snapshot = scanner.scan(Some(&snapshot), &[]).snapshot;
    assert!(snapshot.models.is_empty() && snapshot.characters.is_empty());
}

#[test]
fn added_folders_are_looked_into_and_shadow_nothing() {
    let home = Home::new();
    let tool = home.path("tool");
    let write = |name: &str, bytes: &[u8]| crate::testing::write(tool.join(name), bytes);
    write("Stable-diffusion/real.safetensors", &checkpoint(768));
    write("Stable-diffusion/own.safetensors", &checkpoint(768));
    write("Stable-diffusion/big.safetensors", &checkpoint(2048));
    write("Lora/deep/er/kaito.safetensors", &lora(768));
    write(
        "VAE/v.safetensors",
        &safetensors(&[("encoder.a", &[1]), ("decoder.a", &[1])], &[]),
    );
    write("ESRGAN/x4.pth", b"");
    write("embeddings/e.pt", b"");
    write("a/b/c/d/e/f/g/h/too deep.safetensors", &checkpoint(768));
    diffusers(&tool.join("diffusers/sketchy"), 192);
    home.write("models/own.safetensors", checkpoint(768));
    let real = tool.join("Stable-diffusion/real.safetensors");
    home.write("models/real.toml", format!("path = '{}'", real.display()));
    home.write(
        "library.toml",
        format!("[[folders]]\npath = '{}'", tool.display()),
    );
    let scan = Scanner::new(home.data(), None).scan(None, &[]);
    let snapshot = &scan.snapshot;
    assert_eq!(names(&snapshot.models), ["big", "own", "real", "sketchy"]);
    assert_eq!(names(&snapshot.loras), ["kaito"]);
    let own = snapshot.find_model("own").expect("a model");
    assert_eq!(
        own.source,
        Source::File(home.data().join("models/own.safetensors"))
    );
    assert_eq!(snapshot.models["big"].family.as_deref(), Some("sdxl"));
    let told = problems(snapshot);
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), ["", "own"]);
    assert!(
        told["own"].reason.contains("same name"),
        "{}",
        told["own"].reason
    );
    assert!(
        told[""].reason.starts_with("2 pickle files"),
        "{}",
        told[""].reason
    );
    let counts = &snapshot.folders[0];
    assert_eq!((counts.present, counts.models, counts.loras), (true, 2, 1));
    assert!(scan.watched.contains(&tool.join("Lora/deep/er")));
    assert!(!scan.watched.contains(&tool.join("a/b/c/d/e/f/g")));
}

#[test]
fn an_added_folder_that_is_away_is_a_problem() {
    let home = Home::new();
    let away = home.path("away");
    home.write(
        "library.toml",
        format!("[[folders]]\npath = '{}'", away.display()),
    );
    let mut scanner = Scanner::new(home.data(), None);
    let scan = scanner.scan(None, &[]);
    assert_eq!(scan.missing, [away]);
    assert!(!scan.snapshot.folders[0].present);
    assert!(problems(&scan.snapshot)[""].reason.contains("not there"));
    // A list that cannot be read leaves the last good one in use.
    home.write("library.toml", "folders = 7");
    let scan = scanner.scan(Some(&scan.snapshot), &[]);
    assert_eq!(scan.snapshot.folders.len(), 1);
    assert_eq!(scan.snapshot.problems[0].line, Some(1));
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_else() {
    use std::os::unix::fs::symlink;

    let home = Home::new();
    let secret = home.path("secret");
    crate::testing::write(secret.join("m.safetensors"), checkpoint(768));
    crate::testing::write(secret.join("c.toml"), "token = 'x'\nclass = 'man'");
    diffusers(&secret.join("d"), 768);
    for kind in Kind::ALL {
        fs::create_dir_all(home.data().join(kind.folder())).expect("a folder");
    }
    let link = |from: &Path, to: &str| symlink(from, home.data().join(to)).expect("a link");
    link(&secret.join("m.safetensors"), "models/m.safetensors");
    link(&secret.join("d"), "models/d");
    link(&secret.join("c.toml"), "characters/c.toml");
    link(&home.path("nowhere"), "models/dangling.safetensors");
    // Inside the folder a link is as good as the file.
    let inside = home.write("models/inside.safetensors", checkpoint(768));
    link(&inside, "models/also.safetensors");
    // A part of a model may not lead out either.
    diffusers(&home.data().join("models/parts"), 768);
    fs::remove_dir_all(home.data().join("models/parts/unet")).expect("removed");
    link(&secret.join("d/unet"), "models/parts/unet");
    let snapshot = look(&home);
    assert_eq!(names(&snapshot.models), ["also", "inside"]);
    assert!(snapshot.characters.is_empty());
    let told = problems(&snapshot);
    assert_eq!(
        told.keys().copied().collect::<Vec<_>>(),
        ["c", "d", "m", "parts"]
    );
    for (name, problem) in told {
        assert!(
            problem.reason.contains("link"),
            "{name}: {}",
            problem.reason
        );
    }
}

#[cfg(unix)]
#[test]
fn an_added_folder_may_be_a_link_but_not_what_is_in_it() {
    use std::os::unix::fs::symlink;

    let home = Home::new();
    crate::testing::write(home.path("disk/m.safetensors"), checkpoint(768));
    crate::testing::write(home.path("secret/n.safetensors"), checkpoint(768));
    symlink(home.path("disk"), home.path("link")).expect("a link");
    symlink(
        home.path("secret/n.safetensors"),
        home.path("disk/n.safetensors"),
    )
    .expect("a link");
    symlink(home.path("disk"), home.path("disk/round")).expect("a link");
    home.write(
        "library.toml",
        format!("[[folders]]\npath = '{}'", home.path("link").display()),
    );
    let snapshot = look(&home);
    assert_eq!(names(&snapshot.models), ["m"]);
    assert!(problems(&snapshot)["n"].reason.contains("link"));
}

#[test]
fn a_model_at_a_path_is_found() {
    let home = Home::new();
    let folder = home.path("one");
    diffusers(&folder, 192);
    let model = model_at(&folder).expect("a model");
    assert_eq!(
        (model.name.as_str(), model.source),
        ("one", Source::Folder(folder))
    );
    crate::testing::write(home.path("two.pt"), "");
    assert!(matches!(
        model_at(&home.path("two.pt")),
        Err(FindError::Unusable(_))
    ));
    assert!(matches!(
        model_at(&home.path("none")),
        Err(FindError::NoFile(_))
    ));
}

#[test]
fn a_thousand_models_are_looked_at_quickly() {
    let home = Home::new();
    let bytes = checkpoint(768);
    for number in 0..1_000 {
        age(&home.write(&format!("models/m{number}.safetensors"), &bytes));
    }
    let mut scanner = Scanner::new(home.data(), None);
    let begun = std::time::Instant::now();
    let first = scanner.scan(None, &[]).snapshot;
    let first_took = begun.elapsed();
    let begun = std::time::Instant::now();
    let second = scanner.scan(Some(&first), &[]).snapshot;
    let second_took = begun.elapsed();
    assert_eq!((first.models.len(), second.models.len()), (1_000, 1_000));
    eprintln!("1,000 models: first look {first_took:?}, another {second_took:?}");
    assert!(second_took < Duration::from_secs(2), "{second_took:?}");
}
