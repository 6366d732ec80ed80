//! Segmenters: ViT and MobileSAM's TinyViT against the authors' code, the
//! embedded segmenter's form against transformers.

use candle_core::Device;
use framewright_engine::segment::{
    BoxPrompt, EncoderConfig, ImageEmbedding, MaskLogits, PointPrompt, Prompt, SegmentError,
    Segmenter, SegmenterConfig,
};
use image::RgbImage;

use crate::golden;

/// The bar: max|a−b| ≤ 1e-4 · max|b|.
const BAR: f32 = 1e-4;

struct Case {
    name: &'static str,
    golden: golden::Tensors,
    segmenter: Segmenter,
    picture: RgbImage,
}

impl Case {
    /// A folder's model. The ViT is told from its shapes alone; TinyViT's
    /// `config.json` gives the size of its pictures, the embedded one's
    /// everything.
    fn open(name: &'static str, width: u32, height: u32) -> Self {
        let folder = golden::path(name);
        let configured = folder.join("config.json").exists();
        assert_eq!(configured, name != "segment-vit");
        let loaded = Segmenter::open(&folder, &Device::Cpu).unwrap();
        // What TinyViT's file has for training alone.
        let unused: Vec<&str> = loaded
            .unused
            .iter()
            .map(String::as_str)
            .filter(|name| !name.ends_with("num_batches_tracked"))
            .collect();
        let head: &[&str] = match name {
            "segment-tiny-vit" => &[
                "image_encoder.head.bias",
                "image_encoder.head.weight",
                "image_encoder.norm_head.bias",
                "image_encoder.norm_head.weight",
            ],
            _ => &[],
        };
        assert_eq!(unused, head);
        let golden = golden::Tensors::open(&format!("{name}/golden.safetensors"));
        let values = golden.bytes("picture");
        let plane = (width * height) as usize;
        assert_eq!(values.len(), 3 * plane);
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let at = (y * width + x) as usize;
            image::Rgb([0, 1, 2].map(|channel| values[channel * plane + at]))
        });
        Self {
            name,
            golden,
            segmenter: loaded.network,
            picture,
        }
    }

    fn embed(&self) -> ImageEmbedding {
        self.segmenter.embed(&self.picture, || true).unwrap()
    }

    fn assert_near(&self, what: &str, ours: &[f32]) {
        let theirs = self.golden.values(what);
        let difference = golden::relative_difference(ours, &theirs);
        println!("{} {what}: {difference:e}", self.name);
        assert!(difference <= BAR, "{} {what}: {difference:e}", self.name);
    }

    /// The logits and scores of a prompt, in the decoder's own order.
    fn assert_prompt(&self, what: &str, embedding: &ImageEmbedding, prompt: &Prompt) {
        let candidates = self.segmenter.segment(embedding, prompt).unwrap();
        assert_eq!(candidates.len(), 3);
        assert!(candidates.is_sorted_by(|one, other| one.predicted_iou >= other.predicted_iou));
        let scores = self.golden.values(&format!("{what}.scores"));
        let logits = self.golden.values(&format!("{what}.logits"));
        let side = self.segmenter.config().mask_side();
        let mut order = [0, 1, 2];
        order.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]));
        let mut ours = vec![Vec::new(); 3];
        let mut our_scores = vec![0.0; 3];
        for (candidate, place) in candidates.iter().zip(order) {
            ours[place] = candidate.logits.values().to_vec();
            our_scores[place] = candidate.predicted_iou;
            assert_eq!(candidate.logits.side(), side);
        }
        assert_eq!(logits.len(), 3 * side * side);
        self.assert_near(&format!("{what}.logits"), &ours.concat());
        self.assert_near(&format!("{what}.scores"), &our_scores);
    }

    /// Points, boxes, both, and with a mask.
    fn assert_agrees(&self) {
        let embedding = self.embed();
        let features = embedding.features().flatten_all().unwrap();
        self.assert_near("embedding", &features.to_vec1::<f32>().unwrap());

        let (width, height) = self.picture.dimensions();
        let (width, height) = (width as f32, height as f32);
        let point = |x: f32, y: f32, positive: bool| PointPrompt {
            x: x * width,
            y: y * height,
            positive,
        };
        let around = BoxPrompt {
            left: 0.2 * width,
            top: 0.1 * height,
            right: 0.8 * width,
            bottom: 0.9 * height,
        };
        let both = vec![point(0.3, 0.6, true), point(0.75, 0.25, false)];
        let prompt =
            |points: &[PointPrompt], boxes: &[BoxPrompt], mask: Option<MaskLogits>| Prompt {
                points: points.to_vec(),
                boxes: boxes.to_vec(),
                mask,
            };
        let click = prompt(&both[..1], &[], None);
        self.assert_prompt("click", &embedding, &click);
        self.assert_prompt("points", &embedding, &prompt(&both, &[], None));
        self.assert_prompt("box", &embedding, &prompt(&[], &[around], None));
        let negative = [point(0.75, 0.25, false)];
        self.assert_prompt("box-point", &embedding, &prompt(&negative, &[around], None));

        // The click's second mask as the next prompt.
        let second = self.golden.values("click.logits");
        let side = self.segmenter.config().mask_side();
        let second = &second[side * side..2 * side * side];
        let candidates = self.segmenter.segment(&embedding, &click).unwrap();
        let nearest = candidates
            .into_iter()
            .min_by(|one, other| {
                let off =
                    |logits: &MaskLogits| golden::relative_difference(logits.values(), second);
                off(&one.logits).total_cmp(&off(&other.logits))
            })
            .unwrap();
        let mask = Some(nearest.logits);
        self.assert_prompt("mask-point", &embedding, &prompt(&both, &[], mask.clone()));
        if self.golden.find("mask.logits").is_some() {
            self.assert_prompt("mask", &embedding, &prompt(&[], &[], mask));
        }
    }

    /// Masks at the size of a larger picture, of which the encoder sees the
    /// same: the picture is enlarged, and what the encoder got put in its
    /// place.
    fn assert_upsampled(&self, width: u32, height: u32) {
        let large = image::imageops::resize(
            &self.picture,
            width,
            height,
            image::imageops::FilterType::Nearest,
        );
        let embedding = self.segmenter.embed(&large, || true).unwrap();
        assert_eq!(embedding.size(), (width, height));
        let theirs = self.golden.values("click.large");
        assert_eq!(theirs.len(), (width * height) as usize);

        let small = self.embed();
        let (own_width, own_height) = self.picture.dimensions();
        let (x, y) = (0.3 * own_width as f32, 0.6 * own_height as f32);
        let first = self.golden.values("click.logits");
        let side = self.segmenter.config().mask_side();
        let candidates = self
            .segmenter
            .segment(&small, &Prompt::click(x, y))
            .unwrap();
        let candidate = candidates
            .into_iter()
            .find(|candidate| {
                let logits = candidate.logits.values();
                golden::relative_difference(logits, &first[..side * side]) < 1e-3
            })
            .unwrap();
        let ours = embedding.logits(&candidate.logits);
        self.assert_near("click.large", &ours);
    }
}

#[test]
fn the_papers_vit_agrees() {
    let case = Case::open("segment-vit", 40, 28);
    case.assert_agrees();
    case.assert_upsampled(61, 42);
    let EncoderConfig::Vit(vit) = &case.segmenter.config().encoder else {
        panic!("a ViT");
    };
    assert_eq!(
        (vit.heads, vit.window, vit.global.as_slice()),
        (2, 3, [1].as_slice())
    );
}

#[test]
fn mobile_sams_tiny_vit_agrees() {
    let folder = golden::path("segment-tiny-vit");
    // Its shapes do not tell for which size it is: without a configuration it
    // is taken for MobileSAM's own.
    let file = std::fs::read(folder.join("model.safetensors")).unwrap();
    let side = SegmenterConfig::from_shapes(
        |name| {
            let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
            tensors
                .tensor(name)
                .ok()
                .map(|tensor| tensor.shape().to_vec())
        },
        &folder,
    )
    .unwrap();
    assert_eq!(side.image_size, 1024);
    let case = Case::open("segment-tiny-vit", 80, 50);
    case.assert_agrees();
    case.assert_upsampled(64, 40);
}

#[test]
fn the_embedded_form_agrees() {
    let case = Case::open("segment-sketch", 30, 40);
    case.assert_agrees();
    case.assert_upsampled(42, 56);
}

#[test]
fn several_boxes_ask_for_several_things() {
    let case = Case::open("segment-vit", 40, 28);
    let embedding = case.embed();
    let rect = |left: f32, right: f32| BoxPrompt {
        left,
        top: 3.0,
        right,
        bottom: 20.0,
    };
    let (one, other) = (rect(2.0, 15.0), rect(20.0, 38.0));
    let ask = |boxes: &[BoxPrompt], points: &[PointPrompt]| {
        let prompt = Prompt {
            boxes: boxes.to_vec(),
            points: points.to_vec(),
            mask: None,
        };
        case.segmenter.segment(&embedding, &prompt).unwrap()
    };
    // A point in the second box is a point of the second alone.
    let point = PointPrompt {
        x: 30.0,
        y: 10.0,
        positive: true,
    };
    let first = ask(&[one], &[]);
    let second = ask(&[other], &[point]);
    let mut together = ask(&[one, other], &[point]);
    assert_eq!(together.len(), 3);
    for (one, other) in first.iter().zip(&second) {
        let values = one.logits.values().iter().zip(other.logits.values());
        let expected: Vec<f32> = values.map(|(one, other)| one.max(*other)).collect();
        let at = together
            .iter()
            .position(|it| it.logits.values() == expected)
            .expect("best with best");
        let found = together.remove(at);
        assert_eq!(
            found.predicted_iou,
            one.predicted_iou.min(other.predicted_iou)
        );
    }
}

#[test]
fn candidates_tell_their_size_place_and_stability() {
    let case = Case::open("segment-sketch", 30, 40);
    let embedding = case.embed();
    for candidate in case
        .segmenter
        .segment(&embedding, &Prompt::click(9.0, 24.0))
        .unwrap()
    {
        assert_eq!(candidate.mask.dimensions(), (30, 40));
        let logits = embedding.logits(&candidate.logits);
        let above = |level: f32| logits.iter().filter(|&&value| value > level).count() as u64;
        assert_eq!(candidate.area, above(0.0));
        let stability = above(1.0) as f32 / above(-1.0) as f32;
        assert_eq!(candidate.stability, stability);
        let [left, top, width, height] = candidate.bounds;
        let mut inside = 0;
        for (x, y, pixel) in candidate.mask.enumerate_pixels() {
            let selected = logits[(y * 30 + x) as usize] > 0.0;
            assert_eq!(pixel.0[0], if selected { 255 } else { 0 });
            let within = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            assert!(within || !selected, "{x} {y}");
            inside += u64::from(within && selected);
        }
        assert_eq!(inside, candidate.area);
    }
}

#[test]
fn any_size_of_picture_is_segmented() {
    let case = Case::open("segment-tiny-vit", 80, 50);
    for (width, height) in [(1, 1), (7, 300), (640, 11), (80, 80), (1201, 799)] {
        let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 9]));
        let embedding = case.segmenter.embed(&picture, || true).unwrap();
        let click = Prompt::click(width as f32 / 2.0, height as f32 / 2.0);
        let candidates = case.segmenter.segment(&embedding, &click).unwrap();
        assert_eq!(candidates.len(), 3);
        for candidate in candidates {
            assert_eq!(candidate.mask.dimensions(), (width, height));
            // A mask as it comes back from a canvas is a prompt again.
            let mask = case
                .segmenter
                .mask_prompt(&embedding, &candidate.mask)
                .unwrap();
            let again = Prompt {
                mask: Some(mask),
                ..Prompt::default()
            };
            case.segmenter.segment(&embedding, &again).unwrap();
        }
    }
    // A thousand times as long as wide: less than a pixel of it would be seen.
    for (width, height) in [(0, 5), (4000, 3)] {
        let refused = case.segmenter.embed(&RgbImage::new(width, height), || true);
        assert!(
            matches!(refused, Err(SegmentError::Picture { .. })),
            "{width}"
        );
    }
}

#[test]
fn prompts_that_make_no_sense_are_refused() {
    let case = Case::open("segment-vit", 40, 28);
    let embedding = case.embed();
    let refusal = |prompt: &Prompt| case.segmenter.segment(&embedding, prompt).unwrap_err();
    assert!(matches!(
        refusal(&Prompt::default()),
        SegmentError::EmptyPrompt
    ));
    for (x, y) in [
        (-1.0, 3.0),
        (3.0, 28.5),
        (f32::NAN, 3.0),
        (f32::INFINITY, 3.0),
    ] {
        let refused = refusal(&Prompt::click(x, y));
        assert!(matches!(refused, SegmentError::Place { .. }), "{refused}");
    }
    for [left, top, right, bottom] in [
        [5.0, 5.0, 5.0, 9.0],
        [9.0, 5.0, 5.0, 9.0],
        [40.0, 5.0, 50.0, 9.0],
        [-9.0, -9.0, -1.0, 9.0],
        [1.0, f32::NAN, 5.0, 9.0],
    ] {
        let refused = refusal(&Prompt::around(BoxPrompt {
            left,
            top,
            right,
            bottom,
        }));
        assert!(matches!(refused, SegmentError::Place { .. }), "{refused}");
    }
    let mut many = Prompt::click(1.0, 1.0);
    many.points = vec![many.points[0]; 257];
    assert!(matches!(
        refusal(&many),
        SegmentError::TooMany { found: 257, .. }
    ));

    // What another segmenter made.
    let other = Case::open("segment-tiny-vit", 80, 50);
    let foreign = other.embed();
    let click = Prompt::click(1.0, 1.0);
    let refused = case.segmenter.segment(&foreign, &click).unwrap_err();
    assert!(matches!(
        refused,
        SegmentError::Foreign { what: "embedding" }
    ));
    let mask = image::GrayImage::new(5, 5);
    let refused = case.segmenter.mask_prompt(&embedding, &mask).unwrap_err();
    assert!(matches!(refused, SegmentError::Foreign { what: "mask" }));

    let mut asked = 0;
    let abandoned = case.segmenter.embed(&case.picture, || {
        asked += 1;
        asked < 3
    });
    assert!(matches!(abandoned, Err(SegmentError::Abandoned)));
    assert_eq!(asked, 3);
}

#[test]
fn tensors_that_do_not_fit_are_listed_in_one_error() {
    let folder = golden::path("segment-vit");
    let tensors =
        candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
    let mut changed = tensors.clone();
    changed.remove("mask_decoder.iou_token.weight");
    changed.remove("image_encoder.blocks.1.attn.proj.bias");
    let wrong = candle_core::Tensor::zeros(7, candle_core::DType::F16, &Device::Cpu).unwrap();
    changed.insert(
        "prompt_encoder.not_a_point_embed.weight".to_owned(),
        wrong.clone(),
    );
    changed.insert("image_encoder.neck.1.bias".to_owned(), wrong.clone());
    changed.insert("something.else".to_owned(), wrong);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("sam.safetensors");
    candle_core::safetensors::save(&changed, &path).unwrap();
    let told = Segmenter::open(&path, &Device::Cpu)
        .unwrap_err()
        .to_string();
    for part in [
        "missing      mask_decoder.iou_token.weight [1, 16]",
        "missing      image_encoder.blocks.1.attn.proj.bias [16]",
        "wrong shape  prompt_encoder.not_a_point_embed.weight: expected [1, 16], found [7]",
        "wrong shape  image_encoder.neck.1.bias: expected [16], found [7]",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }

    // One file alone, with a key that is not used.
    let mut more = tensors;
    more.insert(
        "something.else".to_owned(),
        candle_core::Tensor::zeros(7, candle_core::DType::F16, &Device::Cpu).unwrap(),
    );
    candle_core::safetensors::save(&more, &path).unwrap();
    let loaded = Segmenter::open(&path, &Device::Cpu).unwrap();
    assert_eq!(loaded.unused, ["something.else"]);

    // A picture of another size than the weights are for.
    std::fs::write(path.with_extension("json"), r#"{"image_size": 48}"#).unwrap();
    let told = Segmenter::open(&path, &Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("pos_embed: expected [1, 6, 6, 16], found [1, 5, 5, 16]"),
        "{told}"
    );
    std::fs::write(path.with_extension("json"), "{").unwrap();
    let told = Segmenter::open(&path, &Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(told.contains("sam.json"), "{told}");

    let missing = Segmenter::open(&home.path().join("no.safetensors"), &Device::Cpu);
    assert!(missing.is_err());
    let pickle = Segmenter::open(&home.path().join("sam_vit_b.pth"), &Device::Cpu);
    assert!(pickle.unwrap_err().to_string().contains("pickle"));
}
