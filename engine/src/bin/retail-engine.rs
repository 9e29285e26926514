//! The headless program; all of it is `retail_engine::cli`.

use std::process::ExitCode;

// Its settings are in `.cargo/config.toml`, why in engine/README.md.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static HEAP: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    retail_engine::cli::main()
}
