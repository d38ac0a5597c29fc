//! Replies of a vendor to every read and to a write.

#![no_main]

#[path = "../../tests/it/fuzz_bodies/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "each target runs one of the bodies"
)]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_bodies::decode(data);
});
