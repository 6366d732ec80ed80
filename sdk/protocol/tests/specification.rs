//! The document and the types say the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;

use framewright_protocol::{
    AddedFolder, AppliedLora, BoardBatch, BoardFrame, BoardPrompt, BoardState, BoardTake,
    CanvasPart, DocumentSummary, ErrorCode, Extension, FieldDescription, FrameResult,
    GenerateParams, HiresParams, JobSummary, Limits, LoraParams, LoraSummary, MaskCandidate,
    MaskOperation, MaskPoint, MaskRect, ModelProblem, ModelSummary, Picture, PixelBox,
    PlannedPrompt, PlannerSummary, PromptEdit, PromptFinding, Record, RegionAdvice, RegionParams,
    SegmenterSummary, TokenChunk, TokenPiece, WaitingJobs, WireError, all_events, all_methods,
};

const START: &str = "<!-- reference: written by the test `specification` -->\n";

fn table(text: &mut String, fields: &[FieldDescription]) {
    text.push_str("\n| key | type | |\n|---|---|---|\n");
    for field in fields {
        let optional = if field.optional { " *optional*" } else { "" };
        writeln!(
            text,
            "| `{}` | {}{optional} | {} |",
            field.name, field.kind, field.doc
        )
        .unwrap();
    }
}

fn described<R: Record>() -> Vec<FieldDescription> {
    R::fields()
        .into_iter()
        .map(|field| FieldDescription {
            name: field.name.to_owned(),
            kind: field.kind,
            optional: field.optional,
            doc: field.doc.to_owned(),
        })
        .collect()
}

fn reference() -> String {
    let mut text = String::from("## Methods\n");
    for method in all_methods() {
        writeln!(text, "\n### `{}`\n{}", method.method, method.doc).unwrap();
        for (title, fields) in [("Parameters", &method.params), ("Result", &method.result)] {
            if fields.is_empty() {
                writeln!(text, "\n{title}: none.").unwrap();
            } else {
                writeln!(text, "\n{title}:").unwrap();
                table(&mut text, fields);
            }
        }
    }
    text.push_str("\n## Events\nEvery event also has `event` and `seq`.\n");
    for event in all_events() {
        writeln!(text, "\n### `{}`\n{}", event.event, event.doc).unwrap();
        table(&mut text, &event.fields);
    }
    text.push_str("\n## Types\n");
    for (name, fields) in [
        ("picture", described::<Picture>()),
        ("frame", described::<FrameResult>()),
        ("lora request", described::<LoraParams>()),
        ("region", described::<RegionParams>()),
        ("hires", described::<HiresParams>()),
        ("applied lora", described::<AppliedLora>()),
        ("job summary", described::<JobSummary>()),
        ("waiting jobs", described::<WaitingJobs>()),
        ("model", described::<ModelSummary>()),
        ("model problem", described::<ModelProblem>()),
        ("lora", described::<LoraSummary>()),
        ("added folder", described::<AddedFolder>()),
        ("document summary", described::<DocumentSummary>()),
        ("canvas part", described::<CanvasPart>()),
        ("extension", described::<Extension>()),
        ("pixel box", described::<PixelBox>()),
        ("region advice", described::<RegionAdvice>()),
        ("generate params", described::<GenerateParams>()),
        ("prompt finding", described::<PromptFinding>()),
        ("prompt edit", described::<PromptEdit>()),
        ("planned prompt", described::<PlannedPrompt>()),
        ("planner", described::<PlannerSummary>()),
        ("segmenter", described::<SegmenterSummary>()),
        ("mask point", described::<MaskPoint>()),
        ("mask rectangle", described::<MaskRect>()),
        ("mask candidate", described::<MaskCandidate>()),
        ("mask operation", described::<MaskOperation>()),
        ("token chunk", described::<TokenChunk>()),
        ("token", described::<TokenPiece>()),
        ("board", described::<BoardState>()),
        ("board frame", described::<BoardFrame>()),
        ("board take", described::<BoardTake>()),
        ("board batch", described::<BoardBatch>()),
        ("board prompt", described::<BoardPrompt>()),
        ("limits", described::<Limits>()),
        ("error", described::<WireError>()),
    ] {
        writeln!(text, "\n### {name}").unwrap();
        table(&mut text, &fields);
    }
    text.push_str("\n## Error codes\n\n| code | |\n|---|---|\n");
    for (code, meaning) in ErrorCode::ALL {
        writeln!(text, "| `{code}` | {} |", meaning.trim()).unwrap();
    }
    text
}

#[test]
fn the_document_describes_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (prose, written) = document
        .split_once(START)
        .expect("README.md has the mark where the reference begins");
    let reference = reference();
    if std::env::var_os("FRAMEWRIGHT_WRITE_SPECIFICATION").is_some() {
        std::fs::write(&path, format!("{prose}{START}{reference}")).unwrap();
        return;
    }
    assert!(
        written == reference,
        "sdk/protocol/README.md is not what the types say; \
         run this test once with FRAMEWRIGHT_WRITE_SPECIFICATION=1 and read the change"
    );
}

#[test]
fn every_named_type_is_in_the_document() {
    let reference = reference();
    for method in all_methods() {
        for field in method.params.iter().chain(&method.result) {
            let kind = field.kind.trim_start_matches("list of ");
            let basic = ["bool", "u32", "u64", "f32", "f64", "string", "bytes", "any"];
            let described = basic.contains(&kind)
                || kind.starts_with('`')
                || kind.ends_with("description")
                || reference.contains(&format!("### {kind}\n"));
            assert!(described, "{}: `{}` is a {kind}", method.method, field.name);
        }
    }
}
