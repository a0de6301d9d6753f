/// Runs `work` to its end from wherever this is called, also from a `Drop` inside of a runtime, which can't be blocked on from within itself.
pub(crate) fn off_runtime<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work)
    });
    thread.join().expect("it does not panic")
}
