//! What a person reads, word for word.

use crate::harness::{Home, Ran};

/// What was printed, without what changes from run to run.
fn told(home: &Home, ran: &Ran) -> String {
    let directory = home.path("");
    let directory = directory.to_str().unwrap().trim_end_matches('/');
    let exit = ran
        .code
        .map_or("a signal".to_owned(), |code| code.to_string());
    format!("{}{}exit {exit}", ran.out, ran.err).replace(directory, "[HOME]")
}

#[test]
fn help() {
    let home = Home::new();
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_generate", &["generate", "--help"]),
        ("help_again", &["again", "--help"]),
        ("help_job", &["job", "--help"]),
        ("help_model", &["model", "--help"]),
        ("help_lora", &["lora", "--help"]),
        ("help_library", &["library", "--help"]),
        ("help_scene_plan", &["scene", "plan", "--help"]),
        ("help_scene_read", &["scene", "read", "--help"]),
        ("help_planner", &["planner", "add", "--help"]),
        ("help_daemon", &["daemon", "--help"]),
        ("help_call", &["call", "--help"]),
    ] {
        insta::assert_snapshot!(name, told(&home, &home.run(arguments)));
    }
    assert!(home.is_untouched());
}

#[test]
fn errors() {
    let home = Home::new();
    home.write("data/models/broken.toml", "[defaults]\nsteps = 'many'\n");
    home.write("data/models/old.ckpt", "");
    for (name, arguments) in [
        ("not_running", &["daemon", "status"][..]),
        ("no_log", &["daemon", "logs"]),
        ("empty_prompt", &["generate", ""]),
        (
            "unwritable",
            &["generate", "a fox", "-o", "missing/frame.png"],
        ),
        (
            "unknown_model",
            &["generate", "a fox", "--model", "missing"],
        ),
        (
            "broken_manifest",
            &["generate", "a fox", "--model", "broken"],
        ),
        ("pickle", &["generate", "a fox", "--model", "old"]),
        (
            "unknown_sampler",
            &["generate", "a fox", "--model", "tiny", "--sampler", "magic"],
        ),
        (
            "odd_size",
            &["generate", "a fox", "--model", "tiny", "--width", "71"],
        ),
        ("unknown_method", &["call", "no.such.method"]),
        ("lint", &["prompt", "lint", "a man smiling in a park"]),
        (
            "scene_plan",
            &[
                "scene",
                "plan",
                "kaitoyosuke waits at a bus stop in the rain, night light. jiyeonmun brings him an umbrella.",
            ],
        ),
        ("scene_without_words", &["scene", "plan", " ... "]),
        (
            "unknown_planner",
            &["scene", "plan", "a fox", "--planner", "missing"],
        ),
        ("no_planners", &["planner", "list"]),
        ("unknown_job", &["job", "show", "j12345"]),
        ("prune_nothing", &["job", "prune"]),
        ("unknown_lora", &["lora", "inspect", "missing"]),
        (
            "import_pickle",
            &["model", "import", "../data/models/old.ckpt"],
        ),
        ("add_nothing", &["library", "add", "missing"]),
        (
            "wrong_type",
            &["call", "frame.generate", "prompt=\"a\"", "steps=many"],
        ),
    ] {
        insta::assert_snapshot!(name, told(&home, &home.run(arguments)));
    }
}

#[test]
fn completions_know_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = home.run(&["completions", shell]).ok();
        for word in ["generate", "again", "clip-skip"] {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
    }
}
