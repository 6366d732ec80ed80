//! Working memory that a thread keeps from one call to the next: fresh memory
//! costs a page fault every 4 KiB, which adds up to a good part of a kernel.

use std::cell::Cell;

thread_local! {
    static CALL: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static TASK: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Numbers in a cache line, to which the memory is aligned.
const LINE: usize = 16;

/// Memory for a whole call, shared by its tasks.
pub(crate) fn for_call<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    with(&CALL, len, work)
}

/// Memory for one task of a call; tasks do not start further tasks.
pub(crate) fn for_task<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    with(&TASK, len, work)
}

/// Hands out `len` numbers with arbitrary content.
fn with<R>(
    slot: &'static std::thread::LocalKey<Cell<Vec<f32>>>,
    len: usize,
    work: impl FnOnce(&mut [f32]) -> R,
) -> R {
    let mut memory = slot.take();
    if memory.len() < len + LINE {
        // Drops the old memory first: never both at once.
        memory = Vec::new();
        memory.resize(len + LINE, 0.0);
    }
    let offset = memory
        .as_ptr()
        .align_offset(LINE * size_of::<f32>())
        .min(LINE);
    let result = work(&mut memory[offset..offset + len]);
    slot.set(memory);
    result
}
