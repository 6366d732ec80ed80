//! Scenes that are planned with a language model, be it good or bad.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Home, Ran, until};
use crate::language_model::{LanguageModel, Treatment};

const SCENE: &str = "kaitoyosuke searches a dusty library, soft daylight. He finds a letter.";

const FIRST: &str =
    "long shot picture of a dusty library, kaitoyosuke man searching, soft daylight";
const SECOND: &str = "medium close up of kaitoyosuke man holding a letter in both hands, in a dusty library, soft daylight";

/// An answer in the form that is asked for.
fn good(first: &str, second: &str) -> String {
    json!({"prompts": [{"shot": 7, "prompt": first}, {"shot": 3, "prompt": second}]}).to_string()
}

fn home_with(model: &LanguageModel, more: &[&str]) -> Home {
    let home = Home::new();
    let url = model.url();
    let arguments = ["planner", "add", "local", &url, "--model", "small"];
    home.run(&[&arguments, more].concat()).ok();
    home
}

/// `framewright scene plan` with the model of the home.
const PLAN: [&str; 8] = [
    "--json",
    "scene",
    "plan",
    SCENE,
    "-n",
    "2",
    "--planner",
    "local",
];

fn plan(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&PLAN, more].concat())
}

fn texts(answer: &Value) -> Vec<&str> {
    let prompts = answer["prompts"].as_array().unwrap().iter();
    prompts
        .map(|planned| planned["prompt"].as_str().unwrap())
        .collect()
}

#[test]
fn a_good_model_writes_the_prompts() {
    let model = LanguageModel::new(|_, _| Treatment::Say(good(FIRST, SECOND)));
    let home = home_with(&model, &[]);
    assert!(model.asked().is_empty(), "nobody is asked when it is added");
    let answer = plan(&home, &[]).ok().json();
    assert_eq!(answer["planner"], "local");
    assert_eq!(texts(&answer), [FIRST, SECOND]);
    assert_eq!(answer["notes"], json!([]));
    let asked = model.asked();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0]
            .head
            .starts_with("POST /v1/chat/completions HTTP/1.1"),
        "{}",
        asked[0].head
    );
    assert!(!asked[0].head.to_lowercase().contains("authorization"));
    assert_eq!(asked[0].body["model"], "small");
    assert_eq!(asked[0].body["response_format"]["type"], "json_schema");
    let question = asked[0].body["messages"][0]["content"].as_str().unwrap();
    for part in [
        SCENE,
        "\"kaitoyosuke man\"",
        "\"close up of …\"",
        "exactly 2 prompts",
    ] {
        assert!(question.contains(part), "{part}: {question}");
    }
    // Without its name nobody asks it.
    home.run(&["scene", "plan", SCENE]).ok();
    assert_eq!(model.asked().len(), 1);
}

#[test]
fn a_model_over_tls_is_asked_when_its_certificate_is_known() {
    let model = LanguageModel::with_tls(|_, _| Treatment::Say(good(FIRST, SECOND)));
    let home = home_with(&model, &[]);
    let stranger = plan(&home, &[]).ok().json();
    assert_eq!(stranger["planner"], "embedded");
    let note = stranger["notes"][0].as_str().unwrap();
    assert!(note.contains("no secure connection to localhost"), "{note}");
    assert!(model.asked().is_empty(), "nothing was said to a stranger");

    home.run(&["daemon", "stop"]).ok();
    home.write("known.pem", model.certificate());
    let mut command = home.command(&PLAN);
    // Where the system keeps its certificates, for the daemon that this starts.
    command.env("SSL_CERT_FILE", home.path("known.pem"));
    let answer = home.started(command).end().ok().json();
    assert_eq!(answer["planner"], "local", "{answer}");
    assert_eq!(texts(&answer), [FIRST, SECOND]);
    assert_eq!(model.asked().len(), 1);
}

#[test]
fn sloppy_answers_are_read() {
    let fenced = format!(
        "Sure! Here you go:\n```json\n{}\n```\nEnjoy.",
        good(FIRST, SECOND)
    );
    let listed =
        format!("Here are the prompts:\n\n1. **{FIRST}.**\n2) \"{SECOND}\"\n\nDo you want more?");
    let thought = format!(
        "<think>{{\"prompts\": [\"close up of nothing at all\"]}} no</think>[\"{FIRST}\", \"{SECOND}\"]"
    );
    let headed = format!("**Frame 1 (long shot):**\n{FIRST}\n\n**Frame 2:**\n{SECOND}\n");
    let table = format!("| # | prompt |\n|---|---|\n| 1 | {FIRST} |\n| 2 | {SECOND} |\n");
    let alias = good(
        &FIRST.replace("long shot picture of", "Long shot of"),
        &SECOND.replace("medium close up of", "A medium close-up of"),
    );
    for answer in [fenced, listed, thought, headed, table, alias] {
        let said = answer.clone();
        let model = LanguageModel::new(move |_, _| Treatment::Say(said.clone()));
        let answer_read = plan(&home_with(&model, &[]), &[]).ok().json();
        assert_eq!(texts(&answer_read), [FIRST, SECOND], "{answer}");
        assert_eq!(answer_read["planner"], "local", "{answer}");
        assert_eq!(model.asked().len(), 1, "{answer}");
    }
}

#[test]
fn a_server_without_structured_output_is_asked_without() {
    let model = LanguageModel::new(|_, body| {
        if body.get("response_format").is_some() {
            Treatment::Status(
                400,
                json!({"error": {"message": "unknown field"}}).to_string(),
            )
        } else {
            Treatment::Say(good(FIRST, SECOND))
        }
    });
    let home = home_with(&model, &[]);
    let answer = plan(&home, &[]).ok().json();
    assert_eq!(
        (texts(&answer), &answer["planner"]),
        (vec![FIRST, SECOND], &json!("local"))
    );
    let tried = home
        .run(&["--json", "planner", "test", "local"])
        .ok()
        .json();
    assert_eq!(
        (&tried["structured"], &tried["prompts"]),
        (&json!(false), &json!(2))
    );
}

#[test]
fn a_model_that_breaks_rules_is_told_once() {
    let bad = SECOND.replace("kaitoyosuke man", "a man");
    let said = bad.clone();
    let model = LanguageModel::new(move |number, _| {
        Treatment::Say(if number == 0 {
            good(FIRST, &said)
        } else {
            good(FIRST, SECOND)
        })
    });
    let answer = plan(&home_with(&model, &[]), &[]).ok().json();
    assert_eq!(
        (texts(&answer), &answer["planner"]),
        (vec![FIRST, SECOND], &json!("local"))
    );
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    let messages = asked[1].body["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3);
    let told = messages[2]["content"].as_str().unwrap();
    assert!(told.contains("Prompt 2 (\"a man\")"), "{told}");

    // One that does not learn: its good prompts are kept, and it is asked no third time.
    let model = LanguageModel::new(move |_, _| Treatment::Say(good(FIRST, &bad)));
    let answer = plan(&home_with(&model, &[]), &[]).ok().json();
    assert_eq!(model.asked().len(), 2);
    assert_eq!(answer["planner"], "local");
    assert_eq!(texts(&answer)[0], FIRST);
    assert!(
        texts(&answer)[1].contains("kaitoyosuke man finding a letter"),
        "{answer}"
    );
    let note = answer["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("frame 2 is the embedded planner's: "),
        "{note}"
    );
}

#[test]
fn the_embedded_planner_takes_over_from_one_that_does_not_serve() {
    let half = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{{\"choices\": [{FIRST}");
    let three = json!({"prompts": [FIRST, SECOND, FIRST]}).to_string();
    let half_said = format!("{{\"prompts\": [\"{FIRST}\", \"medium close");
    let hopeless = good("a man smiles", "two women walk");
    let cases: [(&str, Treatment, &[&str], &str); 10] = [
        (
            "500",
            Treatment::Status(500, "out of memory".to_owned()),
            &[],
            "500: out of memory",
        ),
        (
            "half",
            Treatment::Bytes(half.into_bytes()),
            &[],
            "the connection broke",
        ),
        ("endless", Treatment::Endless, &[], "longer than"),
        (
            "no JSON",
            Treatment::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()),
            &[],
            "no chat completion",
        ),
        (
            "no HTTP",
            Treatment::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()),
            &[],
            "the connection broke",
        ),
        (
            "no prompts",
            Treatment::Say("I cannot help with that.".to_owned()),
            &[],
            "2 prompts are needed",
        ),
        (
            "cut off",
            Treatment::Breaks(half_said),
            &[],
            "The answer was cut off",
        ),
        (
            "count",
            Treatment::Say(three),
            &[],
            "2 prompts are needed, one a frame, and there are 3",
        ),
        (
            "shots",
            Treatment::Say(good(FIRST, SECOND)),
            &["--shots", "2,3"],
            "must begin with \"close up of\"",
        ),
        (
            "rules",
            Treatment::Say(hopeless),
            &[],
            "most of its prompts break rules",
        ),
    ];
    for (name, treatment, more, told) in cases {
        let model = LanguageModel::new(move |_, _| treatment.clone());
        let home = home_with(&model, &[]);
        let answer = plan(&home, more).ok().json();
        assert_eq!(answer["planner"], "embedded", "{name}");
        assert_eq!(texts(&answer).len(), 2, "{name}");
        assert!(
            texts(&answer)[1].contains("kaitoyosuke man"),
            "{name}: {answer}"
        );
        let note = answer["notes"][0].as_str().unwrap();
        assert!(
            note.contains("`local` did not serve") && note.contains(told),
            "{name}: {note}"
        );
        assert!(model.asked().len() <= 2, "{name}");
        home.run(&["daemon", "status"]).ok();
    }
}

#[test]
fn a_slow_model_holds_nobody_up() {
    let model = LanguageModel::new(|_, _| Treatment::Silence);
    let home = home_with(&model, &["--timeout", "4"]);
    let waiting = home.spawn(&["--json", "scene", "plan", SCENE, "--planner", "local"]);
    until("asked", || model.asked().len() == 1);
    let began = Instant::now();
    home.run(&["generate", "a fox", "--model", "tiny", "-o", "frame.png"])
        .ok();
    home.run(&["scene", "plan", SCENE]).ok();
    let took = began.elapsed();
    let answer = waiting.end().ok().json();
    assert_eq!(answer["planner"], "embedded");
    let note = answer["notes"][0].as_str().unwrap();
    assert!(
        note.contains("no answer came within 4 seconds"),
        "{note} ({took:?})"
    );
    until("hung up", || model.hung_up() == 1);
}

#[test]
fn a_client_that_goes_takes_the_question_with_it() {
    let model = LanguageModel::new(|_, _| Treatment::Silence);
    let home = home_with(&model, &["--timeout", "600"]);
    let waiting = home.spawn(&["scene", "plan", SCENE, "--planner", "local"]);
    until("asked", || model.asked().len() == 1);
    waiting.signal(Signal::KILL);
    let _ = waiting.end();
    until("hung up", || model.hung_up() == 1);
}

#[test]
fn keys_are_sent_and_shown_to_nobody() {
    const KEY: &str = "sk-test-4f9c";
    let model = LanguageModel::new(|_, _| {
        Treatment::Status(
            401,
            json!({"error": {"message": format!("wrong key {KEY}")}}).to_string(),
        )
    });
    let home = Home::new();
    home.write("key.txt", KEY);
    let path = home.path("key.txt");
    let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    let file = path.to_str().unwrap();
    let url = model.url();
    home.run(&[
        "planner",
        "add",
        "keyed",
        &url,
        "--model",
        "m",
        "--key-file",
        file,
    ])
    .ok();
    let ask = [
        "--json",
        "scene",
        "plan",
        SCENE,
        "-n",
        "2",
        "--planner",
        "keyed",
    ];

    mode(0o644);
    let refused = home.run(&ask);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("others may read it"), "{refused:?}");
    assert!(model.asked().is_empty());

    mode(0o600);
    let answer = home.run(&ask).ok();
    let asked = model.asked();
    assert!(
        asked[0].head.contains(&format!("Bearer {KEY}")),
        "{}",
        asked[0].head
    );
    assert!(answer.out.contains("wrong key [key]"), "{answer:?}");
    let tried = home.run(&["planner", "test", "keyed"]);
    assert_eq!(tried.code, Some(1), "{tried:?}");
    let listed = home.run(&["--json", "planner", "list"]).ok();
    assert_eq!(listed.json()["planners"][0]["key"], "file");
    let log = home.run(&["daemon", "logs", "-n", "1000"]).ok();
    let described = home.run(&["call", "describe"]).ok();
    for ran in [&answer, &tried, &listed, &log, &described] {
        assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{ran:?}");
    }

    for (url, more, told) in [
        (
            "http://example.org/v1",
            &["--key-env", "KEY"][..],
            "use https",
        ),
        (
            "https://user:sk-secret@example.org/v1",
            &[],
            "does not belong into it",
        ),
        ("ftp://example.org", &[], "neither http:// nor https://"),
    ] {
        let arguments = ["planner", "add", "wrong", url, "--model", "m"];
        let ran = home.run(&[&arguments, more].concat());
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.err.contains(told) && !ran.err.contains("sk-secret"),
            "{ran:?}"
        );
    }
    home.run(&["planner", "remove", "keyed"]).ok();
    assert_eq!(home.run(&["planner", "remove", "keyed"]).code, Some(2));
    assert_eq!(home.run(&ask).code, Some(2));
}

#[test]
fn a_dead_server_is_told_apart() {
    // A port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let home = Home::new();
    let url = format!("http://127.0.0.1:{port}/v1");
    home.run(&["planner", "add", "dead", &url, "--model", "m"])
        .ok();
    let began = Instant::now();
    let ran = home.run(&["planner", "test", "dead"]);
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("cannot be reached") && ran.err.contains("start the server"),
        "{ran:?}"
    );
}

#[test]
fn a_pasted_answer_is_read() {
    let home = Home::new();
    let template = home
        .run(&["scene", "plan", SCENE, "-n", "2", "--template"])
        .ok()
        .out;
    assert!(
        template.contains("kaitoyosuke man") && template.contains(SCENE),
        "{template}"
    );
    home.write(
        "work/answer.txt",
        &format!(
            "Of course!\n1. {FIRST}\n2. {}\n",
            SECOND.replace("medium close up of", "Medium close-up:")
        ),
    );
    let read = |more: &[&str]| {
        let arguments = ["--json", "scene", "read", "answer.txt", "--scene", SCENE];
        home.run(&[&arguments, more].concat())
    };
    let answer = read(&[]).ok().json();
    assert_eq!(texts(&answer), [FIRST, SECOND]);
    assert_eq!(answer["notes"], json!(["frame 2 was corrected"]));
    let more = read(&["-n", "3"]).ok().json();
    assert_eq!(texts(&more).len(), 3);
    assert!(
        more["notes"]
            .to_string()
            .contains("frame 3 is missing in the answer"),
        "{more}"
    );
    home.write("work/answer.txt", "I would rather not.");
    let ran = read(&[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.err.contains("no prompt was found in the answer"),
        "{ran:?}"
    );
}
