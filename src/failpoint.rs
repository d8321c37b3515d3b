//! Places at which a test has the process die, to see that what comes after it loses nothing. Only debug builds have
//! them; `ANYTIME_FAILPOINT=name` dies there the first time, `name:3` the third time.

/// Dies here if a test wants that.
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::failpoint::reached($name);
    };
}

#[cfg(debug_assertions)]
pub fn reached(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static WANTED: OnceLock<Option<(String, usize)>> = OnceLock::new();
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    #[expect(clippy::disallowed_methods, reason = "it is no setting, and not there in what people run")]
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("ANYTIME_FAILPOINT").ok()?;
        let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), times.parse().unwrap_or(1)))
    });
    if let Some((place, times)) = wanted
        && place == name
        && SEEN.fetch_add(1, Ordering::SeqCst) + 1 == *times
    {
        // As a kill -9 would: nothing is tidied up.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
        std::process::abort();
    }
}
