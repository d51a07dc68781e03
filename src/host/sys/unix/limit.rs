use rustix::process::{Resource, getrlimit};

/// `RLIMIT_NOFILE`: how many descriptors this process may have; a very large number if there is no limit.
pub fn max_descriptors() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
