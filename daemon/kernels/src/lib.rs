//! The few operations the engine spends its time in, fast on a CPU.
