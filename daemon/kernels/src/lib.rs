//! The few operations the engine spends its time in, fast on a CPU.
//!
//! Everything works on contiguous slices of `f32` and writes into a slice that
//! the caller provides; no tensor type is known here. Lengths are checked against
//! the shape before anything is computed.
//!
//! *Threads*: work is shared out on the rayon pool the caller is in (see
//! `rayon::ThreadPool::install`), and on no other; nothing spins.
//!
//! *Determinism*: the order in which each number of a result is summed up depends
//! on the shapes alone. So a result is the same, bit for bit, on any number of
//! threads of the same kind of processor. Between processors with different
//! instructions (AVX-512, AVX2, none of them) the last bits may differ.
//!
//! *Memory*: beside its result, [`conv2d`] needs at most 36 MiB and 1 MiB a
//! thread, the others at most 1 MiB a thread; it is kept for the next call.

mod activation;
mod attention;
mod conv;
mod norm;
mod product;
mod scratch;
mod shape;
mod shared;
mod simd;
mod tile;
mod winograd;

pub use activation::{Activation, activate, geglu, upsample_nearest_2x};
pub use attention::{AttentionShape, attention};
pub use conv::{ConvShape, Padding, conv2d, pointwise_add};
pub use norm::{GroupNormShape, group_norm, layer_norm};
pub use product::{linear, linear_add};
pub use shape::ShapeError;

/// The instructions in use on this processor, for logs and reports.
pub fn instruction_set() -> &'static str {
    simd::Level::best().name()
}
