//! LoRAs and regions: by name, and as the prompt calls for them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Home, Ran, pixels, tiny_model};

/// A LoRA that was made for the model `tiny`.
fn tiny_lora(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/data/lora/{name}.safetensors"))
}

/// A home whose `tiny` is of the family sd15, with two characters and a shot
/// that have LoRAs.
pub fn home() -> Home {
    let home = Home::new();
    let manifest = format!(
        "family = 'sd15'\npath = '{}'\n[defaults]\nwidth = 64\nheight = 64\nsteps = 3\n",
        tiny_model().display()
    );
    home.write("data/models/tiny.toml", &manifest);
    for folder in ["loras", "characters", "shots"] {
        std::fs::create_dir_all(home.path(&format!("data/{folder}"))).unwrap();
    }
    for (name, file) in [
        ("kaito", "style"),
        ("jiyeon", "few"),
        ("medium", "few-kohya"),
    ] {
        let path = home.path(&format!("data/loras/{name}.safetensors"));
        std::fs::copy(tiny_lora(file), path).unwrap();
    }
    home.write(
        "data/characters/kaitoyosuke.toml",
        "token = 'kaitoyosuke'\nclass = 'man'\n[family.sd15]\nlora = 'kaito'\nweight = 0.9\n\
         negative_prompt = 'beard'\n",
    );
    home.write(
        "data/characters/jiyeonmun.toml",
        "token = 'jiyeonmun'\nclass = 'woman'\n[family.sd15]\nlora = 'jiyeon'\nweight = 0.5\n",
    );
    home.write(
        "data/shots/medium-shot.toml",
        "number = 4\nphrase = 'medium shot picture of'\naliases = ['medium shot']\n\
         holds = 'from the waist up'\nfigure = { least = 1.0 }\n\
         [family.sd15]\nlora = 'medium'\nweight = 0.6\nnegative_prompt = 'legs, feet'\n",
    );
    home
}

/// Makes a frame of a prompt with the model `tiny`.
fn generate(home: &Home, prompt: &str, output: &str, more: &[&str]) -> Ran {
    let mut arguments = vec![
        "--json", "generate", prompt, "--model", "tiny", "-o", output, "--seed", "3",
    ];
    arguments.extend_from_slice(more);
    home.run(&arguments)
}

/// What a frame's PNG says of how it was made.
pub fn provenance(home: &Home, name: &str) -> Value {
    let bytes = std::fs::read(home.work(name)).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let chunks = &reader.info().utf8_text;
    let chunk = chunks.iter().find(|chunk| chunk.keyword == "framewright");
    serde_json::from_str(&chunk.unwrap().get_text().unwrap()).unwrap()
}

pub const MEETING: &str = "medium shot picture of kaitoyosuke man on the left and jiyeonmun woman on the \
                       right, in a library, soft daylight";

#[test]
fn a_lora_is_applied_recorded_and_made_again() {
    let home = home();
    generate(&home, "a fox", "plain.png", &[]).ok();
    let told = generate(&home, "a fox", "lora.png", &["--lora", "kaito:0.8"])
        .ok()
        .json();
    assert_eq!(
        told["loras"],
        json!([{"name": "kaito", "weight": 0.8f32, "text_weight": null,
        "region": null, "hires": null, "reason": null}])
    );
    assert!(pixels(&home.work("plain.png")) != pixels(&home.work("lora.png")));
    generate(&home, "a fox", "zero.png", &["--lora", "kaito:0"]).ok();
    assert!(pixels(&home.work("plain.png")) == pixels(&home.work("zero.png")));

    let recorded = provenance(&home, "lora.png");
    let bytes = std::fs::read(tiny_lora("style")).unwrap();
    let hash = blake3::hash(&bytes).to_hex().to_string();
    assert_eq!(
        recorded["loras"],
        json!([{"name": "kaito", "hash": hash, "weight": 0.8}])
    );

    // Of several candidates each is as it is alone.
    let more = ["--lora", "kaito:0.8", "--lora", "jiyeon", "-n", "2"];
    generate(&home, "a fox", "many.png", &more).ok();
    let alone = ["--lora", "kaito:0.8", "--lora", "jiyeon", "--seed", "4"];
    let mut arguments = vec!["generate", "a fox", "--model", "tiny", "-o", "alone.png"];
    arguments.extend_from_slice(&alone);
    home.run(&arguments).ok();
    assert!(pixels(&home.work("many_1.png")) == pixels(&home.work("alone.png")));

    // Another daemon makes it again; another file of that name does not.
    home.run(&["daemon", "stop"]).ok();
    assert_eq!(home.run(&["again", "lora.png"]).ok().out, "identical\n");
    let path = home.path("data/loras/kaito.safetensors");
    std::fs::remove_file(&path).unwrap();
    std::fs::copy(tiny_lora("whole"), &path).unwrap();
    home.run(&["daemon", "stop"]).ok();
    let ran = home.run(&["again", "lora.png"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.out.contains("LoRAs: kaito 0.8 ("), "{}", ran.out);
    std::fs::remove_file(&path).unwrap();
    home.run(&["daemon", "stop"]).ok();
    let ran = home.run(&["again", "lora.png"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("kaito"), "{}", ran.err);
}

#[test]
fn a_model_has_a_lora_for_its_second_pass() {
    let home = home();
    let manifest = |lora: &str| {
        let path = home.path("data/models/tiny.toml");
        let before = std::fs::read_to_string(path).unwrap();
        let before = before.split("[hires]").next().unwrap();
        let hires = format!("[hires]\nstrength = 0.8\nlora = '{lora}'\nweight = 0.5\n");
        home.write("data/models/tiny.toml", &format!("{before}{hires}"));
    };
    manifest("kaito");
    let told = generate(&home, "a fox", "both.png", &["--hires"])
        .ok()
        .json();
    assert_eq!(
        told["loras"],
        json!([{"name": "kaito", "weight": 0.5, "text_weight": null, "region": null,
        "hires": true, "reason": "the model `tiny`"}])
    );
    let recorded = provenance(&home, "both.png");
    assert_eq!(recorded["loras"], Value::Null);
    assert_eq!(recorded["hires"]["loras"][0]["name"], "kaito");
    assert_eq!(recorded["hires"]["strength"], 0.8);

    // By hand: the LoRA acts on the enlarged picture, and not before.
    generate(&home, "a fox", "small.png", &[]).ok();
    let mut by_hand = vec!["--image", "small.png", "--strength", "0.8"];
    by_hand.extend(["--width", "128", "--height", "128", "--lora", "kaito:0.5"]);
    generate(&home, "a fox", "by-hand.png", &by_hand).ok();
    assert!(pixels(&home.work("both.png")) == pixels(&home.work("by-hand.png")));

    // What a frame was made with stays, whatever the manifest says now.
    // A running daemon notices a changed manifest a moment later; a new one reads it at once.
    manifest("missing");
    home.run(&["daemon", "stop"]).ok();
    assert_eq!(home.run(&["again", "both.png"]).ok().out, "identical\n");
    let told = generate(&home, "a fox", "without.png", &["--hires"])
        .ok()
        .json();
    assert_eq!(told["loras"], json!([]));
    let notice = told["notices"][0].as_str().unwrap_or_default();
    assert!(notice.contains("`missing`"), "{notice}");
}

#[test]
fn a_shots_lora_lays_the_frame_out_and_does_not_draw_it_over() {
    let home = home();
    let prompt = "medium shot picture of kaitoyosuke man, in a library";
    let told = generate(&home, prompt, "both.png", &["--hires"])
        .ok()
        .json();
    let told = told["loras"].as_array().unwrap().iter();
    let told: Vec<_> = told.map(|lora| (&lora["name"], &lora["hires"])).collect();
    assert_eq!(json!(told), json!([["medium", false], ["kaito", null]]));
    let recorded = provenance(&home, "both.png");
    let names = |loras: &Value| {
        let loras = loras.as_array().unwrap().iter();
        loras.map(|lora| lora["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&recorded["loras"]), ["medium", "kaito"]);
    assert_eq!(names(&recorded["hires"]["loras"]), ["kaito"]);

    // By hand.
    generate(&home, prompt, "small.png", &[]).ok();
    let negative = recorded["negative_prompt"].as_str().unwrap();
    let mut by_hand = vec!["--image", "small.png", "--strength", "0.5"];
    by_hand.extend(["--width", "128", "--height", "128", "--lora", "kaito:0.9"]);
    by_hand.extend(["--no-activate", "--negative", negative]);
    generate(&home, prompt, "by-hand.png", &by_hand).ok();
    assert!(pixels(&home.work("both.png")) == pixels(&home.work("by-hand.png")));
    assert_eq!(home.run(&["again", "both.png"]).ok().out, "identical\n");
}

#[test]
fn a_shot_has_its_own_strength_of_a_second_pass() {
    let home = home();
    let before = std::fs::read_to_string(home.path("data/models/tiny.toml")).unwrap();
    let hires = "[hires]\nstrength = 0.8\nshot_strength = 0.6\n";
    home.write("data/models/tiny.toml", &format!("{before}\n{hires}"));
    let strength = |prompt: &str, more: &[&str]| {
        let arguments = [&["--hires"], more].concat();
        generate(&home, prompt, "frame.png", &arguments).ok();
        provenance(&home, "frame.png")["hires"]["strength"].clone()
    };
    let shot = "medium shot picture of a man";
    assert_eq!(strength("a fox", &[]), 0.8);
    assert_eq!(strength(shot, &[]), 0.6);
    assert_eq!(strength(shot, &["--hires-strength", "0.5"]), 0.5);
    // Its LoRA is what counts, not the word.
    assert_eq!(strength(shot, &["--no-activate"]), 0.8);
}

#[test]
fn a_prompt_brings_what_the_library_has_for_it() {
    let home = home();
    let prompt = "medium shot picture of kaitoyosuke man, in a library";
    let told = generate(&home, prompt, "frame.png", &["--negative", "Blurry, hat"])
        .ok()
        .json();
    assert_eq!(
        told["loras"],
        json!([
            {"name": "medium", "weight": 0.6f32, "text_weight": null, "region": null,
             "hires": null, "reason": "the shot `medium-shot`"},
            {"name": "kaito", "weight": 0.9f32, "text_weight": null, "region": null,
             "hires": null, "reason": "the character `kaitoyosuke`"},
        ])
    );
    // The golden LoRAs say where the model lay that they were made for.
    let notices = told["notices"].as_array().unwrap().iter();
    let others = notices.filter(|it| {
        !it.as_str()
            .unwrap()
            .contains("was trained on data/pipeline")
    });
    assert_eq!(others.count(), 0, "{told}");
    let negative = provenance(&home, "frame.png")["negative_prompt"].clone();
    let negative = negative.as_str().unwrap();
    assert!(negative.starts_with("Blurry, hat, "), "{negative}");
    assert!(
        negative.ends_with("bad anatomy, legs, feet, beard"),
        "{negative}"
    );
    assert_eq!(
        negative.to_lowercase().matches("blurry").count(),
        1,
        "{negative}"
    );

    // The same frame, asked for by name.
    let named = [
        "--no-activate",
        "--negative",
        negative,
        "--lora",
        "medium:0.6",
        "--lora",
        "kaito:0.9",
    ];
    generate(&home, prompt, "named.png", &named).ok();
    assert!(pixels(&home.work("frame.png")) == pixels(&home.work("named.png")));
    assert_eq!(home.run(&["again", "frame.png"]).ok().out, "identical\n");

    // A weight that is asked for wins.
    let told = generate(&home, prompt, "other.png", &["--lora", "kaito:0.25"])
        .ok()
        .json();
    let loras = told["loras"].as_array().unwrap();
    assert_eq!(loras.len(), 2, "{loras:?}");
    assert_eq!(
        (&loras[0]["name"], &loras[0]["weight"]),
        (&json!("kaito"), &json!(0.25))
    );
}

#[test]
fn what_is_missing_is_told_and_the_frame_is_made() {
    let home = home();
    std::fs::remove_file(home.path("data/loras/medium.safetensors")).unwrap();
    let prompt = "medium shot picture of kaitoyosuke man and margojobeth woman";
    let told = generate(&home, prompt, "frame.png", &[]).ok().json();
    let notices = told["notices"].to_string();
    for missing in ["`medium` of the shot", "`margojobeth` has nothing"] {
        assert!(notices.contains(missing), "{notices}");
    }
    let loras = told["loras"].as_array().unwrap();
    assert_eq!(loras.len(), 1);
    // Two are named, so that the one there is has less weight: 0.9 · 0.8.
    let weight = loras[0]["weight"].as_f64().unwrap();
    assert!((weight - 0.72).abs() < 1e-6, "{weight}");
}

#[test]
fn a_prompt_that_names_nothing_of_the_library_is_as_it_was() {
    let home = Home::new();
    for (name, more) in [("one.png", &[][..]), ("two.png", &["--no-activate"])] {
        let told = generate(&home, "close up of a fox", name, more).ok().json();
        assert_eq!(told["loras"], json!([]));
        assert_eq!(told["notices"], json!([]));
    }
    assert!(pixels(&home.work("one.png")) == pixels(&home.work("two.png")));
    assert_eq!(provenance(&home, "one.png")["negative_prompt"], "");
}

/// Which LoRAs a frame was drawn with, in order, and in which of its regions each acts.
#[track_caller]
fn assert_acting(told: &Value, expected: &[(&str, Option<usize>)]) {
    let loras = told["loras"].as_array().unwrap();
    let acting: Vec<_> = loras
        .iter()
        .map(|lora| (lora["name"].clone(), lora["region"].clone()))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, region)| (json!(name), json!(region)))
        .collect();
    assert_eq!(acting, expected);
}

#[test]
fn characters_left_and_right_get_a_half_each() {
    let home = home();
    generate(&home, MEETING, "whole.png", &[]).ok();
    let told = generate(&home, MEETING, "halves.png", &["--regions", "auto"])
        .ok()
        .json();
    assert_acting(
        &told,
        &[("medium", None), ("kaito", Some(0)), ("jiyeon", Some(1))],
    );
    let recorded = provenance(&home, "halves.png");
    let regions = recorded["regions"].as_array().unwrap();
    assert_eq!(regions[0]["box"], json!([0.0, 0.0, 0.5, 1.0]));
    assert_eq!(
        regions[0]["prompt"],
        "medium shot picture of kaitoyosuke man on the left, in a library, soft daylight"
    );
    assert_eq!(
        regions[1]["prompt"],
        "medium shot picture of jiyeonmun woman on the right, in a library, soft daylight"
    );
    assert!(pixels(&home.work("whole.png")) != pixels(&home.work("halves.png")));
    home.run(&["daemon", "stop"]).ok();
    assert_eq!(home.run(&["again", "halves.png"]).ok().out, "identical\n");

    // Where places are not told, nothing is divided, and that is said.
    let unplaced = "medium shot picture of kaitoyosuke man and jiyeonmun woman";
    let told = generate(&home, unplaced, "no.png", &["--regions", "auto"])
        .ok()
        .json();
    assert!(
        told["notices"].to_string().contains("not divided"),
        "{told}"
    );
}

#[test]
fn three_characters_get_a_third_each() {
    let home = home();
    let third = home.path("data/loras/petko.safetensors");
    std::fs::copy(tiny_lora("whole"), third).unwrap();
    home.write(
        "data/characters/petkotomov.toml",
        "token = 'petkotomov'\nclass = 'man'\n[family.sd15]\nlora = 'petko'\nweight = 0.7\n",
    );
    // In another order than they stand in.
    let prompt = "three people: jiyeonmun woman is on the right reading, kaitoyosuke man is on the \
                  left waving, petkotomov man is in the centre, in a library, soft daylight";
    let told = generate(&home, prompt, "thirds.png", &["--regions", "auto"])
        .ok()
        .json();
    assert_acting(
        &told,
        &[("kaito", Some(0)), ("petko", Some(1)), ("jiyeon", Some(2))],
    );
    let recorded = provenance(&home, "thirds.png");
    let regions = recorded["regions"].as_array().unwrap();
    let said: Vec<_> = regions.iter().map(|it| &it["prompt"]).collect();
    assert_eq!(
        said,
        [
            "kaitoyosuke man on the left waving, in a library, soft daylight",
            "petkotomov man in the centre, in a library, soft daylight",
            "jiyeonmun woman on the right reading, in a library, soft daylight",
        ]
    );
    let edges = |at: usize| {
        let edges = regions[at]["box"].as_array().unwrap();
        (edges[0].as_f64().unwrap(), edges[2].as_f64().unwrap())
    };
    for at in 0..3 {
        let (left, right) = edges(at);
        assert!((left - at as f64 / 3.0).abs() < 1e-6, "{left}");
        assert!((right - (at + 1) as f64 / 3.0).abs() < 1e-6, "{right}");
    }
    home.run(&["daemon", "stop"]).ok();
    assert_eq!(home.run(&["again", "thirds.png"]).ok().out, "identical\n");
}

#[test]
fn a_region_has_a_prompt_and_characters_of_its_own() {
    let home = home();
    let region = [
        "--region",
        "0,0,0.5,1:kaitoyosuke man",
        "--region",
        "0.5,0,1,1:a red library",
    ];
    let told = generate(&home, "a library", "frame.png", &region)
        .ok()
        .json();
    assert_eq!(told["loras"][0]["name"], "kaito");
    assert_eq!(told["loras"][0]["region"], 0);
    let recorded = provenance(&home, "frame.png");
    assert_eq!(recorded["regions"][1]["prompt"], "a red library");
    assert_eq!(home.run(&["again", "frame.png"]).ok().out, "identical\n");
    for refused in ["0,0,2,1:a man", "a man", "0,0,1,1:"] {
        let ran = generate(&home, "a library", "no.png", &["--region", refused]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
}

#[test]
fn a_selection_is_drawn_with_the_regions_of_its_canvas() {
    let home = home();
    generate(&home, "a fox", "frame.png", &[]).ok();
    let inpaint = |output: &str, more: &[&str]| {
        let start = ["--json", "inpaint", "frame.png", MEETING, "-o", output];
        let how = ["--model", "tiny", "--seed", "3", "--box", "8,8,60,56"];
        home.run(&[&start[..], &how, more].concat())
    };
    inpaint("whole.png", &[]).ok();
    let told = inpaint("halves.png", &["--regions", "auto"]).ok().json();
    assert_acting(
        &told,
        &[("medium", None), ("kaito", Some(0)), ("jiyeon", Some(1))],
    );
    assert!(pixels(&home.work("whole.png")) != pixels(&home.work("halves.png")));
    let recorded = provenance(&home, "halves.png");
    assert_eq!(recorded["regions"].as_array().unwrap().len(), 2);
    home.run(&["daemon", "stop"]).ok();
    assert_eq!(home.run(&["again", "halves.png"]).ok().out, "identical\n");
    // A region of a corner.
    let elsewhere = ["--region", "0,0,0.01,0.01:jiyeonmun woman"];
    inpaint("elsewhere.png", &elsewhere).ok();
    assert_eq!(
        home.run(&["again", "elsewhere.png"]).ok().out,
        "identical\n"
    );
}

#[test]
fn a_region_may_be_a_mask() {
    let home = home();
    let mask = image::GrayImage::from_fn(20, 20, |x, _| image::Luma([(x * 12) as u8]));
    mask.save(home.work("mask.png")).unwrap();
    let mut bytes = String::new();
    for byte in std::fs::read(home.work("mask.png")).unwrap() {
        bytes.push_str(&format!("{byte},"));
    }
    // The command line knows boxes alone: the call is made as a client does.
    let regions = format!(
        "regions=[{{\"mask\":{{\"format\":\"png\",\"width\":20,\"height\":20,\"data\":[{}]}},\
         \"characters\":[\"kaitoyosuke\"]}}]",
        bytes.trim_end_matches(',')
    );
    let ran = home
        .run(&[
            "call",
            "frame.generate",
            "prompt=a library",
            "model=tiny",
            "seed=3",
            &regions,
        ])
        .ok();
    assert_eq!(ran.json()["loras"][0]["region"], 0);
}

#[test]
fn a_lora_that_does_not_fit_is_listed() {
    let home = home();
    let folder = home.path("data/loras");
    std::fs::copy(
        tiny_model().join("unet/diffusion_pytorch_model.safetensors"),
        folder.join("checkpoint.safetensors"),
    )
    .unwrap();
    let other = candle_like(&[
        "lora_unet_nowhere",
        "lora_unet_mid_block_attentions_0_proj_in",
    ]);
    std::fs::write(folder.join("other.safetensors"), other).unwrap();
    let ran = generate(&home, "a fox", "frame.png", &["--lora", "other"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for expected in ["no such layer", "lora_unet_nowhere", "--partial"] {
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
    let told = generate(
        &home,
        "a fox",
        "frame.png",
        &["--lora", "other", "--partial"],
    )
    .ok()
    .json();
    assert!(told["notices"].to_string().contains("left out"), "{told}");
    assert_eq!(home.run(&["again", "frame.png"]).ok().out, "identical\n");

    let ran = generate(&home, "a fox", "no.png", &["--lora", "missing"]);
    assert!(ran.err.contains("missing"), "{ran:?}");
    assert_ne!(ran.code, Some(0));
    let ran = generate(&home, "a fox", "no.png", &["--lora", "kaito:9"]);
    assert!(ran.err.contains("-4 to 4"), "{ran:?}");
    assert!(!home.work("no.png").exists());
}

/// A LoRA file with pairs of rank 1 for layers of 16 channels.
fn candle_like(layers: &[&str]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for layer in layers {
        for (part, shape) in [("down", [1, 16]), ("up", [16, 1])] {
            let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [end, end + 64]});
            header.insert(format!("{layer}.lora_{part}.weight"), entry);
            end += 64;
        }
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(&header);
    bytes.extend((0..end / 4).flat_map(|i| ((i % 7) as f32 * 0.1).to_le_bytes()));
    bytes
}
