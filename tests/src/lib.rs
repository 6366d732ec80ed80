//! End to end tests on the real daemon, and golden data.
