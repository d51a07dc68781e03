use rustix::process::{Resource, getrlimit};

/// How many descriptors this process may have; as good as any number where there is no limit.
pub fn max_descriptors() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
