/// Whether this is the main thread of the process. False if the system does not tell.
pub fn is_first_thread() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return rustix::thread::gettid() == rustix::process::getpid();
    #[cfg(target_vendor = "apple")]
    #[allow(unsafe_code, reason = "std has no word for it")]
    // SAFETY: it takes nothing.
    return unsafe { libc::pthread_main_np() } != 0;
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    return false;
}
