/// How large a proof is: `small` in `make test`, `full` in `make soak` (which sets `PITCHEY_SOAK`). The assertions are the same.
pub fn size<T>(small: T, full: T) -> T {
    if std::env::var_os("PITCHEY_SOAK").is_some() { full } else { small }
}
