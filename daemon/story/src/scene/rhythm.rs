//! Which event is seen in which frame, and in which shot.

use super::beat::Beat;
use super::book::Kind;

/// A frame before it is put into words.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The shot's number.
    pub shot: u32,
    /// The event; none in a frame that shows the place alone.
    pub beat: Option<usize>,
    /// How many frames of this event came before.
    pub again: usize,
}

/// Which share of a scene has gone by when it turns.
const TURN: f32 = 0.65;

/// How badly each event is seen in each shot, by the shot's number: 0 at best.
pub(super) type Misfits = Vec<[u32; 10]>;

/// That an event is not seen in a shot.
pub(super) const POOR: u32 = 4;

fn misfit(misfits: &Misfits, beat: usize, shot: u32) -> u32 {
    let of = misfits.get(beat).and_then(|shots| shots.get(shot as usize));
    of.copied().unwrap_or(POOR)
}

/// Distributes events over frames. `given` are shots that were asked for.
pub(super) fn slots(
    beats: &[Beat],
    misfits: &Misfits,
    frames: usize,
    given: Option<&[u32]>,
    kind: &Kind,
) -> Vec<Slot> {
    let peopled = beats
        .iter()
        .any(|beat| beat.person || !beat.actors.is_empty());
    let shots = match given {
        Some(shots) => shots.to_vec(),
        None if peopled => rhythm(frames, kind),
        None => rhythm(frames, &kind.unpeopled()),
    };
    let kept = chosen(beats, frames);
    let order = align(beats, misfits, &kept, &shots);
    let mut slots: Vec<Slot> = Vec::with_capacity(frames);
    for (at, shot) in shots.iter().enumerate() {
        let beat = order[at];
        let again = slots
            .iter()
            .rev()
            .take_while(|slot| slot.beat == beat && beat.is_some())
            .count();
        slots.push(Slot {
            shot: *shot,
            beat,
            again,
        });
    }
    if given.is_none() {
        suit(&mut slots, misfits);
    }
    slots
}

/// The shots of a kind of scene.
fn rhythm(frames: usize, kind: &Kind) -> Vec<u32> {
    let mut cycle = kind.rhythm.iter().copied().cycle();
    let turn = turn_at(frames);
    let mut shots: Vec<u32> = Vec::with_capacity(frames);
    for at in 0..frames {
        let last = at + 1 == frames;
        let shot = if at == 0 && frames >= 3 {
            kind.opening
        } else if last && frames >= 4 {
            kind.ending
        } else if Some(at) == turn {
            kind.turn
        } else {
            let before = shots.last().copied();
            let after = if Some(at + 1) == turn {
                Some(kind.turn)
            } else if at + 2 == frames && frames >= 4 {
                Some(kind.ending)
            } else {
                None
            };
            // A rhythm of one shot has no other to offer.
            let other = cycle
                .by_ref()
                .take(kind.rhythm.len())
                .find(|shot| Some(*shot) != before && Some(*shot) != after);
            other.unwrap_or(4)
        };
        shots.push(shot);
    }
    shots
}

fn turn_at(frames: usize) -> Option<usize> {
    (frames >= 4).then(|| ((frames - 1) as f32 * TURN).round() as usize)
}

/// Which events are shown where there are more of them than frames.
fn chosen(beats: &[Beat], frames: usize) -> Vec<usize> {
    let count = beats.len();
    if count <= frames {
        return (0..count).collect();
    }
    let turn = beats
        .iter()
        .rposition(|beat| beat.turns)
        .unwrap_or_else(|| ((count - 1) as f32 * TURN).round() as usize);
    if frames == 1 {
        return vec![turn];
    }
    let mut kept: Vec<usize> = (0..frames)
        .map(|at| (at * (count - 1) + (frames - 1) / 2) / (frames - 1))
        .collect();
    if !kept.contains(&turn) && frames > 2 {
        // The nearest gives way, but neither the first nor the last.
        let inner = 1..frames - 1;
        if let Some(nearest) = inner.min_by_key(|at| kept[*at].abs_diff(turn)) {
            kept[nearest] = turn;
        }
    }
    kept
}

/// The cheapest way to show the events in their order, each at least once.
fn align(beats: &[Beat], misfits: &Misfits, kept: &[usize], shots: &[u32]) -> Vec<Option<usize>> {
    let (frames, count) = (shots.len(), kept.len());
    if count == 0 {
        return vec![None; frames];
    }
    let first = |frame: usize, beat: usize| 2.0 * misfit(misfits, kept[beat], shots[frame]) as f32;
    let again = |frame: usize, beat: usize| match shots[frame] {
        9 if beats[kept[beat]].prop.is_none() => 2.5,
        _ => 1.0,
    };
    let drift = |frame: usize, beat: usize| {
        let share = |at: usize, of: usize| (at as f32 + 0.5) / of as f32;
        6.0 * (share(frame, frames) - share(beat, count)).abs()
    };
    // Column 0 is the place alone, column k + 1 the k-th event.
    let mut costs = vec![vec![f32::INFINITY; count + 1]; frames];
    let mut fresh = vec![vec![false; count + 1]; frames];
    let opens = frames > count && matches!(shots[0], 7 | 8);
    if opens {
        costs[0][0] = 0.0;
    }
    // A scene that can begin with its place does.
    costs[0][1] = first(0, 0) + drift(0, 0) + if opens { 5.0 } else { 0.0 };
    fresh[0][1] = true;
    for frame in 1..frames {
        for beat in 0..count {
            let stay = costs[frame - 1][beat + 1] + again(frame, beat);
            let come = costs[frame - 1][beat] + first(frame, beat);
            fresh[frame][beat + 1] = come <= stay;
            costs[frame][beat + 1] = come.min(stay) + drift(frame, beat);
        }
    }
    let mut order = vec![None; frames];
    let mut column = count;
    for frame in (0..frames).rev() {
        order[frame] = column.checked_sub(1).map(|beat| kept[beat]);
        if fresh[frame][column] {
            column = column.saturating_sub(1);
        }
    }
    order
}

/// Takes another shot where an event is first seen in one that does not show it.
fn suit(slots: &mut [Slot], misfits: &Misfits) {
    for at in 0..slots.len() {
        let slot = &slots[at];
        let Some(beat) = slot.beat else {
            continue;
        };
        if slot.again > 0 || misfit(misfits, beat, slot.shot) < POOR {
            continue;
        }
        let neighbours = [at.checked_sub(1), Some(at + 1)]
            .map(|at| at.and_then(|at| slots.get(at)).map(|slot| slot.shot));
        let others = (1..=9).filter(|shot| !neighbours.contains(&Some(*shot)));
        let better =
            others.min_by_key(|shot| (misfit(misfits, beat, *shot), shot.abs_diff(slot.shot)));
        if let Some(shot) = better.filter(|shot| misfit(misfits, beat, *shot) < POOR) {
            slots[at].shot = shot;
        }
    }
}
