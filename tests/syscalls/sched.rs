pub mod sched_yield {
    use crate::support::Guest;

    #[test]
    pub fn works() {
        Guest::new().ok("sched_yield", []);
    }

    /// There are none.
    #[test]
    pub fn refusals() {
        Guest::new().refuses("sched_yield", &[]);
    }
}
