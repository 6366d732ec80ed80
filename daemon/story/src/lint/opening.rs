//! The shot phrase opens, setting and light are named.

use crate::edit::Edit;
use crate::finding::{Code, Finding};
use crate::lint::finding;
use crate::phrase_index::Term;
use crate::reading::Reading;
use crate::word::collapse;

pub(super) fn check(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let parsed = &reading.parsed;
    match &parsed.shot {
        None => findings.push(finding(
            Code::NoOpeningShot,
            reading.end(),
            "no shot is named: a prompt opens with its shot phrase, such as \"close up of\"",
            None,
        )),
        Some(shot) if !shot.opens => {
            let before = reading.prompt[..shot.span.start].trim();
            let before = before.trim_end_matches([',', ';', ':', '.']).trim_end();
            // Only a shot in a clause of its own can be moved without leaving
            // half a sentence behind.
            let alone = reading
                .clause_with(shot.span)
                .is_some_and(|clause| parsed.clauses[clause].span == shot.span);
            let rewrite =
                alone.then(|| Edit::new(0, shot.span.end, format!("{} {before}", shot.phrase)));
            findings.push(finding(
                Code::NoOpeningShot,
                shot.span,
                format!("the shot phrase, \"{}\", belongs at the start", shot.phrase),
                rewrite,
            ));
        }
        Some(shot) => {
            let written = collapse(shot.span.of(reading.prompt)).replace('-', " ");
            if written.to_lowercase() != shot.phrase.replace('-', " ").to_lowercase() {
                // The phrase ends in "of"; what follows would close up with it.
                let joint = reading.prompt[shot.span.end..].chars().next();
                let gap = match joint {
                    Some(next) if next.is_whitespace() => "",
                    Some(',' | ';' | ':' | '.') | None => "",
                    Some(_) => " ",
                };
                let mut end = shot.span.end;
                let rest = reading.prompt[end..].trim_start_matches([',', ';', ':', '.']);
                end = reading.prompt.len() - rest.len();
                findings.push(finding(
                    Code::ShotAlias,
                    shot.span,
                    format!("shot LoRAs are trained on the phrase \"{}\"", shot.phrase),
                    Some(Edit::new(
                        shot.span.start,
                        end,
                        format!("{}{gap}", shot.phrase),
                    )),
                ));
            }
        }
    }
    for shot in &parsed.other_shots {
        let rewrite = reading
            .clause_with(shot.span)
            .filter(|clause| parsed.clauses[*clause].span == shot.span)
            .and_then(|clause| reading.without_clause(clause));
        findings.push(finding(
            Code::SecondShot,
            shot.span,
            format!("a second shot, {}: one frame has one framing", shot.id),
            rewrite,
        ));
    }
    if parsed.setting.is_none() {
        findings.push(finding(
            Code::NoSetting,
            reading.end(),
            "no setting is named, so it changes from frame to frame; say where, as in \"in a dusty library\"",
            None,
        ));
    }
    let attributes = reading.hits.all(|term| term == Term::LightAttribute);
    if parsed.light.is_none() && attributes.is_empty() {
        findings.push(finding(
            Code::NoLight,
            reading.end(),
            "no light is named, so it changes from frame to frame; say which, as in \"soft daylight\"",
            None,
        ));
    }
}
