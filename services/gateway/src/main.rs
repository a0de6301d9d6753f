//! The gateway.

/// A request is a hundred small allocations; with the system's allocator they cost a tenth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    pitchey_launch::launch::<pitchey_gateway::Gateway>()
}
