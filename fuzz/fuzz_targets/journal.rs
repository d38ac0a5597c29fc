//! A journal, as it is and with every checksum set.

#![no_main]

#[path = "../../tests/it/fuzz_bodies/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "each target runs one of the bodies"
)]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_bodies::journal(data);
});
