//! A saved plan, as it is and sealed anew.

#![no_main]

#[path = "../../tests/it/fuzz_bodies/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "each target runs one of the bodies"
)]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_bodies::plan_file(data);
});
