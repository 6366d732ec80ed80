//! LoRAs and regions on the command line.

use framewright_protocol::{AppliedLora, LoraParams, RegionParams};

/// Reads `NAME[:WEIGHT]`.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn lora(text: &str) -> Result<LoraParams, String> {
    let (name, weight) = match text.rsplit_once(':') {
        None => (text, None),
        Some((name, weight)) => {
            let number: f32 = weight
                .parse()
                .map_err(|_| format!("the weight {weight:?} is no number"))?;
            (name, Some(number))
        }
    };
    if name.is_empty() {
        return Err("name a LoRA: `framewright lora list` tells those there are".to_owned());
    }
    Ok(LoraParams {
        name: name.to_owned(),
        weight,
        text_weight: None,
    })
}

/// Reads `X0,Y0,X1,Y1:PROMPT`.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn region(text: &str) -> Result<RegionParams, String> {
    let (edges, prompt) = text
        .split_once(':')
        .ok_or("give four numbers, a colon and a prompt: \"0,0,0.5,1:a man\"")?;
    let area = edges
        .split(',')
        .map(|edge| {
            edge.trim()
                .parse::<f32>()
                .map_err(|_| format!("{edge:?} is no number"))
        })
        .collect::<Result<Vec<f32>, String>>()?;
    let [left, top, right, bottom] = area[..] else {
        return Err(format!(
            "{} numbers are no box: give left,top,right,bottom",
            area.len()
        ));
    };
    let inside = |from: f32, to: f32| 0.0 <= from && from < to && to <= 1.0;
    if !inside(left, right) || !inside(top, bottom) {
        return Err(
            "a box has its edges between 0 and 1, left before right and top above bottom"
                .to_owned(),
        );
    }
    if prompt.trim().is_empty() {
        return Err("say what is there".to_owned());
    }
    Ok(RegionParams {
        area: Some(area),
        prompt: Some(prompt.trim().to_owned()),
        ..RegionParams::default()
    })
}

/// A LoRA that was applied, for people.
pub fn applied(lora: &AppliedLora) -> String {
    let mut line = format!("  LoRA {} at {}", lora.name, lora.weight);
    if let Some(text_weight) = lora.text_weight {
        line.push_str(&format!(" (text {text_weight})"));
    }
    if let Some(reason) = &lora.reason {
        line.push_str(&format!(", for {reason}"));
    }
    if let Some(region) = lora.region {
        line.push_str(&format!(", in region {}", region + 1));
    }
    match lora.hires {
        Some(true) => line.push_str(", in the second pass"),
        Some(false) => line.push_str(", in the first pass"),
        None => {}
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lora_has_a_name_and_may_have_a_weight() {
        let read = |text| lora(text).expect(text);
        assert_eq!(
            (read("kaito").name.as_str(), read("kaito").weight),
            ("kaito", None)
        );
        assert_eq!(read("kaito:-0.5").weight, Some(-0.5));
        for text in ["", ":1", "kaito:", "kaito:much"] {
            assert!(lora(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_region_has_a_box_and_a_prompt() {
        let read = region("0, 0, 0.5,1: a man: tall").expect("a region");
        assert_eq!(read.area, Some(vec![0.0, 0.0, 0.5, 1.0]));
        assert_eq!(read.prompt.as_deref(), Some("a man: tall"));
        for text in [
            "a man",
            "0,0,1:a man",
            "0,0,x,1:a man",
            "0.5,0,0.5,1:a man",
            "0,0,NaN,1:a man",
            "0,0,1,1.5:a man",
            "0,0,1,1: ",
        ] {
            assert!(region(text).is_err(), "{text}");
        }
    }
}
